//! What the pages and panels of this domain are rendered with.

use serde::Serialize;

use super::actions::{Cursor, DayOfUse};
use super::amount::{Change, Credits, Net};
use super::chart::UseChart;
use super::entity::{Balance, Entry, EntryKind, Lot, LotKind};
use crate::clock::Timestamp;
use crate::error::FieldErrors;
use crate::pages::{Choice, Page, Sample};

pub(super) fn samples() -> Vec<Sample> {
    vec![
        Sample::of::<CreditsPage>(),
        Sample::of::<JournalPage>(),
        Sample::of::<StaffPage>(),
    ]
}

const SAMPLE_TIME: Timestamp = Timestamp::from_micros(1_795_251_905_000_000);

/// A balance, with what it is called in a sentence.
#[derive(Debug, Serialize)]
pub(super) struct BalanceView {
    pub available: Credits,
    /// `100 credits`.
    pub available_words: String,
    /// `2 credits`; none while nothing is set aside.
    pub held_words: Option<String>,
    /// `5 credits`; none while nothing is owed.
    pub debt_words: Option<String>,
}

impl From<Balance> for BalanceView {
    fn from(balance: Balance) -> Self {
        Self {
            available: balance.available,
            available_words: balance.available.in_words(),
            held_words: (!balance.held.is_zero()).then(|| balance.held.in_words()),
            debt_words: (!balance.debt.is_zero()).then(|| balance.debt.in_words()),
        }
    }
}

impl BalanceView {
    fn sample() -> Self {
        Self::from(Balance {
            available: Credits::from_milli(99_500),
            held: Credits::whole(1),
            debt: Credits::whole(5),
        })
    }
}

/// One lot, as a row.
#[derive(Debug, Serialize)]
pub(super) struct LotRow {
    pub kind: &'static str,
    pub remaining: Credits,
    pub amount: Credits,
    pub expires_at: Option<Timestamp>,
}

impl From<Lot> for LotRow {
    fn from(lot: Lot) -> Self {
        Self {
            kind: lot.kind.label(),
            remaining: lot.remaining,
            amount: lot.amount,
            expires_at: lot.expires_at,
        }
    }
}

/// One entry, as a row.
#[derive(Debug, Serialize)]
pub(super) struct EntryRow {
    pub at: Timestamp,
    pub kind: &'static str,
    pub reason: String,
    /// `+50`, `-1`.
    pub change: Change,
    pub is_up: bool,
    pub balance_after: Net,
}

impl From<Entry> for EntryRow {
    fn from(entry: Entry) -> Self {
        Self {
            at: entry.created_at,
            kind: entry.kind.label(),
            reason: entry.reason,
            change: entry.change,
            is_up: matches!(entry.change, Change::Up(_)),
            balance_after: entry.balance_after,
        }
    }
}

pub(super) fn entry_rows(entries: Vec<Entry>) -> Vec<EntryRow> {
    entries.into_iter().map(EntryRow::from).collect()
}

fn sample_entries() -> Vec<EntryRow> {
    let row = |kind, reason: &str, change: Change, balance_after| EntryRow {
        at: SAMPLE_TIME,
        kind,
        reason: reason.into(),
        change,
        is_up: matches!(change, Change::Up(_)),
        balance_after: Net::of(balance_after, Credits::ZERO),
    };
    vec![
        row(
            "Used",
            "Sentiment <b>analysis</b>",
            Change::Down(Credits::whole(1)),
            Credits::whole(99),
        ),
        row(
            "Added",
            "Welcome credits",
            Change::Up(Credits::whole(100)),
            Credits::whole(100),
        ),
    ]
}

/// What somebody has and when it runs out.
#[derive(Debug, Serialize)]
pub(super) struct CreditsPage {
    pub balance: BalanceView,
    /// A sentence for whoever runs out of credits.
    pub warning: Option<&'static str>,
    pub kinds: Vec<KindRow>,
    pub lots: Vec<LotRow>,
    pub use_chart: UseChart,
}

/// What there is of one kind, over all its lots.
#[derive(Debug, Serialize)]
pub(super) struct KindRow {
    pub kind: &'static str,
    pub remaining: Credits,
    /// Of which so much runs out next, and when.
    pub next: Option<(Credits, Timestamp)>,
}

impl KindRow {
    /// The kinds of which something is there, in the order of use.
    pub fn all(lots: &[Lot]) -> Vec<Self> {
        let mut rows = Vec::new();
        for kind in LotKind::ALL {
            let of_kind = || lots.iter().filter(|lot| lot.kind == kind);
            let remaining: i64 = of_kind().map(|lot| lot.remaining.as_milli()).sum();
            let ending = of_kind().filter_map(|lot| Some((lot.expires_at?, lot.remaining)));
            let next = ending.min().map(|(at, amount)| (amount, at));
            if remaining > 0 {
                rows.push(Self {
                    kind: kind.label(),
                    remaining: Credits::from_milli(remaining.unsigned_abs()),
                    next,
                });
            }
        }
        rows
    }
}

impl Page for CreditsPage {
    const TEMPLATE: &'static str = "credits/balance.html";

    fn sample() -> Self {
        let lot = |kind, expires_at| LotRow {
            kind,
            remaining: Credits::from_milli(49_500),
            amount: Credits::whole(50),
            expires_at,
        };
        Self {
            balance: BalanceView::sample(),
            warning: Some("Your credits are running low."),
            kinds: vec![KindRow {
                kind: "Promotion",
                remaining: Credits::whole(50),
                next: Some((Credits::whole(5), SAMPLE_TIME)),
            }],
            lots: vec![
                lot("Promotion", Some(SAMPLE_TIME)),
                lot("Pay as you go", None),
            ],
            use_chart: UseChart::of(&[DayOfUse {
                day: SAMPLE_TIME,
                used: 1500,
            }]),
        }
    }
}

/// Which entries are shown, as the form was filled in.
#[derive(Debug, Default, Serialize)]
pub(super) struct FilterForm {
    pub kind: String,
    pub from: String,
    pub until: String,
    pub kinds: Vec<Choice>,
}

/// Every kind of entry, after all of them.
pub(super) fn entry_kinds() -> Vec<Choice> {
    let kinds = EntryKind::ALL.into_iter();
    Choice::or_all(
        "Everything",
        kinds.map(|kind| Choice::new(kind.as_str(), kind.label())),
    )
}

/// One's own journal.
#[derive(Debug, Serialize)]
pub(super) struct JournalPage {
    pub filter: FilterForm,
    /// The filter as a query, to be carried on: `kind=spend&from=&until=`.
    pub query: String,
    pub entries: Vec<EntryRow>,
    pub is_continued: bool,
    pub next: Option<Cursor>,
}

impl Page for JournalPage {
    const TEMPLATE: &'static str = "credits/history.html";

    fn sample() -> Self {
        Self {
            filter: FilterForm {
                kind: "spend".into(),
                from: "2026-11-01".into(),
                until: String::new(),
                kinds: entry_kinds(),
            },
            query: "kind=spend&from=2026-11-01&until=".into(),
            entries: sample_entries(),
            is_continued: true,
            next: Cursor::parse("7"),
        }
    }
}

/// The form by which the staff corrects a balance.
#[derive(Debug, Default, Serialize)]
pub(super) struct AdjustForm {
    /// Where it is sent.
    pub action: String,
    /// Belongs to this one filling-in, so that sending it twice corrects once.
    pub key: String,
    pub amount: String,
    pub reason: String,
    /// After how many days they run out, if at all.
    pub days: String,
    pub errors: FieldErrors,
}

/// Somebody's credits, as the staff sees them.
#[derive(Debug, Serialize)]
pub(super) struct StaffPage {
    pub email: String,
    pub user_path: String,
    pub balance: BalanceView,
    /// None for whoever may not correct this balance.
    pub form: Option<AdjustForm>,
    pub entries: Vec<EntryRow>,
    pub path: String,
    pub is_continued: bool,
    pub next: Option<Cursor>,
}

impl Page for StaffPage {
    const TEMPLATE: &'static str = "credits/staff.html";

    fn sample() -> Self {
        Self {
            email: "ada@example.com".into(),
            user_path: "/admin/users/1".into(),
            balance: BalanceView::sample(),
            form: Some(AdjustForm {
                action: "/admin/users/1/credits".into(),
                key: "a-key".into(),
                amount: "ten".into(),
                reason: "<b>".into(),
                days: "30".into(),
                errors: FieldErrors::one("amount", "Enter a number, such as 50 or 0.5."),
            }),
            entries: sample_entries(),
            path: "/admin/users/1/credits".into(),
            is_continued: true,
            next: Cursor::parse("7"),
        }
    }
}

/// The box on the dashboard.
#[derive(Debug, Serialize)]
pub(super) struct DashboardPanel {
    pub balance: BalanceView,
    /// A sentence for whoever runs out of credits.
    pub warning: Option<&'static str>,
    pub entries: Vec<EntryRow>,
}

/// The box on the staff's page of one user.
#[derive(Debug, Serialize)]
pub(super) struct StaffUserPanel {
    pub balance: BalanceView,
    pub entries: Vec<EntryRow>,
    pub form: Option<AdjustForm>,
    pub path: String,
}

/// What the price list says about credits.
#[derive(Debug, Serialize)]
pub(super) struct PricingPanel {
    /// `100 credits`.
    pub gift: String,
}
