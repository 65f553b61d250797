//! The pictures of the README, taken of a running application.

use std::path::Path;

use super::journey::{STAFF, Site, analyse, grant, sign_in, sign_up};
use super::person::{Browser, Device, Scripts};

/// Writes them to `folder`.
pub async fn take(site: &Site, folder: &Path) {
    let keep = async |browser: &Browser, name: &str| {
        let file = folder.join(name);
        std::fs::write(file, browser.picture().await).expect("the picture can be written");
    };
    let user = Browser::open(site.url(), Scripts::On, Device::Desktop).await;
    keep(&user, "home.png").await;
    sign_up(&user, "mia@example.com").await;
    keep(&user, "dashboard.png").await;
    analyse(
        &user,
        "The staff was friendly and the soup superb, but I waited far too long.",
    )
    .await;
    user.sees("99 credits remaining").await;
    keep(&user, "run.png").await;
    user.close().await;

    let staff = Browser::open(site.url(), Scripts::On, Device::Desktop).await;
    sign_in(&staff, STAFF).await;
    grant(&staff, "mia@example.com", "50", "A late birthday present").await;
    keep(&staff, "staff.png").await;
    staff.close().await;

    let phone = Browser::open(site.url(), Scripts::On, Device::DarkPhone).await;
    sign_in(&phone, "mia@example.com").await;
    keep(&phone, "phone.png").await;
    phone.close().await;
}
