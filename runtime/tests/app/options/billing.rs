//! The options of `billing`.

use std::time::Duration;

use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::billing::{self, CatalogueSource, Settings, Standing, actions};
use quickscale_runtime::credits;
use quickscale_runtime::{App, Environment};

use crate::support::billing::{Shopper, subscribe};
use crate::support::{SITE, column, settings, themed};

fn app_with(billing: Settings) -> App {
    App::builder(SITE, Environment::Test)
        .module(auth::module(settings(Registration::Open)))
        .module(credits::module(credits::Settings::default()))
        .module(billing::module(billing))
}

/// What is declared is sold, unless the provider keeps the catalogue, which has nothing yet.
#[tokio::test]
pub async fn catalogue() {
    for (catalogue, is_sold) in [
        (CatalogueSource::Declared, true),
        (CatalogueSource::Provider, false),
    ] {
        let app = app_with(Settings {
            catalogue,
            ..Settings::default()
        });
        let app = themed(app)
            .env("BILLING_PROVIDER", "stripe")
            .env("STRIPE_SECRET_KEY", "rk_test_1")
            .env("STRIPE_WEBHOOK_SECRET", "whsec_1")
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
        let app = app_with(Settings {
            grace_days,
            ..Settings::default()
        });
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

/// What the page of plans and packs shows.
async fn for_sale(settings: Settings) -> String {
    let app = themed(app_with(settings)).start().await;
    app.client().get("/billing/plans").await.text
}

#[tokio::test]
pub async fn packs() {
    let born = Settings::default();
    let large = born.packs.iter().filter(|pack| pack.id == "large");
    let page = for_sale(Settings {
        packs: large.cloned().collect(),
        ..born.clone()
    })
    .await;
    assert!(
        page.contains("Large pack") && !page.contains("Small pack"),
        "{page}"
    );
    assert!(for_sale(born).await.contains("Small pack"));
}

#[tokio::test]
pub async fn plans() {
    let born = Settings::default();
    let starter = born.plans.iter().filter(|plan| plan.id == "starter");
    let page = for_sale(Settings {
        plans: starter.cloned().collect(),
        ..born.clone()
    })
    .await;
    assert!(
        page.contains("Starter") && !page.contains("Team, yearly"),
        "{page}"
    );
    assert!(for_sale(born).await.contains("Team, yearly"));
}

/// What a payment page was asked to have.
async fn asked(settings: Settings) -> String {
    let app = themed(app_with(settings)).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    let pages = column(
        &app,
        "SELECT body FROM billing_sandbox WHERE object LIKE 'cs_%'",
    )
    .await;
    pages.concat()
}

#[tokio::test]
pub async fn promotion_codes() {
    for promotion_codes in [false, true] {
        let settings = Settings {
            promotion_codes,
            ..Settings::default()
        };
        let wanted = format!("\"allow_promotion_codes\":{promotion_codes}");
        let page = asked(settings).await;
        assert!(page.contains(&wanted), "{page}");
    }
}

#[tokio::test]
pub async fn automatic_tax() {
    for automatic_tax in [false, true] {
        let settings = Settings {
            automatic_tax,
            ..Settings::default()
        };
        let wanted = format!("\"automatic_tax\":{{\"enabled\":{automatic_tax}}}");
        let page = asked(settings).await;
        assert!(page.contains(&wanted), "{page}");
    }
}

/// A catalogue where it stood in projects of before is neither read nor passed over.
#[tokio::test]
async fn a_catalogue_in_its_old_place_is_refused() {
    let root = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("old-catalogue");
    std::fs::create_dir_all(root.join("config")).unwrap();
    std::fs::write(root.join("config/billing.json"), "{}").unwrap();
    let app = themed(app_with(Settings::default())).root(&root);
    let fault = app.try_start().await.err().unwrap();
    let fault = format!("{fault:#}");
    assert!(fault.contains("quickscale.yml"), "{fault}");
}

/// The manifest's currencies have the places that the application counts with.
#[test]
fn currencies_have_the_places_of_the_manifest() {
    let lines = manifest();
    let lines = lines
        .lines()
        .skip_while(|line| !line.contains("currencies: &currencies"));
    let words = lines
        .skip(1)
        .take_while(|line| line.starts_with("          "));
    let mut places = 0;
    let mut seen = 0;
    for word in words.flat_map(str::split_whitespace) {
        if let Some(number) = word.strip_suffix(':') {
            places = number.parse().unwrap();
        } else if word != ">-" {
            let currency: billing::Currency = word.parse().unwrap();
            assert_eq!(currency.decimals(), places, "{word}");
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

/// What the code calls its defaults is what projects are born with.
#[test]
fn the_defaults_are_those_of_the_manifest() {
    let Settings {
        catalogue: _,
        grace_days: _,
        packs,
        plans,
        promotion_codes,
        automatic_tax,
    } = Settings::default();
    let list = |name: &str, records: Vec<String>| {
        format!("\n    default:\n{}  {name}:\n", records.concat())
    };
    let packs = packs.iter().map(|pack| {
        head(&pack.id, &pack.name, &pack.summary) + &tail("", pack.credits, "", &pack.prices)
    });
    let plans = plans.iter().map(|plan| {
        let stated = [
            (plan.trial_without_card, "trial_without_card"),
            (plan.per_seat, "per_seat"),
        ];
        let stated = stated
            .iter()
            .filter(|(is_on, _)| *is_on)
            .map(|(_, name)| format!("        {name}: true\n"));
        let trial =
            (plan.trial_days > 0).then(|| format!("        trial_days: {}\n", plan.trial_days));
        let terms: String = trial.into_iter().chain(stated).collect();
        let interval = format!("        interval: {}\n", plan.interval);
        head(&plan.id, &plan.name, &plan.summary)
            + &tail(&interval, plan.credits, &terms, &plan.prices)
    });
    let manifest = manifest();
    for wanted in [
        list("plans", packs.collect()),
        list("promotion_codes", plans.collect()),
    ] {
        assert!(manifest.contains(&wanted), "{wanted}\n{manifest}");
    }
    assert!(!promotion_codes && !automatic_tax);
    assert_eq!(
        manifest
            .matches("    type: bool\n    default: false\n")
            .count(),
        2
    );
}

fn head(id: &str, name: &str, summary: &str) -> String {
    format!("      - id: {id}\n        name: {name:?}\n        summary: {summary:?}\n")
}

fn tail(
    interval: &str,
    credits: credits::Credits,
    terms: &str,
    prices: &billing::Prices,
) -> String {
    let prices: Vec<_> = prices
        .iter()
        .map(|(code, text)| format!("{code}: {text:?}"))
        .collect();
    format!(
        "{interval}        credits: {credits}\n{terms}        prices: {{ {} }}\n",
        prices.join(", ")
    )
}

fn manifest() -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join("../project_templates/modules/billing/module.yml")).unwrap()
}
