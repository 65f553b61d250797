//! The second factor: no way in without it, codes that work once, recovery codes, and how it is turned on and off.

mod addresses;

use std::time::Duration;

use crate::support;
use crate::support::phone::{Phone, SET_UP};
use crate::support::{
    PASSWORD, SITE, app, column, confirm, count, run, settings, sign_up, sign_up_admin, themed,
};
use axum::http::StatusCode;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::testing::{Answer, Client, TestApp};
use quickscale_runtime::{App, Environment, admin};

const STEP: Duration = Duration::from_secs(30);

fn shown_codes(answer: &Answer) -> Vec<String> {
    let pieces = answer.text.split("<li><code>").skip(1);
    pieces
        .map(|piece| piece.split('<').next().unwrap().to_owned())
        .collect()
}

/// Turns the second factor on; the recovery codes come with it.
async fn turn_on(app: &TestApp, client: &mut Client) -> (Phone, Vec<String>) {
    let (phone, done) = support::phone::turn_on(app, client).await;
    let codes = shown_codes(&done);
    assert_eq!(codes.len(), 10, "{}", done.text);
    (phone, codes)
}

/// A browser that has given the right password.
async fn with_password(app: &TestApp) -> Client {
    let mut client = app.client();
    let fields = [
        ("email", "ada@example.com"),
        ("password", PASSWORD),
        ("next", "/services"),
    ];
    let answer = client.post("/accounts/login", &fields).await;
    assert_eq!(
        answer.location(),
        "/accounts/login/code?next=%2Fservices",
        "{}",
        answer.text
    );
    assert!(client.cookie("qs_session").is_none());
    client
}

async fn give(client: &mut Client, code: &str) -> Answer {
    client
        .post(
            "/accounts/login/code",
            &[("code", code), ("next", "/services")],
        )
        .await
}

async fn is_in(client: &mut Client) -> bool {
    client.get("/dashboard").await.status == StatusCode::OK
}

#[tokio::test]
async fn a_sign_in_takes_the_password_and_a_code_that_works_once() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let mut elsewhere = support::sign_in(&app, "ada@example.com").await;
    let before = ada.cookie("qs_session").unwrap().to_owned();
    let (phone, _) = turn_on(&app, &mut ada).await;
    assert_ne!(
        ada.cookie("qs_session"),
        Some(&*before),
        "a step up renews the session"
    );
    assert!(is_in(&mut ada).await && !is_in(&mut elsewhere).await);
    let stored = column(&app, "SELECT secret FROM second_factors").await;
    assert!(!stored[0].contains(&String::from_utf8_lossy(&phone.0).into_owned()));

    let mut client = with_password(&app).await;
    assert!(!is_in(&mut client).await);
    let used = give(&mut client, &phone.code(&app)).await;
    assert_eq!(
        used.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "it turned the factor on"
    );
    app.clock.advance(STEP);
    let code = phone.code(&app);
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    assert_eq!(give(&mut client, &spaced).await.location(), "/services");
    assert!(is_in(&mut client).await);
    assert!(client.cookie("qs_challenge").is_none());
    let mut thief = with_password(&app).await;
    let again = give(&mut thief, &code).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!is_in(&mut thief).await);
}

#[tokio::test]
async fn a_code_counts_a_step_before_and_after_its_own() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let (phone, _) = turn_on(&app, &mut ada).await;
    for (steps, counts) in [(1, true), (2, false)] {
        app.clock.advance(STEP * 10);
        let code = phone.code(&app);
        app.clock.advance(STEP * steps);
        let mut client = with_password(&app).await;
        assert_eq!(
            give(&mut client, &code).await.location() == "/services",
            counts,
            "{steps}"
        );
    }
}

#[tokio::test]
async fn a_recovery_code_signs_in_once_however_it_is_typed() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let (_, codes) = turn_on(&app, &mut ada).await;
    for stored in column(&app, "SELECT digest FROM recovery_codes").await {
        assert!(!codes.contains(&stored));
    }
    let mut client = with_password(&app).await;
    let typed = codes[0].replace('-', " ").to_uppercase();
    assert_eq!(give(&mut client, &typed).await.location(), "/services");
    let mut again = with_password(&app).await;
    assert_eq!(
        give(&mut again, &codes[0]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert!(
        ada.get("/accounts/security")
            .await
            .text
            .contains("9 recovery codes left")
    );
    let new = shown_codes(&ada.post("/accounts/security/recovery-codes", &[]).await);
    assert_eq!(new.len(), 10);
    assert_eq!(
        give(&mut again, &codes[1]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(give(&mut again, &new[0]).await.location(), "/services");
}

#[tokio::test]
async fn after_five_wrong_codes_or_ten_minutes_the_password_has_to_be_given_again() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let (phone, _) = turn_on(&app, &mut ada).await;
    app.clock.advance(STEP);
    let mut client = with_password(&app).await;
    for _ in 0..5 {
        assert_eq!(
            give(&mut client, "wrong").await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    assert_eq!(
        give(&mut client, &phone.code(&app)).await.location(),
        "/accounts/login"
    );
    let mut late = with_password(&app).await;
    app.clock.advance(Duration::from_secs(10 * 60));
    assert_eq!(
        give(&mut late, &phone.code(&app)).await.location(),
        "/accounts/login"
    );
    let mut nobody = app.client();
    assert_eq!(
        nobody.get("/accounts/login/code").await.location(),
        "/accounts/login"
    );
    assert_eq!(
        give(&mut nobody, &phone.code(&app)).await.location(),
        "/accounts/login"
    );
    let mut planted = app.client();
    planted.set_cookie("qs_challenge", "planted-by-somebody-else");
    assert_eq!(
        give(&mut planted, &phone.code(&app)).await.location(),
        "/accounts/login"
    );
}

#[tokio::test]
async fn whoever_knows_the_password_cannot_try_code_after_code() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let (phone, _) = turn_on(&app, &mut ada).await;
    let mut wrong = 0;
    'trying: loop {
        let mut thief = with_password(&app).await;
        for _ in 0..5 {
            match give(&mut thief, "000000").await.status {
                StatusCode::TOO_MANY_REQUESTS => break 'trying,
                _ => wrong += 1,
            }
        }
    }
    assert_eq!(wrong, 10);
    app.clock.advance(Duration::from_secs(15 * 60));
    let mut client = with_password(&app).await;
    assert_eq!(
        give(&mut client, &phone.code(&app)).await.location(),
        "/services"
    );
}

#[tokio::test]
async fn a_new_password_ends_sign_ins_that_wait_for_a_code() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let (phone, _) = turn_on(&app, &mut ada).await;
    app.clock.advance(STEP);
    let mut waiting = with_password(&app).await;
    let fields = [
        ("current_password", PASSWORD),
        ("password", "an entirely new one"),
    ];
    ada.post("/accounts/password/change", &fields).await;
    assert_eq!(
        give(&mut waiting, &phone.code(&app)).await.location(),
        "/accounts/login"
    );
}

#[tokio::test]
async fn of_twenty_uses_of_one_code_at_the_same_time_one_works() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let (phone, _) = turn_on(&app, &mut ada).await;
    app.clock.advance(STEP);
    let (client, code) = (with_password(&app).await, phone.code(&app));
    let sessions = count(&app, "sessions").await;
    let uses = (0..20).map(|_| {
        let (mut client, code) = (client.clone(), code.clone());
        tokio::spawn(async move { give(&mut client, &code).await.location() == "/services" })
    });
    let mut worked = 0;
    for one in futures_util::future::join_all(uses).await {
        worked += usize::from(one.unwrap());
    }
    assert_eq!(worked, 1);
    assert_eq!(count(&app, "sessions").await, sessions + 1);
}

#[tokio::test]
async fn a_secret_is_taken_up_by_its_owner_with_a_right_code_alone() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let mut bob = sign_up(&app, "bob@example.com").await;
    let page = ada.get(SET_UP).await;
    let (sealed, phone) = (page.input("sealed").unwrap(), Phone::scan(&page));
    let code = phone.code(&app);
    let wrong = ada
        .post(SET_UP, &[("sealed", sealed), ("code", "12 34")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        wrong.input("sealed"),
        Some(sealed),
        "the same secret is offered again"
    );
    for (client, sealed) in [(&mut bob, sealed), (&mut ada, "made-up")] {
        let refused = client
            .post(SET_UP, &[("sealed", sealed), ("code", &code)])
            .await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(count(&app, "second_factors").await, 0);
}

#[tokio::test]
async fn it_is_turned_off_by_whoever_proves_who_he_is_and_the_owner_is_told() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    turn_on(&app, &mut ada).await;
    app.clock.advance(Duration::from_secs(3600));
    let remove = "/accounts/security/second-factor/remove";
    let asked = ada.post(remove, &[]).await;
    assert!(
        asked.location().starts_with("/accounts/confirm"),
        "{}",
        asked.location()
    );
    confirm(&mut ada).await;
    ada.post("/accounts/security/recovery-codes", &[]).await;
    assert_eq!(ada.post(remove, &[]).await.location(), "/accounts/security");
    support::sign_in(&app, "ada@example.com").await;
    let mails = app.mails().await;
    let subjects: Vec<_> = mails.iter().map(|mail| &*mail.subject).collect();
    for state in ["on", "off"] {
        let expected = format!("The second factor of your account at {SITE} is {state}");
        assert!(subjects.contains(&&*expected), "{subjects:?}");
    }
    assert_eq!(count(&app, "recovery_codes").await, 0);
    let acts = "SELECT action FROM audit_entries WHERE actor_id = target_id ORDER BY action";
    assert_eq!(
        column(&app, acts).await,
        [
            "user.recovery_codes_renewed",
            "user.second_factor_off",
            "user.second_factor_on"
        ]
    );
}

#[tokio::test]
async fn where_the_staff_must_have_one_nothing_of_the_staffs_opens_before() {
    let options = auth::Settings {
        second_factor_for_staff: true,
        ..settings(Registration::Open)
    };
    let app = App::builder(SITE, Environment::Test).module(auth::module(options));
    let app = themed(app.module(admin::module(admin::Settings {})))
        .start()
        .await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    assert_eq!(root.get("/admin").await.location(), SET_UP);
    assert!(!root.get("/about").await.text.contains("href=\"/admin\""));
    assert_eq!(root.get("/dashboard").await.status, StatusCode::OK);
    turn_on(&app, &mut root).await;
    assert_eq!(root.get("/admin").await.status, StatusCode::OK);
    assert!(root.get("/about").await.text.contains("href=\"/admin\""));
}

#[tokio::test]
async fn a_key_that_was_replaced_still_reads_the_secret() {
    let first = themed(app()).start().await;
    let mut ada = sign_up(&first, "ada@example.com").await;
    let (phone, _) = turn_on(&first, &mut ada).await;
    first.clock.advance(STEP);
    let second = themed(app())
        .env("APP_SECRET_KEY", "another-key-0123456789abcdef-xyz")
        .env(
            "APP_SECRET_KEYS_PREVIOUS",
            "a-key-for-tests-0123456789abcdef",
        )
        .replica_of(&first)
        .await;
    let mut client = with_password(&second).await;
    assert_eq!(
        give(&mut client, &phone.code(&second)).await.location(),
        "/services"
    );
}

#[tokio::test]
async fn an_operator_helps_whoever_lost_app_and_codes() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    turn_on(&app, &mut ada).await;
    let arguments = ["reset-second-factor", "ada@example.com"];
    run(&app, "users", &arguments).await.unwrap();
    support::sign_in(&app, "ada@example.com").await;
    let acts = "SELECT action FROM audit_entries WHERE actor_id IS NULL";
    assert_eq!(column(&app, acts).await, ["user.second_factor_removed"]);
}

#[tokio::test]
async fn wrong_codes_from_one_network_are_counted_whoever_they_are_for() {
    let options = auth::Settings {
        failed_sign_ins_per_minute: 3,
        ..settings(Registration::Open)
    };
    let app = themed(support::app_of(Environment::Test, options))
        .start()
        .await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    turn_on(&app, &mut ada).await;
    app.clock.advance(Duration::from_secs(3600));
    let mut thief = with_password(&app).await.at([192, 0, 2, 7].into());
    for _ in 0..3 {
        let wrong = give(&mut thief, "wrong").await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let refused = give(&mut thief, "wrong").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let mut elsewhere = with_password(&app).await.at([198, 51, 100, 7].into());
    let wrong = give(&mut elsewhere, "wrong").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_sign_in_by_mail_takes_the_code_of_the_app_too() {
    let settings = auth::Settings {
        magic_links: true,
        ..settings(Registration::Open)
    };
    let app = App::builder(SITE, Environment::Test).module(auth::module(settings));
    let app = themed(app).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let (phone, _) = turn_on(&app, &mut ada).await;
    app.clock.advance(STEP);
    let mut client = app.client();
    let fields = [("email", "ada@example.com"), ("next", "/services")];
    client.post("/accounts/login/mail", &fields).await;
    let mail = app.mails().await.pop().unwrap();
    let link = mail.text.split_whitespace();
    let link = link.filter_map(|word| word.strip_prefix("http://app.test"));
    let mut link = link.filter(|path| path.starts_with("/accounts/login/mail/"));
    let link = link.next().unwrap().to_owned();
    let answer = client.post(&link, &[]).await;
    assert_eq!(answer.location(), "/accounts/login/code?next=%2Fservices");
    assert!(!is_in(&mut client).await);
    assert_eq!(
        give(&mut client, &phone.code(&app)).await.location(),
        "/services"
    );
    assert!(is_in(&mut client).await);
}
