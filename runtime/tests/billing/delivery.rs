//! Stripe's events on their way to the application: signed, under any name, at any time.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use quickscale_runtime::testing::TestApp;
use quickscale_runtime::{App, billing};
use serde_json::{Value, json};

use crate::standin::{StandIn, sign};
use crate::support::{app, column, themed};

pub const SECRET: &str = "whsec_1";

/// An application whose money is taken by a stand-in for Stripe, which knows its catalogue.
pub async fn start() -> (TestApp, StandIn) {
    let (app, stand_in) = start_with(app()).await;
    crate::support::run(&app, "billing", &["push"])
        .await
        .unwrap();
    (app, stand_in)
}

/// The same with another application and an empty stand-in.
pub async fn start_with(app: App) -> (TestApp, StandIn) {
    let (stand_in, address) = StandIn::start().await;
    let app = at(app, &address).start().await;
    (app, stand_in)
}

pub fn at(app: App, address: &str) -> quickscale_runtime::testing::TestAppBuilder {
    themed(app)
        .env("BILLING_PROVIDER", "stripe")
        .env("STRIPE_SECRET_KEY", "rk_test_1")
        .env("STRIPE_WEBHOOK_SECRET", SECRET)
        .env("STRIPE_API_BASE", address)
}

/// An application whose catalogue Stripe keeps.
pub fn app_of_provider() -> App {
    use quickscale_runtime::auth::{self, Registration};
    use quickscale_runtime::{Environment, credits};
    App::builder(crate::support::SITE, Environment::Test)
        .module(auth::module(crate::support::settings(Registration::Open)))
        .module(credits::module(credits::Settings::default()))
        .module(billing::module(billing::Settings {
            catalogue: billing::CatalogueSource::Provider,
            ..billing::Settings::default()
        }))
}

/// Now, in seconds since 1970.
pub fn secs(app: &TestApp) -> i64 {
    app.clock.now().as_micros() / 1_000_000
}

/// An event named `id`, of something that happened at `created`.
pub fn event(id: &str, kind: &str, created: i64, object: &Value) -> Value {
    json!({
        "id": id, "object": "event", "type": kind, "created": created, "livemode": false,
        "data": {"object": object},
    })
}

/// Posts an event as Stripe does.
pub async fn post(app: &TestApp, event: &Value) {
    let body = event.to_string();
    let signature = sign(SECRET, &body, secs(app));
    let request = Request::post("/webhooks/stripe").header("stripe-signature", signature);
    let answer = app.client().send(request, Body::from(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

/// Posts an event and has it worked off.
pub async fn deliver_as(app: &TestApp, id: &str, kind: &str, object: &Value) {
    post(app, &event(id, kind, secs(app), object)).await;
    app.work_jobs().await;
    let failed = column(
        app,
        "SELECT kind || ': ' || error FROM billing_events WHERE state = 'failed'",
    )
    .await;
    assert_eq!(failed, [""; 0]);
}

/// The same three times: twice under one name, then under another.
pub async fn deliver_thrice(app: &TestApp, kind: &str, object: &Value) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("evt_{}_{kind}_{number}", object["id"].as_str().unwrap());
    for id in [&name, &name, &format!("{name}_again")] {
        deliver_as(app, id, kind, object).await;
    }
}
