//! How often one may try: each limit with the clock that tests move, shared by all processes of one database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::net::IpAddr;
use std::time::Duration;

use axum::http::{StatusCode, header};
use quickscale_runtime::Environment;
use quickscale_runtime::app::BuiltApp;
use quickscale_runtime::auth::Registration;
use quickscale_runtime::config::Config;
use quickscale_runtime::db::Db;
use quickscale_runtime::testing::{Answer, Client, TestApp};
use support::{PASSWORD, app_of, settings, sign_up, themed};

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

async fn start() -> TestApp {
    let app = themed(support::app()).start().await;
    sign_up(&app, "ada@example.com").await;
    app
}

/// What is tried; the number tells one try from another.
#[derive(Debug, Clone, Copy)]
enum Try {
    SignIn,
    FailAtOneAccount,
    FailAtMany,
    SignUp,
    Reset,
}

impl Try {
    async fn once(self, client: &mut Client, number: u32) -> Answer {
        let many = format!("person{number}@example.com");
        let (path, email, password) = match self {
            Self::SignIn => ("/accounts/login", "ada@example.com", PASSWORD),
            Self::FailAtOneAccount => ("/accounts/login", "ada@example.com", "not the password"),
            Self::FailAtMany => ("/accounts/login", &*many, "not the password"),
            Self::SignUp => ("/accounts/signup", &*many, PASSWORD),
            Self::Reset => ("/accounts/password/reset", "ada@example.com", ""),
        };
        client
            .post(path, &[("email", email), ("password", password)])
            .await
    }

    /// How often it works in a row, up to `most`; and how long to wait then, in seconds.
    async fn until_refused(self, app: &TestApp, from: u32, most: u32) -> (u32, u64) {
        for number in 0..most {
            let mut client = app.client().at(HOME);
            let answer = self.once(&mut client, from + number).await;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                let wait = answer.headers[header::RETRY_AFTER].to_str().unwrap();
                assert!(answer.text.contains("Too many tries"), "{}", answer.text);
                return (number, wait.parse().unwrap());
            }
            assert!(!answer.status.is_server_error(), "{}", answer.text);
        }
        (most, 0)
    }
}

#[tokio::test]
async fn each_limit_holds_and_passes() {
    // What is tried, how often it works, and every how many seconds once more.
    for (what, allowed, pause) in [
        (Try::SignIn, 30, 2),
        (Try::FailAtMany, 10, 6),
        (Try::FailAtOneAccount, 5, 60),
        (Try::SignUp, 20, 3),
        (Try::Reset, 5, 12),
    ] {
        let app = start().await;
        app.clock.advance(Duration::from_secs(3600));
        assert_eq!(
            what.until_refused(&app, 0, 99).await,
            (allowed, pause),
            "{what:?}"
        );
        app.clock.advance(Duration::from_millis(pause * 1000 - 10));
        assert_eq!(what.until_refused(&app, 100, 99).await, (0, 1), "{what:?}");
        app.clock.advance(Duration::from_millis(10));
        assert_eq!(
            what.until_refused(&app, 200, 99).await,
            (1, pause),
            "{what:?}"
        );
        app.clock.advance(Duration::from_secs(3600));
        assert_eq!(
            what.until_refused(&app, 300, 99).await.0,
            allowed,
            "{what:?}"
        );
    }
}

#[tokio::test]
async fn success_clears_the_count_of_the_account() {
    let app = start().await;
    for _ in 0..3 {
        assert_eq!(Try::FailAtOneAccount.until_refused(&app, 0, 4).await.0, 4);
        let mut owner = app.client().at(HOME);
        assert_eq!(
            Try::SignIn.once(&mut owner, 0).await.location(),
            "/dashboard"
        );
        app.clock.advance(Duration::from_secs(30));
    }
}

#[tokio::test]
async fn a_stranger_never_locks_the_owner_out() {
    let app = start().await;
    assert_eq!(Try::FailAtOneAccount.until_refused(&app, 0, 99).await.0, 5);
    let mut stranger = app.client().at(HOME);
    let right = Try::SignIn.once(&mut stranger, 0).await;
    assert_eq!(
        right.status,
        StatusCode::TOO_MANY_REQUESTS,
        "not even with the right one"
    );
    let mut owner = app.client().at(ELSEWHERE);
    assert_eq!(
        Try::SignIn.once(&mut owner, 0).await.location(),
        "/dashboard"
    );
}

#[tokio::test]
async fn the_limits_of_an_unknown_address_are_those_of_a_known_one() {
    let app = start().await;
    app.clock.advance(Duration::from_secs(3600));
    for email in ["ada@example.com", "eve@example.com"] {
        let mut refused = 0;
        for _ in 0..7 {
            let mut client = app.client().at(ELSEWHERE);
            let fields = [("email", email)];
            let answer = client.post("/accounts/password/reset", &fields).await;
            refused += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
        }
        assert_eq!(refused, 2, "{email}");
    }
}

#[tokio::test]
async fn processes_of_one_database_count_together() {
    let app = start().await;
    app.clock.advance(Duration::from_secs(3600));
    let vars = [
        ("APP_ENV", "test"),
        ("APP_SECRET_KEY", "a-key-for-tests-0123456789abcdef"),
        ("DATABASE_URL", app.database_url()),
    ];
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::from_vars(vars.into(), std::path::Path::new(".")).unwrap();
    let db = Db::connect(app.database_url()).await.unwrap();
    let (clock, overlay) = (app.clock.clone(), support::overlay());
    let other = app_of(Environment::Test, settings(Registration::Open));
    let BuiltApp { router, .. } = other.build(config, db, clock, overlay).unwrap();
    let mut clients = [app.client().at(HOME), Client::of(router).at(HOME)];
    let mut refused = 0;
    for number in 0..14 {
        let client = &mut clients[number % 2];
        let answer = Try::FailAtMany.once(client, number as u32).await;
        refused += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 4);
}
