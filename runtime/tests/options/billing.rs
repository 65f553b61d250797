//! The options of `billing`.

use std::time::Duration;

use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::billing::{self, Standing, actions};
use quickscale_runtime::credits;
use quickscale_runtime::{App, Environment};

use crate::support::billing::{Shopper, subscribe};
use crate::support::{SITE, settings, themed};

#[tokio::test]
pub async fn grace_days() {
    let day = Duration::from_secs(24 * 60 * 60);
    for (grace_days, expected) in [(0, Standing::Suspended), (2, Standing::Usable)] {
        let app = App::builder(SITE, Environment::Test)
            .module(auth::module(settings(Registration::Open)))
            .module(credits::module(credits::Settings::default()))
            .module(billing::module(billing::Settings { grace_days }));
        let app = themed(app).start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        subscribe(&mut ada, "team", 1).await;
        ada.sandbox("card_bad", "").await;
        ada.sandbox("renew", "").await;
        app.clock.advance(31 * day);
        assert_eq!(
            actions::standing(&app.core, &ada.id).await.unwrap(),
            Some(expected)
        );
    }
}
