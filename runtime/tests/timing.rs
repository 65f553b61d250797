//! Whether the time of an answer tells who has an account.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use quickscale_runtime::auth::{EmailVerification, Registration};
use quickscale_runtime::testing::{Answer, TestApp};
use quickscale_runtime::{App, Environment, auth};
use support::{PASSWORD, SITE, settings, sign_up, themed};

/// Of each sort.
const TRIES: usize = 200;
/// How far the medians may lie apart.
const TOLERANCE: f64 = 0.10;
/// A machine that does something else meanwhile can slow one sort of tries more than the other, by chance and hardly each time:
/// a difference that is the application's own is there each time.
const ROUNDS: usize = 6;

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    let middle = times.len() / 2;
    (times[middle - 1] + times[middle]).as_secs_f64() / 2.0
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

/// What the client sees of an answer, but for what differs each time: the tokens of its forms, and its own address in them.
fn seen(answer: &Answer, email: &str) -> (StatusCode, String, String) {
    let location = answer.location().to_owned();
    let mut text = answer.text.replace(email, "ADDRESS");
    let token = "name=\"csrf\" value=\"";
    while let Some(start) = text.find(token).map(|at| at + token.len()) {
        let length = text[start..].find('"').unwrap();
        text.replace_range(start - 1..=start + length, "");
    }
    (answer.status, location, text)
}

/// That answers for an address that somebody has and for one that nobody has are the same and take as long. `unknown`
/// gives the address for the `number`th try. The two are tried in turns, and each is the first as often, so that whatever
/// else the machine does slows both alike.
async fn assert_alike(
    app: &TestApp,
    path: &str,
    fields: &[(&str, &str)],
    unknown: fn(usize) -> String,
) {
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let mut times = [Vec::new(), Vec::new()];
        for number in 0..TRIES {
            let nobody = unknown(round * TRIES + number);
            let emails = [KNOWN, &*nobody];
            let mut answers = [None, None];
            for sort in [number % 2, 1 - number % 2] {
                let with = [&[("email", emails[sort])], fields].concat();
                let (time, answer) = time_of_form(app, path, &with).await;
                times[sort].push(time);
                answers[sort] = Some(seen(&answer, emails[sort]));
            }
            assert_eq!(answers[0], answers[1]);
        }
        let [known, unknown] = times.each_mut().map(|times| median(times));
        let ratio = known / unknown;
        ratios.push(ratio);
        if (ratio - 1.0).abs() < TOLERANCE {
            return;
        }
    }
    panic!("{path}: the medians' ratios were {ratios:?}");
}

const KNOWN: &str = "known@example.com";

async fn patient(email_verification: EmailVerification) -> TestApp {
    let options = auth::Settings {
        email_verification,
        mails_per_minute: 1_000_000,
        failed_sign_ins_per_account: 1_000_000,
        magic_links: true,
        ..settings(Registration::Open)
    };
    let app = App::builder(SITE, Environment::Test).module(auth::module(options));
    themed(app).start().await
}

fn the_same(_: usize) -> String {
    "nobody1@example.com".to_owned()
}

#[tokio::test]
async fn asking_for_a_new_password_is_answered_alike_for_everybody() {
    let app = patient(EmailVerification::Optional).await;
    sign_up(&app, KNOWN).await;
    assert_alike(&app, "/accounts/password/reset", &[], the_same).await;
}

#[tokio::test]
async fn asking_for_a_mail_to_sign_in_with_is_answered_alike_for_everybody() {
    let app = patient(EmailVerification::Optional).await;
    sign_up(&app, KNOWN).await;
    assert_alike(&app, "/accounts/login/mail", &[], the_same).await;
}

#[tokio::test]
async fn signing_up_is_answered_alike_for_everybody_where_addresses_are_confirmed_first() {
    let app = patient(EmailVerification::Mandatory).await;
    let fields = [("email", KNOWN), ("password", PASSWORD)];
    app.client().post("/accounts/signup", &fields).await;
    let nobody = |number| format!("nobody{number}@example.com");
    let password = [("password", PASSWORD)];
    assert_alike(&app, "/accounts/signup", &password, nobody).await;
}

#[tokio::test]
async fn a_wrong_password_takes_as_long_for_an_address_that_nobody_has() {
    let app = patient(EmailVerification::Optional).await;
    sign_up(&app, KNOWN).await;
    let password = [("password", "not the password")];
    assert_alike(&app, "/accounts/login", &password, the_same).await;
}
