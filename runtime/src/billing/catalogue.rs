//! What can be bought, as `config/billing.json` says: packs of credits and plans, with a price per currency.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::money::{Currency, Money};
use crate::credits::Credits;

/// Where the catalogue stands in a project.
const FILE: &str = "config/billing.json";
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
    /// What the file below `root` says; nothing can be bought where there is none.
    ///
    /// # Errors
    /// All faults of the file at once.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        match std::fs::read_to_string(root.join(FILE)) {
            Ok(text) => Self::parse(&text).with_context(|| format!("{FILE} does not hold")),
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(fault) => Err(fault).context(format!("cannot read {FILE}")),
        }
    }

    /// # Errors
    /// All faults at once.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let file: File = serde_json::from_str(text)?;
        let mut faults = Vec::new();
        let mut items = Vec::new();
        for pack in file.packs {
            let kind = ItemKind::Pack;
            items.push(pack.item(kind, &mut faults));
        }
        for plan in file.plans {
            let terms = Terms {
                interval: plan.interval,
                trial_days: plan.trial_days,
                trial_without_card: plan.trial_without_card,
                per_seat: plan.per_seat,
            };
            if terms.trial_days > MOST_TRIAL_DAYS {
                faults.push(format!(
                    "{}: a trial has at most {MOST_TRIAL_DAYS} days",
                    plan.sold.id
                ));
            }
            items.push(plan.sold.item(ItemKind::Plan(terms), &mut faults));
        }
        let mut seen = BTreeSet::new();
        for item in &items {
            if !seen.insert(&item.id) {
                faults.push(format!("{}: there are two with this id", item.id));
            }
        }
        if !faults.is_empty() {
            bail!("{}", faults.join("; "));
        }
        Ok(Self {
            items,
            promotion_codes: file.promotion_codes,
            automatic_tax: file.automatic_tax,
        })
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

/// The longest trial that the provider takes.
const MOST_TRIAL_DAYS: u32 = 730;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    packs: Vec<Sold>,
    #[serde(default)]
    plans: Vec<PlanEntry>,
    #[serde(default)]
    promotion_codes: bool,
    #[serde(default)]
    automatic_tax: bool,
}

#[derive(Deserialize)]
struct Sold {
    id: String,
    name: String,
    #[serde(default)]
    summary: String,
    credits: String,
    prices: BTreeMap<Currency, String>,
}

#[derive(Deserialize)]
struct PlanEntry {
    #[serde(flatten)]
    sold: Sold,
    interval: Interval,
    #[serde(default)]
    trial_days: u32,
    #[serde(default)]
    trial_without_card: bool,
    #[serde(default)]
    per_seat: bool,
}

impl Sold {
    fn item(self, kind: ItemKind, faults: &mut Vec<String>) -> Item {
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
        let credits = self.credits.parse().unwrap_or_default();
        if credits == Credits::ZERO {
            faults.push(format!("{id}: {:?} is no amount of credits", self.credits));
        }
        if self.prices.is_empty() {
            faults.push(format!("{id}: it has no price"));
        }
        let mut prices = BTreeMap::new();
        for (currency, text) in self.prices {
            match Money::parse(&text, currency) {
                Ok(money) if money.minor > 0 => {
                    prices.insert(currency, money.minor);
                }
                _ => faults.push(format!("{id}: {text:?} is no price in {currency}")),
            }
        }
        let (name, summary) = (self.name, self.summary);
        Item {
            id,
            name,
            summary,
            credits,
            kind,
            prices,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_projects_are_born_with_holds() {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../project_templates/modules/billing");
        if !root.is_dir() {
            // In a project the runtime stands alone.
            return;
        }
        let catalogue = Catalogue::read(&root).unwrap();
        assert!(
            catalogue
                .items
                .iter()
                .any(|item| item.kind == ItemKind::Pack)
        );
        assert!(catalogue.items.iter().any(|item| item.terms().is_some()));
    }

    #[test]
    fn every_fault_is_told() {
        let fault = Catalogue::parse(
            r#"{"packs": [{"id": "Big Pack", "name": "", "credits": "0", "prices": {"jpy": "1.5"}},
                          {"id": "a", "name": "A", "credits": "1", "prices": {}},
                          {"id": "a", "name": "A", "credits": "1", "prices": {"eur": "0"}}]}"#,
        );
        let text = fault.unwrap_err().to_string();
        for part in [
            "small letters",
            "name is missing",
            "no amount of credits",
            "\"1.5\" is no price in JPY",
            "no price",
            "two with this id",
            "\"0\" is no price in EUR",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn prices_are_found_by_currency() {
        let text = r#"{"plans": [{"id": "team", "name": "Team", "credits": "500", "interval": "month",
            "per_seat": true, "prices": {"eur": "9", "jpy": "1500"}}]}"#;
        let catalogue = Catalogue::parse(text).unwrap();
        let team = catalogue.item("team").unwrap();
        let price = |code: &str| {
            team.price(code.parse().unwrap())
                .map(|money| money.to_string())
        };
        assert_eq!(price("jpy"), Some("1500 JPY".into()));
        assert_eq!(price("usd"), None);
        assert_eq!(catalogue.currencies().len(), 2);
        assert!(
            team.terms()
                .is_some_and(|terms| terms.per_seat && terms.interval == Interval::Month)
        );
    }
}
