//! Answers that count for nothing.

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::device::Device;
use super::*;

/// Whether a device gets in with its passkey.
async fn lets_in(app: &TestApp, device: &Device) -> bool {
    let mut client = app.client();
    go(&mut client, LOGIN, device).await;
    is_in(&mut client).await
}

#[tokio::test]
async fn a_copy_that_counts_less_is_found_out() {
    let app = start().await;
    let (_, device, _) = with_passkey(&app, ADA).await;
    assert!(lets_in(&app, &device).await);
    let count = device.count.load(Ordering::Relaxed);
    assert!(lets_in(&app, &device).await);
    for stale in [count, count - 1, 0] {
        device.count.store(stale, Ordering::Relaxed);
        assert!(!lets_in(&app, &device).await, "{stale} after {count}");
    }
    device.count.store(count + 1, Ordering::Relaxed);
    assert!(lets_in(&app, &device).await);
}

#[tokio::test]
async fn a_device_that_does_not_count_is_taken() {
    let app = start().await;
    let (mut ada, mut device) = (sign_up(&app, ADA).await, Device::new());
    device.count = 0.into();
    add(&mut ada, &mut device, "Synchronised").await;
    assert!(lets_in(&app, &device).await);
    assert!(lets_in(&app, &device).await);
}

#[tokio::test]
async fn a_question_is_answered_once_in_its_time_and_for_what_it_was_asked() {
    let app = start().await;
    let (mut ada, device, _) = with_passkey(&app, ADA).await;
    // What is done now and then is done for the second time.
    app.work_jobs().await;
    let mut client = app.client();
    let asked = question(&mut client, LOGIN).await;
    let mut twin = app.client();
    give(&mut client, LOGIN, (&asked, &device.sign(&asked))).await;
    assert!(is_in(&mut client).await);
    give(&mut twin, LOGIN, (&asked, &device.sign(&asked))).await;
    assert!(!is_in(&mut twin).await, "once");
    let asked = question(&mut twin, LOGIN).await;
    give(&mut twin, LOGIN, (&asked, "{}")).await;
    give(&mut twin, LOGIN, (&asked, &device.sign(&asked))).await;
    assert!(!is_in(&mut twin).await, "a wrong answer ends it");
    let asked = question(&mut twin, LOGIN).await;
    app.clock.advance(10 * MINUTE);
    give(&mut twin, LOGIN, (&asked, &device.sign(&asked))).await;
    assert!(!is_in(&mut twin).await, "too late");
    app.clock.advance(60 * MINUTE);
    app.work_jobs().await;
    assert_eq!(count(&app, "passkey_questions").await, 0);
    let asked = question(&mut ada, "/accounts/confirm/passkey").await;
    give(&mut twin, LOGIN, (&asked, &device.sign(&asked))).await;
    assert!(!is_in(&mut twin).await, "for something else");
}

#[tokio::test]
async fn replicas_share_questions_and_of_twenty_answers_at_once_one_counts() {
    let app = start().await;
    let (_, device, _) = with_passkey(&app, ADA).await;
    let other = builder(|_| ()).replica_of(&app).await;
    let asked = question(&mut app.client(), LOGIN).await;
    let answer = device.sign(&asked);
    let tries = (0..20).map(|at| {
        let mut client = if at % 2 == 0 {
            app.client()
        } else {
            other.client()
        };
        let (asked, answer) = (asked.clone(), answer.clone());
        tokio::spawn(async move {
            give(&mut client, LOGIN, (&asked, &answer)).await;
            is_in(&mut client).await
        })
    });
    let tries: Vec<_> = tries.collect();
    let mut entered = 0;
    for one in tries {
        entered += usize::from(one.await.unwrap());
    }
    assert_eq!(entered, 1);
}

#[tokio::test]
async fn who_is_elsewhere_or_does_not_make_sure_of_his_owner_is_refused() {
    let app = start().await;
    let (mut ada, mut device, _) = with_passkey(&app, ADA).await;
    let right = |device: &mut Device| {
        (device.verifies, device.origin, device.site) =
            (true, device::ORIGIN.to_owned(), "app.test".to_owned());
    };
    let faults: [fn(&mut Device); 5] = [
        |device| device.verifies = false,
        |device| device.origin = "http://app.test.evil.example".into(),
        |device| device.origin = "https://app.test".into(),
        |device| device.origin = "http://sub.app.test".into(),
        |device| device.site = "evil.example".into(),
    ];
    for fault in faults {
        fault(&mut device);
        assert!(!lets_in(&app, &device).await);
        let mut new = Device::new();
        fault(&mut new);
        let refused = add(&mut ada, &mut new, "Bad").await;
        assert!(
            refused.text.contains("This passkey was not taken"),
            "{}",
            refused.text
        );
        right(&mut device);
        assert!(lets_in(&app, &device).await);
    }
    assert_eq!(count(&app, "passkeys").await, 1);
}

#[tokio::test]
async fn another_key_does_not_sign_for_a_passkey_nor_one_passkey_for_another() {
    let app = start().await;
    let (_, device, _) = with_passkey(&app, ADA).await;
    let (_, bobs, _) = with_passkey(&app, "bob@example.com").await;
    let mut forged = Device::new();
    (forged.id, forged.handle) = (device.id.clone(), device.handle.clone());
    forged.count = 100.into();
    assert!(!lets_in(&app, &forged).await);
    // Bob's device says that it is Ada's.
    let mut client = app.client();
    let asked = question(&mut client, LOGIN).await;
    let mut answer: Value = serde_json::from_str(&bobs.sign(&asked)).unwrap();
    let handle: Value = serde_json::from_str(&device.sign(&asked)).unwrap();
    answer["response"]["userHandle"] = handle["response"]["userHandle"].clone();
    give(&mut client, LOGIN, (&asked, &answer.to_string())).await;
    assert!(!is_in(&mut client).await);
}

#[tokio::test]
async fn whatever_is_sent_is_no_fault_of_the_server() {
    let app = start().await;
    let (mut ada, device, _) = with_passkey(&app, ADA).await;
    let mut stranger = app.client();
    let asked = question(&mut stranger, LOGIN).await;
    let good: Value = serde_json::from_str(&device.sign(&asked)).unwrap();
    let odd = [
        json!(null),
        json!(""),
        json!("%"),
        json!([1]),
        json!(URL_SAFE_NO_PAD.encode([0xff; 300])),
    ];
    let parts = [
        "id",
        "rawId",
        "type",
        "response",
        "authenticatorData",
        "clientDataJSON",
        "signature",
        "userHandle",
    ];
    for part in parts {
        for value in &odd {
            let mut bad = good.clone();
            match bad.get(part) {
                Some(_) => bad[part] = value.clone(),
                None => bad["response"][part] = value.clone(),
            }
            for path in [LOGIN, NEW] {
                let client = if path == LOGIN {
                    &mut stranger
                } else {
                    &mut ada
                };
                let asked = question(client, path).await;
                let ticket = asked["ticket"].as_str().unwrap();
                let bad = bad.to_string();
                let fields = [("ticket", ticket), ("answer", &*bad), ("name", "x")];
                let answer = client.post(path, &fields).await;
                assert!(!answer.status.is_server_error(), "{part} {value}");
            }
        }
    }
    for fields in [
        vec![],
        vec![("ticket", "x")],
        vec![("ticket", "\u{0}"), ("answer", "[")],
    ] {
        let answer = stranger.post(LOGIN, &fields).await;
        assert!(!answer.status.is_server_error(), "{fields:?}");
    }
}
