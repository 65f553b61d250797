//! A run that is watched while it is under way: with scripts the page grows, without it is loaded again by itself.

use super::journey::{Site, sign_up};
use super::person::{Browser, Device, Scripts};
use crate::programs::open;

/// Watches a run to its end, and stops another.
pub async fn journey(site: &Site) {
    for (scripts, email) in [
        (Scripts::On, "liv@example.com"),
        (Scripts::Off, "per@example.com"),
    ] {
        let user = Browser::open(site.url(), scripts, Device::Desktop).await;
        sign_up(&user, email).await;
        watches(&user, (site, email), scripts).await;
        stops(&user).await;
        user.close().await;
    }
}

/// Asks for a run that waits for `gate`, and sees that it has begun.
async fn begins(user: &Browser, gate: &str) {
    user.visit("/services/patient").await;
    user.fill("gate", gate).await;
    user.press("Run for 2 credits").await;
    user.sees("So far so good.").await;
    user.sees("waiting at the gate").await;
    assert!(user.path().await.starts_with("/services/runs/"));
}

async fn watches(user: &Browser, (site, gate): (&Site, &str), scripts: Scripts) {
    begins(user, gate).await;
    if scripts == Scripts::On {
        user.mark().await;
    }
    open(site.project(), gate);
    user.sees("That was the gate.").await;
    user.sees("through the gate").await;
    if scripts == Scripts::On {
        assert!(user.is_marked().await, "the page was loaded again");
    }
    open(site.project(), &format!("{gate}-rest"));
    user.sees("I have waited long enough.").await;
    user.sees("98 credits remaining").await;
}

async fn stops(user: &Browser) {
    begins(user, "nothing").await;
    user.press("Stop this run").await;
    user.sees("because you asked for it").await;
    user.visit("/dashboard").await;
    user.sees("98 credits available").await;
}
