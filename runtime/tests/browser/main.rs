//! Signing in, in a real browser: each way, with the mails that belong to it. `cargo xtask test browser` brings chromedriver.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod accessible;
mod account;
mod doors;
mod driver;
mod elsewhere;
mod passkeys;
#[expect(
    dead_code,
    reason = "a browser does by itself what the other tests ask of it"
)]
#[path = "../accounts/social/provider.rs"]
mod provider;
#[path = "../support/mod.rs"]
mod support;

use std::net::SocketAddr;

use driver::Browser;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::testing::{TestApp, TestAppBuilder};
use quickscale_runtime::{App, Environment, admin, passkeys as passkeys_module, pictures, social};
use support::{PASSWORD, SITE, settings};
use tokio::net::TcpListener;

const ADA: &str = "ada@example.com";

fn builder(registration: Registration) -> TestAppBuilder {
    builder_of(auth::Settings {
        magic_links: true,
        ..settings(registration)
    })
}

fn builder_of(settings: auth::Settings) -> TestAppBuilder {
    let app = App::builder(SITE, Environment::Test)
        .module(auth::module(settings))
        .module(social::module(social::Settings {}))
        .module(passkeys_module::module(passkeys_module::Settings {}))
        .module(pictures::module(pictures::Settings::default()))
        .module(admin::module(admin::Settings {}));
    let mut overlay = support::overlay();
    if let Some(assets) = std::env::var_os("THEME_ASSETS") {
        overlay.assets = Some(assets.into());
    }
    TestApp::builder(app).overlay(overlay)
}

/// An application that browsers reach.
struct Site {
    app: TestApp,
    url: String,
}

/// A place for an application, and its address.
async fn place() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("http://localhost:{port}"))
}

impl Site {
    async fn open(builder: TestAppBuilder) -> Self {
        Self::open_at(place().await, builder).await
    }

    async fn open_at((listener, url): (TcpListener, String), builder: TestAppBuilder) -> Self {
        let app = builder.env("APP_URL", &url).start().await;
        let service = app
            .router()
            .into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { app, url }
    }

    async fn browser(&self) -> Browser {
        Browser::open(self.url.clone()).await
    }

    /// The text of the newest mail that holds `part`.
    async fn mail(&self, part: &str) -> String {
        let mut mails = self.app.mails().await;
        mails.retain(|mail| mail.text.contains(part));
        mails
            .pop()
            .unwrap_or_else(|| panic!("no mail with {part}"))
            .text
    }

    /// The path of the link in the newest mail that has one below `part`.
    async fn link(&self, part: &str) -> String {
        let text = self.mail(part).await;
        let link = text.split_whitespace().find(|word| word.contains(part));
        link.unwrap().strip_prefix(&*self.url).unwrap().to_owned()
    }
}

/// Signs up and confirms the address by the link in the mail.
async fn sign_up(site: &Site, browser: &Browser, email: &str) {
    browser.visit("/accounts/signup").await;
    browser.fill("email", email).await;
    browser.fill("password", PASSWORD).await;
    browser.submit().await;
    browser.is_at("/dashboard").await;
    browser.visit(&site.link("/accounts/verify/").await).await;
    browser.submit().await;
    browser.sees("Your address is confirmed").await;
}

/// On the page that asks for the address.
async fn follows_the_link_to_another_password(site: &Site, browser: &Browser) {
    browser.fill("email", ADA).await;
    browser.submit().await;
    browser.is_at("/accounts/login").await;
    let link = site.link("/accounts/password/reset/").await;
    browser.visit(&link).await;
}

async fn give_password(browser: &Browser, email: &str, password: &str) {
    browser.visit("/accounts/login").await;
    browser.fill("email", email).await;
    browser.fill("password", password).await;
    browser.press("/accounts/login").await;
}

/// Only the new one opens the account.
async fn password_changed(browser: &Browser, (old, new): (&str, &str)) {
    give_password(browser, ADA, old).await;
    browser.sees("is not right").await;
    give_password(browser, ADA, new).await;
    browser.is_at("/dashboard").await;
}
