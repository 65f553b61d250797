//! What the client does when Stripe fails: what may have been lost is asked again under the same key, what was refused is
//! not, and nobody waits for ever.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use quickscale_runtime::billing::provider::{Limits, NewCustomer, Provider as _, Stripe};
use quickscale_runtime::error::Error;
use quickscale_runtime::testing::TestApp;

use crate::delivery::{at, start};
use crate::standin::{Fault, KEY, StandIn};
use crate::support::billing::Shopper;
use crate::support::{app, sign_in, themed};

/// Makes one customer, with more patience than any test needs and `answer` for each answer.
async fn make(app: &TestApp, address: &str, answer: Duration) -> Result<String, Error> {
    let attempts = Duration::from_secs(60);
    let limits = Limits { answer, attempts };
    let stripe = Stripe::new(address, KEY.to_owned().into()).within(limits);
    let new = NewCustomer {
        email: "ada@example.com".into(),
        id: "1".into(),
    };
    stripe.create_customer(&app.core, &new, "the key").await
}

const PATIENT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_may_have_been_lost_is_asked_again_under_the_same_key() {
    let app = themed(app()).start().await;
    for fault in [
        Fault::Refused(409),
        Fault::Refused(429),
        Fault::Refused(500),
        Fault::Refused(503),
        Fault::Reset,
        Fault::AnswerLost,
    ] {
        let (stand_in, address) = StandIn::start().await;
        stand_in.fail(&[fault]);
        let made = make(&app, &address, PATIENT).await.unwrap();
        assert_eq!(stand_in.keys(), ["the key"; 2], "{fault:?}");
        let all = stand_in.all("cus_");
        assert_eq!(all.len(), 1, "{fault:?}");
        assert_eq!(all[0]["id"], made.as_str());
    }
}

#[tokio::test]
async fn what_is_refused_is_not_asked_again() {
    let app = themed(app()).start().await;
    for (status, expected) in [
        (400, StatusCode::UNPROCESSABLE_ENTITY),
        (401, StatusCode::INTERNAL_SERVER_ERROR),
        (402, StatusCode::UNPROCESSABLE_ENTITY),
        (403, StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        let (stand_in, address) = StandIn::start().await;
        stand_in.fail(&[Fault::Refused(status)]);
        let refused = make(&app, &address, PATIENT).await.unwrap_err();
        assert_eq!(refused.status(), expected, "{status}");
        assert_eq!(stand_in.keys().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn after_four_attempts_it_is_said_that_nobody_answers() {
    let app = themed(app()).start().await;
    for fault in [Fault::Reset, Fault::Refused(500)] {
        let (stand_in, address) = StandIn::start().await;
        stand_in.fail(&[fault; 8]);
        let told = make(&app, &address, PATIENT).await.unwrap_err();
        assert_eq!(told.status(), StatusCode::SERVICE_UNAVAILABLE, "{fault:?}");
        assert_eq!(stand_in.keys().len(), 4, "{fault:?}");
        assert!(stand_in.all("cus_").is_empty());
    }
    // Nobody listens there at all.
    let told = make(&app, "http://127.0.0.1:9", PATIENT).await.unwrap_err();
    assert_eq!(told.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_pause_that_stripe_asks_for_is_kept_or_passed_on() {
    let app = themed(app()).start().await;
    let (stand_in, address) = StandIn::start().await;
    let begun = Instant::now();
    stand_in.fail(&[Fault::Busy(2)]);
    make(&app, &address, PATIENT).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(2));
    // So long nobody is kept waiting.
    let (stand_in, address) = StandIn::start().await;
    stand_in.fail(&[Fault::Busy(3600)]);
    let told = make(&app, &address, PATIENT).await.unwrap_err();
    assert_eq!(told.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(told.problem().retry_after, Some(Duration::from_secs(3600)));
    assert_eq!(stand_in.keys().len(), 1);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_asked_for_again_while_its_key_is_in_use() {
    let app = themed(app()).start().await;
    let (stand_in, address) = StandIn::start().await;
    stand_in.fail(&[Fault::Late(1500)]);
    let made = make(&app, &address, Duration::from_secs(1)).await;
    let all = stand_in.all("cus_");
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["id"], made.unwrap().as_str());
    assert!(stand_in.keys().len() >= 2);
}

#[tokio::test]
async fn no_attempt_begins_when_the_time_is_over() {
    let app = themed(app()).start().await;
    let (stand_in, address) = StandIn::start().await;
    stand_in.fail(&[Fault::Reset; 4]);
    let (answer, attempts) = (PATIENT, Duration::ZERO);
    let stripe = Stripe::new(&address, KEY.to_owned().into()).within(Limits { answer, attempts });
    stripe
        .portal(&app.core, "cus_1", "http://app.test/")
        .await
        .unwrap_err();
    assert_eq!(stand_in.keys().len(), 1);
}

#[tokio::test]
async fn another_process_asks_under_the_keys_of_the_one_that_died() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let page = ada.browser.get("/billing/plans?currency=eur").await;
    let form = page.input("key").unwrap().to_owned();
    stand_in.keys();
    stand_in.fail(&[Fault::AnswerLost; 4]);
    let lost = ada.order_with("small", 1, &form).await;
    assert_eq!(lost.status, StatusCode::SERVICE_UNAVAILABLE);
    let customer = stand_in.keys().swap_remove(0);
    let process = at(self::app(), &stand_in.address()).replica_of(&app).await;
    // The customer is told now, and nothing of the payment page.
    stand_in.fail(&[Fault::Late(0)]);
    stand_in.fail(&[Fault::AnswerLost; 4]);
    let mut browser = sign_in(&process, "ada@example.com").await;
    let mut keys = Vec::new();
    for expected in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK] {
        let fields = [("price", "small:eur"), ("quantity", "1"), ("key", &form)];
        let answer = browser.post("/billing/checkout", &fields).await;
        assert_eq!(answer.status, expected, "{}", answer.text);
        keys.push(stand_in.keys());
    }
    assert_eq!(keys[0][0], customer);
    let session = keys[1][0].as_str();
    assert_eq!(keys[0][1..], [session; 4]);
    assert_eq!(keys[1].len(), 1);
    assert_eq!(stand_in.all("cus_").len(), 1);
    assert_eq!(stand_in.all("cs_").len(), 1);
}
