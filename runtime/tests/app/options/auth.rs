//! The options of `auth`.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::auth::{self, EmailVerification, Registration, Settings};
use quickscale_runtime::testing::{Client, TestApp};
use quickscale_runtime::{App, Environment, admin};

use crate::support::{
    PASSWORD, SITE, column, count, run, settings, sign_in, sign_up, sign_up_admin, themed,
};

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

const MINUTE: Duration = Duration::from_secs(60);
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

/// Ada signs up, and a browser asks for a mail to sign in with.
async fn asks_by_mail(app: &TestApp) -> Client {
    sign_up(app, ADA).await;
    let mut client = app.client();
    client.post("/accounts/login/mail", &[("email", ADA)]).await;
    app.work_jobs().await;
    client
}

/// What comes of a code that is wrong.
async fn wrong_code(client: &mut Client) -> StatusCode {
    let code = [("code", "no code")];
    client.post("/accounts/login/mail/code", &code).await.status
}

async fn with_magic_links(change: impl FnOnce(&mut Settings)) -> TestApp {
    start(|options| {
        options.magic_links = true;
        change(options);
    })
    .await
}

#[tokio::test]
pub async fn code_tries() {
    for tries in [2, 4] {
        let app = with_magic_links(|options| options.code_tries = tries).await;
        let mut client = asks_by_mail(&app).await;
        for number in 0..=tries {
            let expected = match number < tries {
                true => StatusCode::UNPROCESSABLE_ENTITY,
                false => StatusCode::SEE_OTHER,
            };
            assert_eq!(wrong_code(&mut client).await, expected, "{number}");
        }
    }
}

#[tokio::test]
pub async fn wrong_codes_per_account() {
    for most in [1, 3] {
        let app = with_magic_links(|options| options.wrong_codes_per_account = most).await;
        let mut client = asks_by_mail(&app).await;
        for number in 0..=most {
            let is_refused = wrong_code(&mut client).await == StatusCode::TOO_MANY_REQUESTS;
            assert_eq!(is_refused, number == most, "{number} of {most}");
        }
    }
}

#[tokio::test]
pub async fn magic_link_minutes() {
    for minutes in [5, 20] {
        let app = with_magic_links(|options| options.magic_link_minutes = minutes).await;
        asks_by_mail(&app).await;
        let mails = app.mails().await;
        let link = mails
            .iter()
            .find_map(|mail| mail.link("/accounts/login/mail/"));
        let link = link.unwrap();
        app.clock.advance(MINUTE * minutes - Duration::from_secs(1));
        assert_eq!(app.client().get(link).await.status, StatusCode::OK);
        app.clock.advance(Duration::from_secs(1));
        let late = app.client().get(link).await;
        assert_eq!(late.status, StatusCode::NOT_FOUND, "{minutes}");
    }
}

#[tokio::test]
pub async fn second_factor_minutes() {
    for minutes in [5, 20] {
        let app = start(|options| options.second_factor_minutes = minutes).await;
        sign_up(&app, ADA).await;
        let sql = "INSERT INTO second_factors (user_id, secret, used_step, created_at)
            SELECT id, '', 0, 0 FROM users";
        let mut tx = app.core.db().begin().await.unwrap();
        sqlx::query(sql).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        let mut client = app.client();
        let fields = [("email", ADA), ("password", PASSWORD)];
        client.post(LOGIN, &fields).await;
        app.clock.advance(MINUTE * minutes - Duration::from_secs(1));
        let code = [("code", "no code")];
        let wrong = client.post("/accounts/login/code", &code).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{minutes}");
        app.clock.advance(Duration::from_secs(1));
        let late = client.post("/accounts/login/code", &code).await;
        assert_eq!(late.location(), LOGIN, "{minutes}");
    }
}

#[tokio::test]
pub async fn exports_per_hour() {
    for most in [1, 3] {
        let app = start(|options| options.exports_per_hour = most).await;
        let mut ada = sign_up(&app, ADA).await;
        for number in 0..=most {
            let answer = ada.post("/accounts/export", &[]).await;
            let is_refused = answer.status == StatusCode::TOO_MANY_REQUESTS;
            assert_eq!(is_refused, number == most, "{number} of {most}");
        }
    }
}

const ROOT: &str = "root@example.com";

#[tokio::test]
pub async fn invitation_days() {
    for days in [1, 5] {
        let app = start(|options| {
            options.registration = Registration::Invitation;
            options.invitation_days = days;
        })
        .await;
        let arguments = ["--email", ROOT, "--password", PASSWORD];
        run(&app, "create-admin", &arguments).await.unwrap();
        let mut root = sign_in(&app, ROOT).await;
        root.post("/admin/invitations", &[("email", ADA)]).await;
        let mail = app.mails().await.pop().unwrap();
        let told = if days == 1 { "1 day." } else { "5 days." };
        assert!(mail.text.contains(told), "{}", mail.text);
        let link = mail.link("/accounts/invitation/").unwrap();
        app.clock.advance(DAY * days - Duration::from_secs(1));
        assert_eq!(app.client().get(link).await.status, StatusCode::OK);
        app.clock.advance(Duration::from_secs(1));
        let late = app.client().get(link).await;
        assert_eq!(late.status, StatusCode::NOT_FOUND, "{days}");
    }
}

#[tokio::test]
pub async fn impersonation_minutes() {
    for minutes in [5, 20] {
        let app = start(|options| options.impersonation_minutes = minutes).await;
        let mut root = sign_up_admin(&app, ROOT).await;
        sign_up(&app, ADA).await;
        let ada = column(&app, "SELECT id FROM users WHERE role = 'user'").await;
        root.post(&format!("/admin/users/{}/act", ada[0]), &[])
            .await;
        app.clock.advance(MINUTE * minutes - Duration::from_secs(1));
        let acts = async |root: &mut Client| root.get("/dashboard").await.text.contains(ADA);
        assert!(acts(&mut root).await, "{minutes}");
        app.clock.advance(Duration::from_secs(1));
        assert!(!acts(&mut root).await, "{minutes}");
    }
}
