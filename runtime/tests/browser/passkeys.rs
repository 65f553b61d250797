//! The pages' script, with a device that the browser makes up (WebAuthn, section 11: user agent automation).

use quickscale_runtime::auth::Registration;
use serde_json::json;

use crate::driver::Browser;
use crate::support::PASSWORD;
use crate::{ADA, Site, builder, give_password, sign_up};

/// A device of that browser, by its identifier.
struct Device<'a>(&'a Browser, String);

impl Device<'_> {
    async fn knows_its_owner(&self, knows: bool) {
        let path = format!("/webauthn/authenticator/{}/uv", self.1);
        let verified = json!({ "isUserVerified": knows });
        self.0.post(&path, verified).await;
    }
}

#[tokio::test]
#[ignore = "needs chromedriver: `cargo xtask test browser`"]
async fn a_device_signs_in_alone_and_after_the_password() {
    let site = Site::open(builder(Registration::Open)).await;
    let browser = site.browser().await;
    let device = json!({
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
        "isUserConsenting": true, "isUserVerified": true,
    });
    let device = browser.post("/webauthn/authenticator", device).await;
    let device = Device(&browser, device.as_str().unwrap().to_owned());
    sign_up(&site, &browser, ADA).await;
    browser.visit("/accounts/passkeys/new").await;
    browser.is_open_to_all().await;
    browser.fill("name", "This computer").await;
    browser.submit().await;
    browser.sees("Recovery codes").await;
    browser.visit("/accounts/security").await;
    browser.sees("This computer").await;
    browser.is_open_to_all().await;
    browser
        .run("document.querySelector(\"td a[href^='/accounts/passkeys/']\").click()")
        .await;
    browser
        .until("document.querySelector(\"form[action$='/remove']\")")
        .await;
    browser.is_open_to_all().await;
    // The device has one for this account already.
    browser.visit("/accounts/passkeys/new").await;
    browser.fill("name", "Twice").await;
    browser.submit().await;
    browser
        .sees("This device has a passkey of your account already")
        .await;

    // Else the browser would fill it in while the password is being typed.
    device.knows_its_owner(false).await;
    browser.sign_out().await;
    give_password(&browser, ADA, PASSWORD).await;
    browser.is_at("/accounts/login/code").await;
    browser.is_open_to_all().await;
    device.knows_its_owner(true).await;
    browser.press("/accounts/login/code/passkey").await;
    browser.is_at("/dashboard").await;

    // By the button, unless the browser has filled it in before.
    browser.sign_out().await;
    browser
        .visit("/accounts/login?next=%2Faccounts%2Fprofile")
        .await;
    let press = "document.querySelector('form[data-passkey] button')?.click()";
    browser.run(press).await;
    browser.is_at("/accounts/profile").await;

    // A device that does not know its owner signs nothing.
    device.knows_its_owner(false).await;
    browser.sign_out().await;
    browser.visit("/accounts/login").await;
    browser.press("/accounts/login/passkey").await;
    browser.sees("Nothing was done").await;
    browser.visit("/accounts/login").await;
    browser.run("window.PublicKeyCredential = undefined").await;
    browser.press("/accounts/login/passkey").await;
    browser.sees("This browser knows no passkeys").await;
    browser.close().await;
}
