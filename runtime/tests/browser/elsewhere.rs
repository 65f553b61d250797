//! Signing in at a real provider of OpenID Connect.

use quickscale_runtime::auth::Registration;
use quickscale_runtime::clock::Clock;
use serde_json::json;

use crate::provider::{Provider, SECRET};
use crate::{Site, builder, place};

#[tokio::test]
#[ignore = "needs chromedriver: `cargo xtask test browser`"]
async fn a_provider_vouches_for_a_newcomer_and_is_asked_anew_to_confirm() {
    let (listener, url) = place().await;
    let provider = Provider::start_for(&url);
    let builder = builder(Registration::Open)
        .clock(Clock::System)
        .env("SOCIAL_PROVIDERS", "rsa")
        .env("SOCIAL_RSA_ISSUER", &provider.issuer)
        .env("SOCIAL_RSA_CLIENT_ID", "rsa")
        .env("SOCIAL_RSA_CLIENT_SECRET", SECRET);
    let site = Site::open_at((listener, url), builder).await;
    let browser = site.browser().await;
    // Whom the provider takes the browser for.
    let there = json!({ "url": format!("{}/nothing", provider.issuer) });
    browser.post("/url", there).await;
    let person = json!({ "name": "person", "value": "ada%7Cada%40example.com%7Ctrue" });
    browser.post("/cookie", json!({ "cookie": person })).await;
    browser.visit("/accounts/login").await;
    browser.is_open_to_all().await;
    browser.press("/accounts/social/rsa").await;
    browser.is_at("/dashboard").await;
    browser.sees("Welcome! Your account is ready.").await;
    browser
        .visit("/accounts/confirm?next=%2Faccounts%2Fprofile")
        .await;
    browser.is_open_to_all().await;
    browser.press("/accounts/social/rsa/confirm").await;
    browser.is_at("/accounts/profile").await;
    browser.visit("/accounts/security").await;
    browser.is_open_to_all().await;
    browser.close().await;
}
