//! A person with a browser, from `quickscale init` to a paid service and back to the credits that staff granted.

mod accessible;
mod journey;
mod keyboard;
mod live;
mod money;
mod person;
mod pictures;
mod stripe;

use std::path::Path;

use super::project::database;
use journey::Site;
use money::Till;
use stripe::Stripe;

#[tokio::test]
async fn the_journey_on_sqlite() {
    begins("create an application and start it");
    let site = Site::up("my-saas-app", None);
    begins("sign up, run services, be granted credits; with scripts, then without on a phone");
    site.journey().await;
    begins("the same by keyboard alone");
    keyboard::journey(&site).await;
    begins("watch runs that take their time");
    live::journey(&site).await;
    begins("buy, subscribe and be refunded at the sandbox");
    money::journey(site.url(), Till::Sandbox).await;
    begins("the same at a server that answers as Stripe does");
    let stripe = Stripe::take_over(&site, &[]);
    money::journey(site.url(), Till::Stripe).await;
    drop(stripe);
    begins("look for what keeps people out, on every page");
    accessible::journey(&site).await;
    if let Some(folder) = std::env::var_os("SCREENSHOTS_DIR") {
        pictures::take(&site, Path::new(&folder)).await;
    }
}

#[tokio::test]
async fn the_journey_on_postgresql() {
    let site = Site::up("my-saas-app", Some(&database("journey")));
    site.journey().await;
    money::journey(site.url(), Till::Sandbox).await;
    // Its events come out of order and more than once.
    let _stripe = Stripe::take_over(&site, &["--confused"]);
    money::journey(site.url(), Till::Stripe).await;
}

/// Says where a journey of minutes is.
fn begins(part: &str) {
    eprintln!("  {part}");
}
