//! The options of `billing`.

use std::time::Duration;

use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::billing::{self, CatalogueSource, Standing, actions};
use quickscale_runtime::credits;
use quickscale_runtime::{App, Environment};

use crate::support::billing::{Shopper, subscribe};
use crate::support::{SITE, settings, themed};

/// What is declared is sold, unless the provider keeps the catalogue, which has nothing yet.
#[tokio::test]
pub async fn catalogue() {
    for (catalogue, is_sold) in [
        (CatalogueSource::Declared, true),
        (CatalogueSource::Provider, false),
    ] {
        let app = App::builder(SITE, Environment::Test)
            .module(auth::module(settings(Registration::Open)))
            .module(credits::module(credits::Settings::default()))
            .module(billing::module(billing::Settings {
                catalogue,
                ..billing::Settings::default()
            }));
        let app = themed(app)
            .env("BILLING_PROVIDER", "stripe")
            .env("STRIPE_SECRET_KEY", "rk_test_1")
            .env("STRIPE_WEBHOOK_SECRETS", "whsec_1")
            .env("STRIPE_API_BASE", "http://127.0.0.1:1")
            .start()
            .await;
        let page = app.client().get("/billing/plans").await;
        assert_eq!(page.text.contains("Small pack"), is_sold, "{}", page.text);
    }
}

#[tokio::test]
pub async fn grace_days() {
    let day = Duration::from_secs(24 * 60 * 60);
    for (grace_days, expected) in [(0, Standing::Suspended), (2, Standing::Usable)] {
        let app = App::builder(SITE, Environment::Test)
            .module(auth::module(settings(Registration::Open)))
            .module(credits::module(credits::Settings::default()))
            .module(billing::module(billing::Settings {
                grace_days,
                ..billing::Settings::default()
            }));
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
