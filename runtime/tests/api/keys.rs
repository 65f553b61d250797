//! Keys: made, shown once, used, replaced, revoked, and dead when they should be.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use quickscale_runtime::auth;
use quickscale_runtime::auth::audit::Actor;
use quickscale_runtime::ids::UserId;
use quickscale_runtime::testing::TestApp;

use crate::program::{
    KEYS, Program, all_scopes, assert_problem, first_id, make_key, shown_key, start,
};
use crate::support::{column, confirm, count, sign_up, sign_up_unconfirmed};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn user_id(app: &TestApp) -> UserId {
    let ids = column(app, "SELECT id FROM users").await;
    ids[0].parse().unwrap()
}

#[tokio::test]
async fn a_key_is_shown_once_and_lets_its_program_in() {
    let (app, _) = start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let key = make_key(&mut ada, &all_scopes()).await;
    assert!(key.starts_with("qs_live_"), "{key}");
    let me = Program::with_key(&app, &key).get("/api/v1/me").await;
    assert_eq!(me.status, 200, "{}", me.text);
    assert_eq!(me.json()["email"], "ada@example.com");
    assert_eq!(me.json()["key"]["name"], "A test");
    let list = ada.get(KEYS).await;
    assert!(!list.text.contains(&key), "it is never shown again");
    assert!(list.text.contains(&key[..16]), "its beginning is");
    let stored = column(
        &app,
        "SELECT handle || digest || name || scopes FROM api_keys",
    )
    .await;
    assert!(!stored[0].contains(&key[20..]), "{stored:?}");
}

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_one_key() {
    let (app, _) = start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let page = ada.get(KEYS).await;
    let form_key = page.input("form_key").unwrap().to_owned();
    let fields = [
        ("form_key", &*form_key),
        ("name", "Twice"),
        ("expiry", "never"),
        ("scope_credits_read", "true"),
    ];
    let first = ada.post(KEYS, &fields).await;
    shown_key(&first);
    let again = ada.post(KEYS, &fields).await;
    assert_eq!(again.location(), KEYS);
    assert_eq!(count(&app, "api_keys").await, 1);
}

#[tokio::test]
async fn a_form_with_faults_makes_no_key_and_says_what_to_change() {
    let (app, _) = start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let form_key = "0123456789abcdef";
    for (name, expiry, scope, why) in [
        ("", "30", "scope_credits_read", "Enter a name"),
        ("x", "31", "scope_credits_read", "Choose how long"),
        ("x", "30", "scope_everything", "at least one thing"),
    ] {
        let fields = [
            ("form_key", form_key),
            ("name", name),
            ("expiry", expiry),
            (scope, "true"),
        ];
        let answer = ada.post(KEYS, &fields).await;
        assert_eq!(answer.status, 422);
        assert!(answer.text.contains(why), "{}", answer.text);
    }
    let short = ada
        .post(KEYS, &[("form_key", "short"), ("name", "x")])
        .await;
    assert_eq!(short.status, 422);
    assert_eq!(count(&app, "api_keys").await, 0);
}

#[tokio::test]
async fn without_a_key_that_works_nobody_gets_in() {
    let (app, _) = start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let key = make_key(&mut ada, &all_scopes()).await;
    let other = |at: usize| {
        let mut bytes = key.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    for wrong in [
        other(10),
        other(30),
        other(64),
        "qs_live_x".into(),
        String::new(),
    ] {
        let answer = Program::with_key(&app, &wrong).get("/api/v1/me").await;
        assert_problem(&answer, 401, "invalid_key");
        assert!(
            answer.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Bearer")
        );
    }
    // A signed-in browser is nobody here, whatever its cookies are.
    let answer = ada.get("/api/v1/me").await;
    assert_problem(&answer, 401, "unauthenticated");
    let basic = Request::get("/api/v1/me").header("authorization", format!("Basic {key}"));
    assert_problem(
        &ada.send(basic, Body::empty()).await,
        401,
        "unauthenticated",
    );
}

#[tokio::test]
async fn a_key_does_only_what_its_scopes_say() {
    let (app, worked) = start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let key = make_key(&mut ada, &["scope_credits_read"]).await;
    let program = Program::with_key(&app, &key);
    assert_eq!(program.get("/api/v1/credits/balance").await.status, 200);
    for (path, scope) in [
        ("/api/v1/me", "account:read"),
        ("/api/v1/services", "services:read"),
        (
            "/api/v1/runs/019a0000-0000-7000-8000-000000000000",
            "services:read",
        ),
    ] {
        let answer = program.get(path).await;
        assert_problem(&answer, 403, "insufficient_scope");
        assert_eq!(answer.json()["required_scope"], scope);
    }
    let body = serde_json::json!({ "text": "x" });
    let answer = program.post("/api/v1/services/obedient/runs", &body).await;
    assert_problem(&answer, 403, "insufficient_scope");
    assert_eq!(worked.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_key_ends_at_its_instant() {
    let (app, _) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    app.clock.advance(DAY * 30 - Duration::from_micros(1));
    assert_eq!(program.get("/api/v1/me").await.status, 200);
    app.clock.advance(Duration::from_micros(1));
    assert_problem(&program.get("/api/v1/me").await, 401, "invalid_key");
}

#[tokio::test]
async fn a_key_of_somebody_deactivated_fails_at_once() {
    let (app, _) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    assert_eq!(program.get("/api/v1/me").await.status, 200);
    let ada = user_id(&app).await;
    let set = |active| auth::actions::set_active(&app.core, &Actor::CommandLine, &ada, active);
    set(false).await.unwrap();
    assert_problem(&program.get("/api/v1/me").await, 401, "invalid_key");
    set(true).await.unwrap();
    assert_eq!(program.get("/api/v1/me").await.status, 200);
}

#[tokio::test]
async fn a_replaced_key_works_until_the_overlap_ends() {
    let (app, _) = start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let old = Program::with_key(&app, &make_key(&mut ada, &["scope_account_read"]).await);
    let path = format!("{KEYS}/{}/rotate", first_id(&mut ada).await);
    let form_key = "0123456789abcdef";
    let fields = [("overlap", "24"), ("form_key", form_key)];
    let shown = ada.post(&path, &fields).await;
    let new = Program::with_key(&app, &shown_key(&shown));
    assert!(shown.text.contains("works until"), "{}", shown.text);
    for program in [&old, &new] {
        assert_eq!(program.get("/api/v1/me").await.status, 200);
    }
    let scope = new.get("/api/v1/credits/balance").await;
    assert_problem(&scope, 403, "insufficient_scope");
    let again = ada.post(&path, &fields).await;
    assert_eq!(again.location(), KEYS, "the form was sent before");
    let other = [("overlap", "168"), ("form_key", "fedcba9876543210")];
    let again = ada.post(&path, &other).await;
    assert_eq!(again.location(), KEYS, "a key is replaced once");
    let page = ada.get(KEYS).await.text;
    assert_eq!(page.matches("qs_live_").count(), 2, "{page}");
    assert_eq!(page.matches("/rotate\"").count(), 1, "{page}");
    app.clock.advance(DAY);
    assert_problem(&old.get("/api/v1/me").await, 401, "invalid_key");
    assert_eq!(new.get("/api/v1/me").await.status, 200);
    confirm(&mut ada).await;
    let ended = ada
        .post(
            &path,
            &[("overlap", "0"), ("form_key", "another-0123456789")],
        )
        .await;
    assert_eq!(ended.status, 404, "what has ended cannot be replaced");
}

#[tokio::test]
async fn a_revoked_key_fails_at_once() {
    let (app, _) = start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let program = Program::with_key(&app, &make_key(&mut ada, &all_scopes()).await);
    let path = format!("{KEYS}/{}/revoke", first_id(&mut ada).await);
    for _ in 0..2 {
        assert_eq!(ada.post(&path, &[]).await.location(), KEYS);
        assert_problem(&program.get("/api/v1/me").await, 401, "invalid_key");
    }
}

#[tokio::test]
async fn nobody_touches_the_keys_of_others() {
    let (app, _) = start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let program = Program::with_key(&app, &make_key(&mut ada, &all_scopes()).await);
    let id = first_id(&mut ada).await;
    let mut eve = sign_up(&app, "eve@example.com").await;
    let rotation = [("overlap", "0"), ("form_key", "0123456789abcdef")];
    for (path, fields) in [("rotate", &rotation[..]), ("revoke", &[])] {
        let answer = eve.post(&format!("{KEYS}/{id}/{path}"), fields).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert!(!eve.get(KEYS).await.text.contains(&program.key[..16]));
    assert_eq!(program.get("/api/v1/me").await.status, 200);
}

#[tokio::test]
async fn the_last_use_is_noted_once_a_minute() {
    let (app, _) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    let last = "SELECT CAST(COALESCE(last_used_at, 0) AS TEXT) FROM api_keys";
    assert_eq!(column(&app, last).await, ["0"]);
    program.get("/api/v1/me").await;
    let first = column(&app, last).await;
    app.clock.advance(Duration::from_secs(59));
    program.get("/api/v1/me").await;
    assert_eq!(column(&app, last).await, first);
    app.clock.advance(Duration::from_secs(1));
    program.get("/api/v1/me").await;
    assert_ne!(column(&app, last).await, first);
}

#[tokio::test]
async fn there_are_so_many_keys_and_no_more() {
    let (app, _) = start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    for _ in 0..20 {
        make_key(&mut ada, &["scope_account_read"]).await;
    }
    let fields = [
        ("form_key", "0123456789abcdef"),
        ("name", "One more"),
        ("expiry", "30"),
        ("scope_account_read", "true"),
    ];
    let answer = ada.post(KEYS, &fields).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text.contains("20 keys already"), "{}", answer.text);
    assert_eq!(
        count(&app, "api_keys").await,
        20,
        "a refusal leaves nothing"
    );
    // At the limit keys can still be replaced, but not be multiplied by it.
    let id = first_id(&mut ada).await;
    for (overlap, form_key, status) in [
        ("0", "at-once-0123456789", 200),
        ("24", "later-0123456789ab", 200),
        ("24", "again-0123456789ab", 422),
    ] {
        let id = match overlap {
            "0" => id.clone(),
            _ => first_id(&mut ada).await,
        };
        let fields = [("overlap", overlap), ("form_key", form_key)];
        let answer = ada.post(&format!("{KEYS}/{id}/rotate"), &fields).await;
        assert_eq!(answer.status, status, "{form_key}: {}", answer.text);
    }
    assert_eq!(count(&app, "api_keys").await, 22);
    for _ in 0..2 {
        let id = first_id(&mut ada).await;
        ada.post(&format!("{KEYS}/{id}/revoke"), &[]).await;
    }
    make_key(&mut ada, &["scope_account_read"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_ask_at_the_same_time_get_no_more_keys_either() {
    let (app, _) = start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    for _ in 0..15 {
        make_key(&mut ada, &["scope_account_read"]).await;
    }
    let asked: Vec<_> = (0..12)
        .map(|at| {
            let mut ada = ada.clone();
            tokio::spawn(async move {
                let form_key = format!("0123456789abcdef{at}");
                let fields = [
                    ("form_key", form_key.as_str()),
                    ("name", "One of many"),
                    ("expiry", "30"),
                    ("scope_account_read", "true"),
                ];
                ada.post(KEYS, &fields).await.status.as_u16()
            })
        })
        .collect();
    let mut answers = Vec::new();
    for one in asked {
        answers.push(one.await.unwrap());
    }
    answers.sort_unstable();
    assert_eq!(answers, [[200; 5].as_slice(), &[422; 7]].concat());
    assert_eq!(count(&app, "api_keys").await, 20);
}

#[tokio::test]
async fn the_pages_of_keys_are_for_whoever_has_signed_in() {
    let (app, _) = start().await;
    let routes = app.core.routes().iter();
    let mut ours: Vec<_> = routes
        .filter(|route| route.path.contains("api") && !route.rule.starts_with("key: "))
        .map(|route| (route.method, route.path, &*route.rule))
        .collect();
    ours.sort_unstable();
    let expected = [
        ("GET", "/accounts/api-keys", "signed in, fresh"),
        ("GET", "/api/docs", "public"),
        ("GET", "/api/openapi.json", "machine"),
        ("POST", "/accounts/api-keys", "signed in, fresh"),
        ("POST", "/accounts/api-keys/{id}/revoke", "signed in, fresh"),
        ("POST", "/accounts/api-keys/{id}/rotate", "signed in, fresh"),
    ];
    assert_eq!(ours, expected);
    for (method, path, rule) in expected {
        let request = Request::builder().method(method).uri(path);
        let answer = app.client().send(request, Body::empty()).await;
        let is_sent_away = answer.location().starts_with("/accounts/login?");
        assert_eq!(is_sent_away, rule == "signed in, fresh", "{method} {path}");
    }
}

#[tokio::test]
async fn a_key_pays_for_nothing_before_its_owner_has_confirmed_his_address() {
    let (app, _) = start().await;
    let mut ada = sign_up_unconfirmed(&app, "ada@example.com").await;
    let key = make_key(&mut ada, &all_scopes()).await;
    let program = Program::with_key(&app, &key);
    let input = serde_json::json!({ "text": "echo" });
    let refused = program.post("/api/v1/services/obedient/runs", &input).await;
    assert_problem(&refused, 403, "email_unconfirmed");
    let free = program.post("/api/v1/services/free/runs", &input).await;
    assert_eq!(free.status, 200, "{}", free.text);
    let mails = app.mails().await;
    ada.post(mails[0].link("/accounts/verify/").unwrap(), &[])
        .await;
    let paid = program.post("/api/v1/services/obedient/runs", &input).await;
    assert_eq!(paid.status, 200, "{}", paid.text);
}
