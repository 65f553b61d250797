//! What projects are born with: the defaults of this module's options.

use super::Settings;
use super::catalogue::{CatalogueSource, Interval, Pack, Plan, Prices};
use crate::credits::Credits;

impl Default for Settings {
    fn default() -> Self {
        Self {
            catalogue: CatalogueSource::Declared,
            grace_days: 3,
            packs: packs(),
            plans: plans(),
            promotion_codes: false,
            automatic_tax: false,
        }
    }
}

/// The same amount in euros and in dollars.
fn prices(amount: &str) -> Prices {
    let price = |code: &str| (code.to_owned(), amount.to_owned());
    vec![price("eur"), price("usd")]
}

fn packs() -> Vec<Pack> {
    vec![
        Pack {
            id: "small".into(),
            name: "Small pack".into(),
            summary: "For trying things out. These credits never expire.".into(),
            credits: Credits::whole(200),
            prices: prices("5.00"),
        },
        Pack {
            id: "large".into(),
            name: "Large pack".into(),
            summary: "A fifth cheaper by the credit. These credits never expire.".into(),
            credits: Credits::whole(2000),
            prices: prices("40.00"),
        },
    ]
}

fn plans() -> Vec<Plan> {
    let team = Plan {
        id: "team".into(),
        name: "Team".into(),
        summary: "For people who work together, with credits for each seat.".into(),
        credits: Credits::whole(2000),
        prices: prices("29.00"),
        interval: Interval::Month,
        trial_days: 0,
        trial_without_card: false,
        per_seat: true,
    };
    vec![
        Plan {
            id: "starter".into(),
            name: "Starter".into(),
            summary: "For one person who uses a service now and then.".into(),
            credits: Credits::whole(500),
            prices: prices("9.00"),
            trial_days: 14,
            trial_without_card: true,
            per_seat: false,
            ..team.clone()
        },
        team.clone(),
        Plan {
            id: "team-yearly".into(),
            name: "Team, yearly".into(),
            summary: "Two months are free. The credits of the whole year come at once.".into(),
            credits: Credits::whole(24_000),
            prices: prices("290.00"),
            interval: Interval::Year,
            ..team
        },
    ]
}
