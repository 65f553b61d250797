//! That people who hear the pages, or use them by keyboard, can: axe looks at each kind of page that the crawler finds, as
//! visitors, users and staff see it, by light on a desk and in the dark on a phone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::journey::{PASSWORD, STAFF, Site, sign_in};
use super::person::{Browser, Device, Scripts};
use crate::project::given;

/// Whoever may look: how the crawler and the browser sign in.
const PEOPLE: [(&str, &[&str]); 3] = [
    ("", &[]),
    (
        "ann@example.com",
        &["--email", "ann@example.com", "--password", PASSWORD],
    ),
    (
        STAFF,
        &["--admin", "--email", STAFF, "--password", PASSWORD],
    ),
];

/// Tells what is wrong with the page.
const LOOK: &str = include_str!("../../axe/look.js");

/// Looks at every kind of page; the site has been used by then.
pub async fn journey(site: &Site) {
    let axe = std::fs::read_to_string(given("AXE_SCRIPT")).expect("the script can be read");
    let mut seen = BTreeSet::new();
    for (email, arguments) in PEOPLE {
        let pages = pages(site, arguments, &mut seen);
        let browser = Browser::open(site.url(), Scripts::On, Device::Desktop).await;
        if !email.is_empty() {
            sign_in(&browser, email).await;
        }
        browser.knows(&axe).await;
        for page in &pages {
            browser.visit(page).await;
            is_open_to_all(&browser).await;
        }
        browser.close().await;
    }
    shows_faults_to_all(site, &axe).await;
}

/// Neither device finds anything wrong with the page.
async fn is_open_to_all(browser: &Browser) {
    for device in [Device::DarkPhone, Device::Desktop] {
        browser.moves_to(device).await;
        let faults = browser.asks(LOOK).await;
        assert_eq!(faults, json!([]), "{} ({device:?})", browser.path().await);
    }
}

/// A form that was filled in wrongly; and axe, which finds what is spoilt.
async fn shows_faults_to_all(site: &Site, axe: &str) {
    let browser = Browser::open(site.url(), Scripts::On, Device::Desktop).await;
    browser.knows(axe).await;
    browser.visit("/accounts/signup").await;
    browser.press("Sign up").await;
    browser.sees("Something needs your attention").await;
    is_open_to_all(&browser).await;
    let spoil = "document.documentElement.removeAttribute('lang');";
    let faults = browser.asks(&format!("{spoil}{LOOK}")).await;
    assert_eq!(faults[0]["id"], "html-has-lang", "{faults}");
    browser.has_clean_console(Some(422)).await;
    browser.close().await;
}

/// One page of each kind that nobody has seen before.
fn pages(site: &Site, arguments: &[&str], seen: &mut BTreeSet<String>) -> Vec<String> {
    let report = site
        .project()
        .quickscale(&[["crawl", "--json"].as_slice(), arguments].concat());
    let report: Value = serde_json::from_str(&report).expect("the report is JSON");
    let mut pages = Vec::new();
    for page in report["pages"].as_array().expect("pages are a list") {
        let url = page["url"].as_str().expect("pages have addresses");
        if seen.insert(kind(url)) {
            pages.push(url.to_owned());
        }
    }
    pages
}

/// The address without what names a thing, and without its query.
fn kind(url: &str) -> String {
    let path = url.split('?').next().unwrap_or_default();
    let is_name = |part: &str| part.contains(|letter: char| letter.is_ascii_digit());
    let parts = path
        .split('/')
        .map(|part| if is_name(part) { "*" } else { part });
    parts.collect::<Vec<_>>().join("/")
}
