//! Sessions: how long they last, what ends them, and that nobody can make or keep one who should not.

use std::time::Duration;

use crate::support;
use crate::support::{PASSWORD, app, app_in, column, count, overlay, sign_in, sign_up, themed};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use quickscale_runtime::app::BuiltApp;
use quickscale_runtime::auth::Registration;
use quickscale_runtime::config::{Config, Environment, Vars};
use quickscale_runtime::db::Db;
use quickscale_runtime::testing::{Client, TestApp};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn is_signed_in(client: &mut Client) -> bool {
    client.get("/dashboard").await.status == StatusCode::OK
}

async fn numbers(app: &TestApp, sql: &'static str) -> Vec<i64> {
    use sqlx::Row as _;
    let rows = sqlx::query(sql)
        .fetch_all(app.core.db().reader())
        .await
        .unwrap();
    rows.iter().map(|row| row.try_get(0).unwrap()).collect()
}

#[tokio::test]
async fn each_sign_in_has_a_token_of_its_own_and_ends_the_one_before() {
    let app = themed(app()).start().await;
    let mut client = sign_up(&app, "ada@example.com").await;
    let mut thief = client.clone();
    let first = client.cookie("qs_session").unwrap().to_owned();
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    client.post("/accounts/login", &fields).await;
    assert_ne!(client.cookie("qs_session"), Some(&*first));
    assert!(is_signed_in(&mut client).await);
    assert!(!is_signed_in(&mut thief).await);
    assert_eq!(count(&app, "sessions").await, 1);
}

#[tokio::test]
async fn a_planted_token_is_never_taken_up() {
    let app = themed(app()).start().await;
    sign_up(&app, "ada@example.com").await;
    let mut victim = app.client();
    victim.set_cookie("qs_session", "planted-by-somebody-else");
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    assert_eq!(
        victim.post("/accounts/login", &fields).await.location(),
        "/dashboard"
    );
    let mut attacker = app.client();
    attacker.set_cookie("qs_session", "planted-by-somebody-else");
    assert!(!is_signed_in(&mut attacker).await);
    assert!(is_signed_in(&mut victim).await);
}

#[tokio::test]
async fn what_is_stored_opens_no_session() {
    let app = themed(app()).start().await;
    let client = sign_up(&app, "ada@example.com").await;
    let token = client.cookie("qs_session").unwrap();
    let stored = column(&app, "SELECT token_digest FROM sessions").await;
    assert!(!stored[0].contains(token));
    let mut thief = app.client();
    thief.set_cookie("qs_session", &stored[0]);
    assert!(!is_signed_in(&mut thief).await);
}

#[tokio::test]
async fn a_session_counts_only_for_the_secret_that_it_was_made_with() {
    let app = themed(app()).start().await;
    let client = sign_up(&app, "ada@example.com").await;
    let vars = |secret: &str| -> Vars {
        [
            ("APP_ENV", "test"),
            ("APP_SECRET_KEY", secret),
            ("DATABASE_URL", app.database_url()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    };
    for (secret, expected) in [
        ("a-key-for-tests-0123456789abcdef", StatusCode::OK),
        ("another-key-0123456789abcdef-xyz", StatusCode::SEE_OTHER),
    ] {
        let config = Config::from_vars(vars(secret), ".".as_ref()).unwrap();
        let db = Db::connect(app.database_url()).await.unwrap();
        let clock = app.clock.clone();
        let BuiltApp { router, .. } = support::app().build(config, db, clock, overlay()).unwrap();
        let cookie = format!("qs_session={}", client.cookie("qs_session").unwrap());
        let request = Request::get("/dashboard").header("cookie", cookie);
        let request = request.body(Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(router, request).await.unwrap();
        assert_eq!(answer.status(), expected, "{secret}");
    }
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it() {
    let app = themed(app()).start().await;
    let mut client = sign_up(&app, "ada@example.com").await;
    for _ in 0..3 {
        app.clock.advance(13 * DAY);
        assert!(is_signed_in(&mut client).await);
    }
    app.clock.advance(14 * DAY);
    assert!(!is_signed_in(&mut client).await);
}

#[tokio::test]
async fn a_session_ends_however_busy_it_is() {
    let app = themed(app()).start().await;
    let mut client = sign_up(&app, "ada@example.com").await;
    for _ in 0..8 {
        app.clock.advance(11 * DAY);
        assert!(is_signed_in(&mut client).await);
    }
    app.clock.advance(2 * DAY);
    assert!(!is_signed_in(&mut client).await);
}

#[tokio::test]
async fn that_a_session_is_in_use_is_written_once_a_minute() {
    let app = themed(app()).start().await;
    let mut client = sign_up(&app, "ada@example.com").await;
    let seen = "SELECT last_seen_at FROM sessions";
    let start = numbers(&app, seen).await[0];
    app.clock.advance(Duration::from_secs(59));
    client.get("/dashboard").await;
    assert_eq!(numbers(&app, seen).await[0], start);
    app.clock.advance(Duration::from_secs(1));
    client.get("/about").await;
    assert_eq!(numbers(&app, seen).await[0], start + 60_000_000);
}

#[tokio::test]
async fn sessions_that_have_ended_are_cleared_away_by_the_next_sign_in() {
    let app = themed(app()).start().await;
    sign_up(&app, "ada@example.com").await;
    sign_in(&app, "ada@example.com").await;
    assert_eq!(count(&app, "sessions").await, 2);
    app.clock.advance(15 * DAY);
    sign_in(&app, "ada@example.com").await;
    assert_eq!(count(&app, "sessions").await, 1);
}

#[tokio::test]
async fn signing_out_ends_this_session_and_no_other() {
    let app = themed(app()).start().await;
    let mut here = sign_up(&app, "ada@example.com").await;
    let mut elsewhere = sign_in(&app, "ada@example.com").await;
    let mut kept = here.clone();
    here.post("/accounts/logout", &[]).await;
    assert_eq!(here.cookie("qs_session"), None);
    assert!(!is_signed_in(&mut kept).await);
    assert!(is_signed_in(&mut elsewhere).await);
    assert_eq!(here.post("/accounts/logout", &[]).await.location(), "/");
}

#[tokio::test]
async fn a_session_knows_where_it_comes_from() {
    let app = themed(app())
        .env("TRUSTED_PROXIES", "10.0.0.0/8")
        .start()
        .await;
    sign_up(&app, "ada@example.com").await;
    let mut client = app.client();
    let token = client
        .get("/accounts/login")
        .await
        .input("csrf")
        .unwrap()
        .to_owned();
    let fields = [
        ("csrf", &*token),
        ("email", "ada@example.com"),
        ("password", PASSWORD),
    ];
    let peer: std::net::SocketAddr = "10.0.0.7:999".parse().unwrap();
    let request = Request::post("/accounts/login")
        .extension(axum::extract::ConnectInfo(peer))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-forwarded-for", "6.6.6.6, 203.0.113.9")
        .header("user-agent", "x".repeat(1000));
    let body = serde_urlencoded::to_string(fields).unwrap();
    let answer = client.send(request, Body::from(body)).await;
    assert_eq!(answer.location(), "/dashboard");
    let sql = "SELECT address || ' ' || LENGTH(user_agent) FROM sessions ORDER BY address";
    assert_eq!(column(&app, sql).await, [" 0", "203.0.113.9 300"]);
}

#[tokio::test]
async fn whoever_has_signed_in_sees_where_and_ends_what_is_not_his() {
    let app = themed(app()).start().await;
    let mut here = sign_up(&app, "ada@example.com").await;
    let mut elsewhere = sign_in(&app, "ada@example.com").await;
    let mut third = sign_in(&app, "ada@example.com").await;
    let mut bob = sign_up(&app, "bob@example.com").await;
    let page = here.get("/accounts/security").await.text;
    assert_eq!(page.matches("An unknown device</th>").count(), 3, "{page}");
    assert_eq!(page.matches("This device").count(), 1, "{page}");
    let path = |page: &str| {
        let (_, rest) = page
            .split_once("action=\"/accounts/security/sessions/")
            .unwrap();
        format!(
            "/accounts/security/sessions/{}",
            rest.split('"').next().unwrap()
        )
    };
    let one = path(&page);
    bob.post(&one, &[]).await;
    let still = here.get("/accounts/security").await.text;
    assert_eq!(
        still.matches("An unknown device</th>").count(),
        3,
        "nobody ends another's"
    );
    assert_eq!(here.post(&one, &[]).await.location(), "/accounts/security");
    let left = [
        is_signed_in(&mut elsewhere).await,
        is_signed_in(&mut third).await,
    ];
    assert_eq!(left.iter().filter(|left| **left).count(), 1);
    here.post("/accounts/security/sessions/end-others", &[])
        .await;
    assert!(is_signed_in(&mut here).await && is_signed_in(&mut bob).await);
    assert!(!is_signed_in(&mut elsewhere).await && !is_signed_in(&mut third).await);
    let alone = here.get("/accounts/security").await.text;
    assert!(!alone.contains("end-others"), "{alone}");
}

#[tokio::test]
async fn in_production_the_cookie_is_for_this_host_over_tls_alone() {
    let production = themed(app_in(Environment::Production, Registration::Open))
        .env("APP_URL", "https://app.test");
    let app = production.start().await;
    let mut client = app.client();
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let answer = client.post("/accounts/signup", &fields).await;
    let cookies = answer.headers.get_all("set-cookie").iter();
    let cookies: Vec<_> = cookies.map(|cookie| cookie.to_str().unwrap()).collect();
    let session = cookies
        .iter()
        .find(|cookie| cookie.starts_with("__Host-session="))
        .unwrap();
    for attribute in [
        "HttpOnly",
        "Secure",
        "SameSite=Lax",
        "Path=/",
        "Max-Age=7776000",
    ] {
        assert!(session.contains(attribute), "{session}");
    }
    assert!(!session.contains("Domain"), "{session}");
}
