//! Somebody who has no mouse: Tab, Enter and typing lead from the first page to a paid result and out again, and what
//! has the focus can be seen.

use fantoccini::key::Key;

use super::journey::{PASSWORD, STAFF, Site};
use super::person::{Browser, Device, Scripts};

pub async fn journey(site: &Site) {
    for device in [Device::Desktop, Device::DarkPhone] {
        let user = Browser::open(site.url(), Scripts::On, device).await;
        skips_what_every_page_has(&user).await;
        signs_in(&user).await;
        runs_a_service(&user).await;
        signs_out(&user).await;
        user.close().await;
    }
}

/// The first thing in reach leads past header and menu.
async fn skips_what_every_page_has(user: &Browser) {
    user.strike(Key::Tab).await;
    assert_eq!(user.focus().await, "Skip to content");
    user.strike(Key::Enter).await;
    user.strike(Key::Tab).await;
    let inside = "return document.querySelector('main').contains(document.activeElement)";
    assert_eq!(user.learns(inside).await, true, "{}", user.focus().await);
}

async fn signs_in(user: &Browser) {
    user.visit("/accounts/login").await;
    user.tabs_to("E-mail").await;
    user.types(STAFF).await;
    user.tabs_to("Password").await;
    // A fault takes the focus to where it is told.
    user.types("four ravens").await;
    user.strike(Key::Enter).await;
    user.sees("is not right").await;
    user.has_clean_console(Some(422)).await;
    user.tabs_to("Password").await;
    user.types(PASSWORD).await;
    user.strike(Key::Enter).await;
    user.sees("Hello").await;
}

/// Nothing is sent by accident: Enter in a text of several lines begins a new one.
async fn runs_a_service(user: &Browser) {
    user.visit("/services/text_sentiment_analysis").await;
    user.tabs_to("Text").await;
    user.types("What a wonderful day,").await;
    user.strike(Key::Enter).await;
    user.types("I love it!").await;
    user.tabs_to("Run for 1 credit").await;
    user.strike(Key::Enter).await;
    user.sees("Positive").await;
}

async fn signs_out(user: &Browser) {
    user.tabs_to("Account menu").await;
    user.strike(Key::Enter).await;
    user.tabs_to("Sign out").await;
    user.strike(Key::Enter).await;
    user.sees("Sign in").await;
    assert_eq!(user.path().await, "/");
}
