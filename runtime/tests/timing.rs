//! Whether the time of an answer tells who has an account.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use quickscale_runtime::auth::Registration;
use quickscale_runtime::testing::TestApp;
use quickscale_runtime::{App, Environment, auth};
use support::{SITE, settings, sign_up, themed};

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
