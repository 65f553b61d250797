//! The options of `auth`.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::auth::{self, EmailVerification, Registration, Settings};
use quickscale_runtime::testing::TestApp;
use quickscale_runtime::{App, Environment, admin};

use crate::support::{PASSWORD, SITE, column, count, settings, sign_up, sign_up_admin, themed};

const ADA: &str = "ada@example.com";
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

async fn start(change: impl FnOnce(&mut Settings)) -> TestApp {
    let mut options = settings(Registration::Open);
    change(&mut options);
    let app = App::builder(SITE, Environment::Test).module(auth::module(options));
    themed(app).start().await
}

#[tokio::test]
pub async fn registration() {
    for (value, accounts) in [(Registration::Open, 1), (Registration::Closed, 0)] {
        let app = start(|options| options.registration = value).await;
        let fields = [("email", ADA), ("password", PASSWORD)];
        app.client().post("/accounts/signup", &fields).await;
        assert_eq!(count(&app, "users").await, accounts);
    }
}

#[tokio::test]
pub async fn email_verification() {
    for (value, mails, sessions) in [
        (EmailVerification::None, 0, 1),
        (EmailVerification::Optional, 1, 1),
        (EmailVerification::Mandatory, 1, 0),
    ] {
        let app = start(|options| options.email_verification = value).await;
        let fields = [("email", ADA), ("password", PASSWORD)];
        app.client().post("/accounts/signup", &fields).await;
        assert_eq!(app.mails().await.len(), mails, "{value:?}");
        assert_eq!(count(&app, "sessions").await, sessions, "{value:?}");
    }
}

/// What is tried again and again, the `number`th time: a path with an address and a password.
type Try = fn(number: u32) -> (&'static str, String, &'static str);

/// Somebody may try as often as the option says.
async fn limits(option: fn(&mut Settings) -> &mut u32, what: Try) {
    for limit in [2, 4] {
        let app = start(|options| *option(options) = limit).await;
        sign_up(&app, ADA).await;
        // What the account came with is forgotten by then.
        app.clock.advance(Duration::from_secs(3600));
        for number in 0..=limit {
            let (path, email, password) = what(number);
            let fields = [("email", &*email), ("password", password)];
            let answer = app.client().at(HOME).post(path, &fields).await;
            let is_refused = answer.status == StatusCode::TOO_MANY_REQUESTS;
            assert_eq!(is_refused, number == limit, "{number} of {limit}");
        }
    }
}

const LOGIN: &str = "/accounts/login";
const WRONG: &str = "not the password";

fn somebody(number: u32) -> String {
    format!("person{number}@example.com")
}

#[tokio::test]
pub async fn sign_ins_per_minute() {
    let what: Try = |_| (LOGIN, ADA.into(), PASSWORD);
    limits(|options| &mut options.sign_ins_per_minute, what).await;
}

#[tokio::test]
pub async fn failed_sign_ins_per_minute() {
    let what: Try = |number| (LOGIN, somebody(number), WRONG);
    limits(|options| &mut options.failed_sign_ins_per_minute, what).await;
}

#[tokio::test]
pub async fn failed_sign_ins_per_account() {
    let what: Try = |_| (LOGIN, ADA.into(), WRONG);
    limits(|options| &mut options.failed_sign_ins_per_account, what).await;
}

#[tokio::test]
pub async fn sign_ups_per_minute() {
    let what: Try = |number| ("/accounts/signup", somebody(number), PASSWORD);
    limits(|options| &mut options.sign_ups_per_minute, what).await;
}

#[tokio::test]
pub async fn mails_per_minute() {
    let what: Try = |_| ("/accounts/password/reset", ADA.into(), "");
    limits(|options| &mut options.mails_per_minute, what).await;
}

#[tokio::test]
pub async fn magic_links() {
    for (value, status) in [(false, StatusCode::NOT_FOUND), (true, StatusCode::OK)] {
        let app = start(|options| options.magic_links = value).await;
        let page = app.client().get("/accounts/login").await;
        assert_eq!(page.text.contains("Sign in by mail"), value);
        let answer = app.client().get("/accounts/login/mail").await;
        assert_eq!(answer.status, status);
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
pub async fn session_idle_days() {
    for days in [1, 3] {
        let app = start(|options| options.session_idle_days = days).await;
        let mut ada = sign_up(&app, ADA).await;
        app.clock.advance(DAY * days - Duration::from_secs(1));
        assert_eq!(ada.get("/dashboard").await.status, StatusCode::OK);
        app.clock.advance(DAY * days);
        assert_ne!(ada.get("/dashboard").await.status, StatusCode::OK);
    }
}

#[tokio::test]
pub async fn session_days() {
    for days in [2, 4] {
        let app = start(|options| options.session_days = days).await;
        let mut ada = sign_up(&app, ADA).await;
        for day in 1..=days {
            assert_eq!(ada.get("/dashboard").await.status, StatusCode::OK, "{day}");
            app.clock.advance(DAY);
        }
        assert_ne!(ada.get("/dashboard").await.status, StatusCode::OK, "{days}");
    }
}

#[tokio::test]
pub async fn second_factor_for_staff() {
    for (wanted, expected) in [(false, StatusCode::OK), (true, StatusCode::SEE_OTHER)] {
        let mut options = settings(Registration::Open);
        options.second_factor_for_staff = wanted;
        let app = App::builder(SITE, Environment::Test).module(auth::module(options));
        let app = themed(app.module(admin::module(admin::Settings {})))
            .start()
            .await;
        let mut root = sign_up_admin(&app, ADA).await;
        assert_eq!(root.get("/admin").await.status, expected);
    }
}

#[tokio::test]
pub async fn deletion_grace_days() {
    for days in [2, 5] {
        let app = start(|options| options.deletion_grace_days = days).await;
        let mut ada = sign_up(&app, ADA).await;
        let left = ada.post("/accounts/delete", &[("email", ADA)]).await;
        assert_eq!(left.location(), "/", "{}", left.text);
        app.clock.advance(DAY * days - Duration::from_secs(1));
        app.work_jobs().await;
        let emails = || column(&app, "SELECT email FROM users");
        assert_eq!(emails().await, [ADA], "{days}");
        app.clock.advance(Duration::from_secs(3600));
        app.work_jobs().await;
        assert_ne!(emails().await, [ADA], "{days}");
    }
}
