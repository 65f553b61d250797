//! Whether the time of an answer tells who has an account.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use quickscale_runtime::auth::{EmailVerification, Registration};
use quickscale_runtime::testing::{Answer, TestApp};
use quickscale_runtime::{App, Environment, auth};
use support::{PASSWORD, SITE, settings, sign_up, themed};

const TRIES: usize = 200;
/// How far the medians may lie apart.
const TOLERANCE: f64 = 0.10;

async fn time_of(app: &TestApp, email: &str) -> Duration {
    let mut client = app.client();
    let page = client.get("/accounts/login").await;
    let token = page.input("csrf").unwrap().to_owned();
    let fields = [
        ("csrf", &*token),
        ("email", email),
        ("password", "not the password"),
    ];
    let start = Instant::now();
    let answer = client.post_bare("/accounts/login", &fields).await;
    let time = start.elapsed();
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    time
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

/// Sends a form as somebody new, and gives the time of the answer and what it was.
async fn time_of_form(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> (Duration, Answer) {
    let mut client = app.client();
    let page = client.get(path).await;
    let token = page.input("csrf").unwrap().to_owned();
    let all: Vec<_> = [("csrf", &*token)].iter().chain(fields).copied().collect();
    let start = Instant::now();
    let answer = client.post_bare(path, &all).await;
    (start.elapsed(), answer)
}

/// What the client sees of an answer, but for what differs each time.
fn seen(answer: &Answer) -> (StatusCode, String, String) {
    let location = answer.location().to_owned();
    (answer.status, location, answer.text.clone())
}

/// That answers for an address that somebody has and for one that nobody has are the same and take as long. `unknown`
/// gives the address for the `number`th try.
async fn assert_alike(
    app: &TestApp,
    path: &str,
    fields: &[(&str, &str)],
    unknown: fn(usize) -> String,
) {
    let mut ratios = Vec::new();
    for round in 0..3 {
        let (mut known_times, mut unknown_times) = (Vec::new(), Vec::new());
        for number in 0..TRIES / 2 {
            let nobody = unknown(round * TRIES + number);
            let with = |email| [&[("email", email)], fields].concat();
            let (time, known) = time_of_form(app, path, &with("known@example.com")).await;
            known_times.push(time);
            let (time, other) = time_of_form(app, path, &with(&nobody)).await;
            unknown_times.push(time);
            assert_eq!(seen(&known), seen(&other));
        }
        let ratio = median(&mut known_times) / median(&mut unknown_times);
        ratios.push(ratio);
        if (ratio - 1.0).abs() < TOLERANCE {
            return;
        }
    }
    panic!("{path}: the medians' ratios were {ratios:?}");
}

async fn patient(email_verification: EmailVerification) -> TestApp {
    let options = auth::Settings {
        email_verification,
        mails_per_minute: 1_000_000,
        ..settings(Registration::Open)
    };
    let app = App::builder(SITE, Environment::Test).module(auth::module(options));
    themed(app).start().await
}

#[tokio::test]
async fn asking_for_a_new_password_is_answered_alike_for_everybody() {
    let app = patient(EmailVerification::Optional).await;
    sign_up(&app, "known@example.com").await;
    let nobody = |_| "nobody1@example.com".to_owned();
    assert_alike(&app, "/accounts/password/reset", &[], nobody).await;
}

#[tokio::test]
async fn signing_up_is_answered_alike_for_everybody_where_addresses_are_confirmed_first() {
    let app = patient(EmailVerification::Mandatory).await;
    let fields = [("email", "known@example.com"), ("password", PASSWORD)];
    app.client().post("/accounts/signup", &fields).await;
    let nobody = |number| format!("nobody{number}@example.com");
    let password = [("password", PASSWORD)];
    assert_alike(&app, "/accounts/signup", &password, nobody).await;
}

/// The two are tried in turns, so that whatever else the machine does slows both alike; and what it does in one round
/// it seldom does in three.
#[tokio::test]
async fn a_wrong_password_takes_as_long_for_an_address_that_nobody_has() {
    let options = auth::Settings {
        failed_sign_ins_per_account: 1_000_000,
        ..settings(Registration::Open)
    };
    let app = App::builder(SITE, Environment::Test).module(auth::module(options));
    let app = themed(app).start().await;
    sign_up(&app, "known@example.com").await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for _ in 0..TRIES / 2 {
            known.push(time_of(&app, "known@example.com").await);
            unknown.push(time_of(&app, "nobody@example.com").await);
        }
        let ratio = median(&mut known) / median(&mut unknown);
        seen.push(ratio);
        if (ratio - 1.0).abs() < TOLERANCE {
            return;
        }
    }
    panic!("the medians' ratios were {seen:?}");
}
