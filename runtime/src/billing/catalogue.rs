//! What can be bought, as quickscale.yml declares it: packs of credits and plans, with a price per currency.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::bail;
use serde::{Deserialize, Serialize};

use super::Settings;
use super::money::{Currency, Money};
use crate::credits::Credits;

/// More seats than any team has; the sums of money stay within bounds.
pub const MOST_SEATS: i64 = 10_000;

/// Everything that can be bought.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    pub items: Vec<Item>,
    /// Whether the payment page takes coupon codes.
    pub promotion_codes: bool,
    /// Whether the provider adds taxes by the buyer's place.
    pub automatic_tax: bool,
}

/// A pack or a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// As addresses and the provider's products name it: `starter`.
    pub id: String,
    pub name: String,
    pub summary: String,
    /// For a pack at once, for a plan in each period; for each seat.
    pub credits: Credits,
    pub kind: ItemKind,
    prices: BTreeMap<Currency, i64>,
}

/// Where it is said what can be bought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CatalogueSource {
    /// In the project, from where `billing push` brings it to the provider.
    #[default]
    Declared,
    /// At the provider, whose products and prices are read. The sandbox has none: it sells what is declared.
    Provider,
}

/// How an item is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    Pack,
    Plan(Terms),
}

/// The terms of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub interval: Interval,
    pub trial_days: u32,
    /// Whether the trial begins without a card; it then ends unless one was given.
    pub trial_without_card: bool,
    pub per_seat: bool,
}

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interval {
    Month,
    Year,
}

impl Interval {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    pub fn months(self) -> i64 {
        match self {
            Self::Month => 1,
            Self::Year => 12,
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Item {
    /// An item that the provider sells.
    pub(super) fn offered(
        (id, name, summary): (String, String, String),
        credits: Credits,
        kind: ItemKind,
        prices: BTreeMap<Currency, i64>,
    ) -> Self {
        Self {
            id,
            name,
            summary,
            credits,
            kind,
            prices,
        }
    }

    /// What one of it costs in `currency`, if it is sold for that.
    pub fn price(&self, currency: Currency) -> Option<Money> {
        let minor = self.prices.get(&currency)?;
        Some(Money::new(*minor, currency))
    }

    pub fn prices(&self) -> impl Iterator<Item = Money> + '_ {
        self.prices
            .iter()
            .map(|(currency, minor)| Money::new(*minor, *currency))
    }

    /// The terms, if it is a plan.
    pub fn terms(&self) -> Option<Terms> {
        match self.kind {
            ItemKind::Pack => None,
            ItemKind::Plan(terms) => Some(terms),
        }
    }
}

impl Catalogue {
    /// What the settings declare.
    ///
    /// # Errors
    /// All faults at once.
    pub fn declared(settings: &Settings) -> anyhow::Result<Self> {
        let mut faults = Vec::new();
        let packs = settings.packs.iter().map(Pack::sold);
        let plans = settings.plans.iter().map(Plan::sold);
        let items: Vec<_> = packs
            .chain(plans)
            .map(|sold| sold.item(&mut faults))
            .collect();
        let mut seen = BTreeSet::new();
        for item in &items {
            if !seen.insert(&item.id) {
                faults.push(format!("{}: there are two with this id", item.id));
            }
        }
        refuse(&faults)?;
        Ok(Self {
            items,
            promotion_codes: settings.promotion_codes,
            automatic_tax: settings.automatic_tax,
        })
    }

    /// Whether every price can be asked for; `refuses` says why one cannot.
    ///
    /// # Errors
    /// All faults at once.
    pub fn check(&self, refuses: impl Fn(Money) -> Option<String>) -> anyhow::Result<()> {
        let mut faults = Vec::new();
        for item in &self.items {
            let refused = item.prices().filter_map(&refuses);
            faults.extend(refused.map(|why| format!("{}: {why}", item.id)));
        }
        refuse(&faults)
    }

    pub fn item(&self, id: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    /// What an item is called; its identifier when it is not sold any more.
    pub fn name_of(&self, item: &str) -> String {
        let found = self.item(item);
        found.map_or_else(|| item.to_owned(), |item| item.name.clone())
    }

    /// Every currency that something is sold for, in the order of the alphabet.
    pub fn currencies(&self) -> Vec<Currency> {
        let all: BTreeSet<_> = self
            .items
            .iter()
            .flat_map(|item| item.prices.keys().copied())
            .collect();
        all.into_iter().collect()
    }
}

fn refuse(faults: &[String]) -> anyhow::Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    bail!(
        "packs and plans of billing in quickscale.yml do not hold: {}",
        faults.join("; ")
    )
}

/// The longest trial that the provider takes.
const MOST_TRIAL_DAYS: u32 = 730;

/// Amounts by the currency's three letters, as people write them: `("eur", "5.00")`.
pub type Prices = Vec<(String, String)>;

/// Credits that are bought once, as quickscale.yml declares them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    pub id: String,
    pub name: String,
    pub summary: String,
    pub credits: Credits,
    pub prices: Prices,
}

/// Credits in each period, likewise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub id: String,
    pub name: String,
    pub summary: String,
    /// In each period, for each seat.
    pub credits: Credits,
    pub prices: Prices,
    pub interval: Interval,
    pub trial_days: u32,
    pub trial_without_card: bool,
    pub per_seat: bool,
}

/// What packs and plans have in common.
struct Sold<'a> {
    id: &'a str,
    name: &'a str,
    summary: &'a str,
    credits: Credits,
    prices: &'a Prices,
    kind: ItemKind,
}

impl Pack {
    fn sold(&self) -> Sold<'_> {
        let words = [&*self.id, &self.name, &self.summary];
        Sold::of(words, (self.credits, &self.prices), ItemKind::Pack)
    }
}

impl Plan {
    fn sold(&self) -> Sold<'_> {
        let terms = Terms {
            interval: self.interval,
            trial_days: self.trial_days,
            trial_without_card: self.trial_without_card,
            per_seat: self.per_seat,
        };
        let words = [&*self.id, &self.name, &self.summary];
        Sold::of(words, (self.credits, &self.prices), ItemKind::Plan(terms))
    }
}

impl<'a> Sold<'a> {
    fn of(
        [id, name, summary]: [&'a str; 3],
        (credits, prices): (Credits, &'a Prices),
        kind: ItemKind,
    ) -> Self {
        Self {
            id,
            name,
            summary,
            credits,
            prices,
            kind,
        }
    }

    fn item(self, faults: &mut Vec<String>) -> Item {
        let id = self.id;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if id.is_empty() || id.len() > 40 || !id.bytes().all(plain) {
            faults.push(format!(
                "{id:?}: an id has small letters, digits and hyphens"
            ));
        }
        if self.name.trim().is_empty() {
            faults.push(format!("{id}: the name is missing"));
        }
        if self.credits.is_zero() {
            faults.push(format!("{id}: it brings no credits"));
        }
        if self.prices.is_empty() {
            faults.push(format!("{id}: it has no price"));
        }
        if let ItemKind::Plan(terms) = self.kind
            && terms.trial_days > MOST_TRIAL_DAYS
        {
            faults.push(format!("{id}: a trial has at most {MOST_TRIAL_DAYS} days"));
        }
        let mut prices = BTreeMap::new();
        for (code, text) in self.prices {
            let currency = code.parse::<Currency>();
            let money = currency.and_then(|currency| Money::parse(text, currency));
            match money {
                Ok(money) if money.minor > 0 => {
                    prices.insert(money.currency, money.minor);
                }
                _ => faults.push(format!("{id}: {text:?} is no price in {code:?}")),
            }
        }
        Item {
            id: id.to_owned(),
            name: self.name.to_owned(),
            summary: self.summary.to_owned(),
            credits: self.credits,
            kind: self.kind,
            prices,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(id: &str, name: &str, credits: i64, prices: &[(&str, &str)]) -> Pack {
        let prices = prices.iter();
        Pack {
            id: id.into(),
            name: name.into(),
            summary: String::new(),
            credits: Credits::from_milli(credits.unsigned_abs()),
            prices: prices
                .map(|(code, text)| ((*code).into(), (*text).into()))
                .collect(),
        }
    }

    #[test]
    fn what_projects_are_born_with_holds() {
        let catalogue = Catalogue::declared(&Settings::default()).unwrap();
        let packs = catalogue.items.iter().filter(|item| item.terms().is_none());
        assert_eq!((packs.count(), catalogue.items.len()), (2, 5));
    }

    #[test]
    fn every_fault_is_told() {
        let packs = vec![
            pack("Big Pack", "", 0, &[("jpy", "1.5")]),
            pack("a", "A", 1, &[]),
            pack("a", "A", 1, &[("eur", "0"), ("euro", "1")]),
        ];
        let settings = Settings {
            packs,
            plans: Vec::new(),
            ..Settings::default()
        };
        let text = Catalogue::declared(&settings).unwrap_err().to_string();
        for part in [
            "small letters",
            "name is missing",
            "no credits",
            "\"1.5\" is no price in \"jpy\"",
            "has no price",
            "two with this id",
            "\"0\" is no price in \"eur\"",
            "\"1\" is no price in \"euro\"",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn prices_are_found_by_currency() {
        let packs = vec![pack("a", "A", 1000, &[("eur", "9"), ("jpy", "1500")])];
        let settings = Settings {
            packs,
            plans: Vec::new(),
            ..Settings::default()
        };
        let catalogue = Catalogue::declared(&settings).unwrap();
        let item = catalogue.item("a").unwrap();
        let price = |code: &str| {
            item.price(code.parse().unwrap())
                .map(|money| money.to_string())
        };
        assert_eq!(price("jpy"), Some("1500 JPY".into()));
        assert_eq!(price("usd"), None);
        assert_eq!(catalogue.currencies().len(), 2);
    }
}
