//! What can be bought.

use serde::Serialize;

use crate::billing::actions::{Cost, Own};
use crate::billing::catalogue::{Catalogue, Item, MOST_SEATS};
use crate::billing::entity::Price;
use crate::billing::money::Currency;
use crate::billing::rules::{self, Begin};
use crate::clock::Timestamp;
use crate::crypto::random_token;
use crate::error::FieldErrors;
use crate::pages::{Choice, Page};

/// A pack or a plan, as a card.
#[derive(Debug, Serialize)]
pub struct ItemCard {
    pub id: String,
    pub name: String,
    pub summary: String,
    /// `9.00 EUR`
    pub price: String,
    /// `month`, `year`; none for a pack.
    pub period: Option<String>,
    /// `500 credits`
    pub credits: String,
    pub trial_days: u32,
    pub trial_without_card: bool,
    pub per_seat: bool,
    /// Whether it is what the visitor subscribes to.
    pub is_current: bool,
    /// Whether it begins with the visitor's next period.
    pub is_next: bool,
}

impl ItemCard {
    fn of(item: &Item, currency: Currency, subscribed: &Subscribed) -> Option<Self> {
        let price = item.price(currency)?;
        let terms = item.terms();
        Some(Self {
            id: item.id.clone(),
            name: item.name.clone(),
            summary: item.summary.clone(),
            price: price.to_string(),
            period: terms.map(|terms| terms.interval.to_string()),
            credits: item.credits.in_words(),
            trial_days: terms.map_or(0, |terms| terms.trial_days),
            trial_without_card: terms.is_some_and(|terms| terms.trial_without_card),
            per_seat: terms.is_some_and(|terms| terms.per_seat),
            is_current: subscribed.item.as_deref() == Some(item.id.as_str()),
            is_next: subscribed.next.as_deref() == Some(item.id.as_str()),
        })
    }

    fn sample(period: Option<&str>) -> Self {
        Self {
            id: period.map_or("small", |_| "starter").into(),
            name: "Starter <b>".into(),
            summary: "For one".into(),
            price: "9.00 EUR".into(),
            period: period.map(str::to_owned),
            credits: "500 credits".into(),
            trial_days: 14,
            trial_without_card: true,
            per_seat: period.is_some(),
            is_current: false,
            is_next: true,
        }
    }
}

/// What a visitor subscribes to, by the names of the catalogue.
#[derive(Debug, Clone, Default)]
pub struct Subscribed {
    pub item: Option<String>,
    /// From the next period on.
    pub next: Option<String>,
}

/// Plans side by side, and packs.
#[derive(Debug, Serialize)]
pub struct PlansPage {
    pub takes_money: bool,
    pub plans: Vec<ItemCard>,
    pub packs: Vec<ItemCard>,
    pub currencies: Vec<Choice>,
    pub currency: String,
    /// Whether the visitor has a subscription, which is then changed.
    pub is_subscribed: bool,
    pub most_seats: i64,
    pub key: String,
}

impl PlansPage {
    /// While nothing is sold.
    pub fn empty() -> Self {
        Self {
            takes_money: false,
            plans: Vec::new(),
            packs: Vec::new(),
            currencies: Vec::new(),
            currency: String::new(),
            is_subscribed: false,
            most_seats: MOST_SEATS,
            key: String::new(),
        }
    }

    pub fn of(
        catalogue: &Catalogue,
        currency: Currency,
        subscribed: Option<&Subscribed>,
        key: String,
    ) -> Self {
        let nobody = Subscribed::default();
        let current = subscribed.unwrap_or(&nobody);
        let cards = |is_plan: bool| {
            let items = catalogue
                .items
                .iter()
                .filter(move |item| item.terms().is_some() == is_plan);
            items
                .filter_map(|item| ItemCard::of(item, currency, current))
                .collect()
        };
        let choice = |currency: Currency| Choice::new(currency.code(), currency.to_string());
        Self {
            takes_money: true,
            plans: cards(true),
            packs: cards(false),
            currencies: catalogue.currencies().into_iter().map(choice).collect(),
            currency: currency.code(),
            is_subscribed: subscribed.is_some(),
            most_seats: MOST_SEATS,
            key,
        }
    }
}

impl PlansPage {
    /// For somebody who has had a subscription, and so no trial any more.
    #[must_use]
    pub fn without_trials(mut self) -> Self {
        for card in &mut self.plans {
            card.trial_days = 0;
        }
        self
    }
}

impl Page for PlansPage {
    const TEMPLATE: &'static str = "billing/plans.html";

    fn sample() -> Self {
        Self {
            takes_money: true,
            plans: vec![ItemCard::sample(Some("month"))],
            packs: vec![ItemCard::sample(None)],
            currencies: vec![Choice::new("eur", "EUR")],
            currency: "eur".into(),
            is_subscribed: false,
            most_seats: MOST_SEATS,
            key: "a-key".into(),
        }
    }
}

/// A change of plan before it is made.
#[derive(Debug, Serialize)]
pub struct ChangePage {
    pub card: ItemCard,
    /// When it begins; none while that depends on the number of seats.
    pub is_at_once: Option<bool>,
    /// What is paid then, for the number of seats there is.
    pub due: Option<Due>,
    pub next_period: Timestamp,
    pub from: String,
    pub quantity: i64,
    pub most_seats: i64,
    pub key: String,
    pub errors: FieldErrors,
}

/// What a change costs and brings today.
#[derive(Debug, Serialize)]
pub struct Due {
    pub money: String,
    pub credits: String,
    /// Whether taxes and discounts are in it.
    pub is_told: bool,
}

impl From<Cost> for Due {
    fn from(cost: Cost) -> Self {
        Self {
            money: cost.money.to_string(),
            credits: cost.credits.in_words(),
            is_told: cost.is_told,
        }
    }
}

impl ChangePage {
    pub fn of(item: &Item, own: &Own, from: String, cost: Option<Cost>) -> Option<Self> {
        let currency = own.price.as_ref()?.money.currency;
        Some(Self {
            card: ItemCard::of(item, currency, &Subscribed::default())?,
            is_at_once: begin(item, currency, own),
            due: cost.map(Due::from),
            next_period: own.row.period.1,
            from,
            quantity: own.row.quantity,
            most_seats: MOST_SEATS,
            key: random_token(),
            errors: FieldErrors::default(),
        })
    }
}

impl Page for ChangePage {
    const TEMPLATE: &'static str = "billing/change.html";

    fn sample() -> Self {
        Self {
            card: ItemCard::sample(Some("month")),
            is_at_once: Some(true),
            due: Some(Due {
                money: "10.00 EUR".into(),
                credits: "750 credits".into(),
                is_told: true,
            }),
            next_period: super::SAMPLE_TIME,
            from: "Starter".into(),
            quantity: 3,
            most_seats: MOST_SEATS,
            key: "a-key".into(),
            errors: FieldErrors::one("form", "The card was declined."),
        }
    }
}

/// Whether a change to one of `item` begins at once. Seats can be many, and then it depends.
fn begin(item: &Item, currency: Currency, own: &Own) -> Option<bool> {
    let old = own.price.as_ref()?;
    let terms = item.terms()?;
    let new = price_of(item, currency)?;
    let with = |quantity: i64| rules::begin((old, own.row.quantity), (&new, quantity));
    let (least, most) = (with(1), with(if terms.per_seat { MOST_SEATS } else { 1 }));
    (least == most).then_some(least == Begin::AtOnce)
}

fn price_of(item: &Item, currency: Currency) -> Option<Price> {
    Some(Price {
        price: String::new(),
        item: item.id.clone(),
        money: item.price(currency)?,
        period: Some(item.terms()?.interval.to_string()),
        credits: item.credits,
    })
}

/// Sends the browser on to the provider's page, which forms may not lead to.
#[derive(Debug, Serialize)]
pub struct LeavePage {
    pub url: String,
}

impl Page for LeavePage {
    const TEMPLATE: &'static str = "billing/leave.html";

    fn sample() -> Self {
        Self {
            url: "https://pay.example/c/1".into(),
        }
    }
}
