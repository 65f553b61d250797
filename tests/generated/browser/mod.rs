//! A person with a browser, from `quickscale init` to a paid service and back to the credits that staff granted.

mod journey;
mod money;
mod person;
mod pictures;

use std::path::Path;

use super::project::database;
use journey::Site;

#[tokio::test]
async fn the_journey_on_sqlite() {
    let site = Site::up("my-saas-app", None);
    site.journey().await;
    money::journey(site.url()).await;
    if let Some(folder) = std::env::var_os("SCREENSHOTS_DIR") {
        pictures::take(&site, Path::new(&folder)).await;
    }
}

#[tokio::test]
async fn the_journey_on_postgresql() {
    let site = Site::up("my-saas-app", Some(&database("journey")));
    site.journey().await;
    money::journey(site.url()).await;
}
