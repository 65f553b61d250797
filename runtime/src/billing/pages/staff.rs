//! What the staff sees of money.

use serde::Serialize;

use super::{PaymentRow, SAMPLE_TIME};
use crate::billing::Money;
use crate::billing::actions::{Detail, Found, Taking};
use crate::billing::catalogue::Catalogue;
use crate::billing::entity::{EventState, PaymentKind, PaymentState, RefundRow, StoredEvent};
use crate::clock::Timestamp;
use crate::error::FieldErrors;
use crate::pages::{Choice, Page};

/// How the list is narrowed down, as it was typed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SearchForm {
    pub q: String,
    pub kind: String,
    pub state: String,
    pub from: String,
    pub until: String,
    pub currency: String,
    pub least: String,
    pub most: String,
}

/// A payment, as a row with whose it is.
#[derive(Debug, Serialize)]
pub struct FoundRow {
    pub payment: PaymentRow,
    pub email: String,
}

impl From<Found> for FoundRow {
    fn from(Found { payment, email }: Found) -> Self {
        Self {
            payment: payment.into(),
            email,
        }
    }
}

/// Payments of everybody.
#[derive(Debug, Serialize)]
pub struct StaffPaymentsPage {
    pub form: SearchForm,
    pub kinds: Vec<Choice>,
    pub states: Vec<Choice>,
    pub currencies: Vec<Choice>,
    pub payments: Vec<FoundRow>,
    /// The address of the next page.
    pub next: Option<String>,
    pub is_continued: bool,
}

/// What is paid for.
pub fn payment_kinds() -> Vec<Choice> {
    let all = PaymentKind::ALL.iter();
    Choice::or_all(
        "All",
        all.map(|kind| Choice::new(kind.as_str(), kind.label())),
    )
}

/// How far a payment is.
pub fn payment_states() -> Vec<Choice> {
    let all = PaymentState::ALL.iter();
    Choice::or_all(
        "All",
        all.map(|state| Choice::new(state.as_str(), state.label())),
    )
}

impl StaffPaymentsPage {
    pub fn currencies(catalogue: &Catalogue) -> Vec<Choice> {
        let all = catalogue.currencies().into_iter();
        Choice::or_all(
            "All",
            all.map(|currency| Choice::new(currency.code(), currency.to_string())),
        )
    }
}

impl Page for StaffPaymentsPage {
    const TEMPLATE: &'static str = "billing/staff/payments.html";

    fn sample() -> Self {
        Self {
            form: SearchForm {
                q: "ada<b>".into(),
                ..SearchForm::default()
            },
            kinds: payment_kinds(),
            states: payment_states(),
            currencies: Choice::or_all("All", [Choice::new("eur", "EUR")]),
            payments: vec![FoundRow {
                payment: PaymentRow::sample(),
                email: "ada@example.com".into(),
            }],
            next: Some("/admin/payments?before=1".into()),
            is_continued: true,
        }
    }
}

/// What a payment brought, as a row.
#[derive(Debug, Serialize)]
pub struct LotView {
    pub source: String,
    pub credits: String,
    pub taken: String,
    pub is_over: bool,
}

/// A refund that was asked for, as a row.
#[derive(Debug, Serialize)]
pub struct RefundView {
    pub amount: String,
    pub reason: String,
    pub state: &'static str,
    pub error: String,
    pub at: Timestamp,
}

impl From<RefundRow> for RefundView {
    fn from(row: RefundRow) -> Self {
        Self {
            amount: row.money.to_string(),
            reason: row.reason,
            state: row.state.label(),
            error: row.error,
            at: row.created_at,
        }
    }
}

/// One payment with everything about it.
#[derive(Debug, Serialize)]
pub struct StaffPaymentPage {
    pub payment: PaymentRow,
    pub email: String,
    pub user_path: String,
    pub object: String,
    pub subscription: Option<String>,
    pub refunded: String,
    pub disputed: String,
    pub left: String,
    /// As a form holds it.
    pub left_digits: String,
    pub lots: Vec<LotView>,
    pub refunds: Vec<RefundView>,
    pub warnings: Vec<&'static str>,
    /// The provider's object, as JSON.
    pub body: String,
    pub may_refund: bool,
}

impl StaffPaymentPage {
    pub fn of(detail: Detail, may_refund: bool) -> Self {
        let Detail {
            payment,
            customer,
            lots,
            refunds,
            left,
        } = detail;
        let money = |minor| Money::new(minor, payment.currency()).to_string();
        let was_made = !matches!(payment.state, PaymentState::Pending | PaymentState::Failed);
        let mut warnings = Vec::new();
        if was_made && lots.is_empty() && payment.kind != PaymentKind::Change {
            warnings.push("It was paid and brought no credits.");
        }
        if payment.disputed > 0 {
            warnings.push("Its money is disputed; its credits are taken until that is decided.");
        }
        if refunds.iter().any(|refund| !refund.error.is_empty()) {
            warnings.push("A refund failed.");
        }
        let lot = |lot: &crate::billing::entity::PaidLot| LotView {
            source: lot.source.clone(),
            credits: lot.credits.in_words(),
            taken: lot.taken.in_words(),
            is_over: lot.is_over,
        };
        Self {
            email: customer.email,
            user_path: format!("/admin/users/{}", customer.owner),
            object: payment.object.clone(),
            subscription: payment.subscription.clone(),
            refunded: money(payment.refunded),
            disputed: money(payment.disputed),
            left: left.to_string(),
            left_digits: left.digits(),
            lots: lots.iter().map(lot).collect(),
            refunds: refunds.into_iter().map(RefundView::from).collect(),
            warnings,
            body: serde_json::to_string_pretty(&payment.body).unwrap_or_default(),
            may_refund: may_refund && left.minor > 0,
            payment: payment.into(),
        }
    }
}

impl Page for StaffPaymentPage {
    const TEMPLATE: &'static str = "billing/staff/payment.html";

    fn sample() -> Self {
        Self {
            payment: PaymentRow::sample(),
            email: "ada@example.com".into(),
            user_path: "/admin/users/1".into(),
            object: "in_1".into(),
            subscription: Some("sub_1".into()),
            refunded: "4.50 EUR".into(),
            disputed: "0.00 EUR".into(),
            left: "4.50 EUR".into(),
            left_digits: "4.50".into(),
            lots: vec![LotView {
                source: "in_1:il_1".into(),
                credits: "500 credits".into(),
                taken: "250 credits".into(),
                is_over: false,
            }],
            refunds: vec![RefundView {
                amount: "4.50 EUR".into(),
                reason: "Asked <kindly>".into(),
                state: "Failed",
                error: "The payment service refused this.".into(),
                at: SAMPLE_TIME,
            }],
            warnings: vec!["A refund failed."],
            body: "{\"id\": \"in_1\"}".into(),
            may_refund: true,
        }
    }
}

/// What a refund takes.
#[derive(Debug, Serialize)]
pub struct TakingView {
    /// `5.00 EUR`
    pub money: String,
    /// `100 credits`
    pub credits: String,
    /// What becomes of how many of them.
    pub parts: Vec<(&'static str, String)>,
}

impl TakingView {
    pub fn of(money: Money, taking: &Taking) -> Self {
        let Taking {
            own,
            others,
            debt,
            ran_out,
        } = *taking;
        let parts = [
            ("Taken from what is left of them", own),
            (
                "Used already: taken from other credits of the account",
                others,
            ),
            (
                "Used already: becomes a debt, which the next credits pay",
                debt,
            ),
            ("Ran out already: nothing is taken for them", ran_out),
        ];
        let parts = parts.into_iter().filter(|(_, credits)| !credits.is_zero());
        let total = taking.total();
        Self {
            money: money.to_string(),
            credits: if total.is_zero() {
                "no credits".into()
            } else {
                total.in_words()
            },
            parts: parts
                .map(|(what, credits)| (what, credits.in_words()))
                .collect(),
        }
    }
}

/// A refund before it is asked for, with the credits that it takes.
#[derive(Debug, Serialize)]
pub struct RefundPage {
    pub id: String,
    pub email: String,
    pub description: String,
    /// None where nothing is.
    pub left: Option<String>,
    /// As it was typed.
    pub amount: String,
    pub reason: String,
    /// `EUR`
    pub currency: String,
    /// None while the amount is none.
    pub taking: Option<TakingView>,
    pub key: String,
    pub errors: FieldErrors,
}

impl Page for RefundPage {
    const TEMPLATE: &'static str = "billing/staff/refund.html";

    fn sample() -> Self {
        Self {
            id: "019a0000-0000-7000-8000-000000000000".into(),
            email: "ada@example.com".into(),
            description: "small: 200 credits".into(),
            left: Some("5.00 EUR".into()),
            amount: "2.50".into(),
            reason: "Asked <kindly>".into(),
            currency: "EUR".into(),
            taking: Some(TakingView {
                money: "2.50 EUR".into(),
                credits: "100 credits".into(),
                parts: vec![("Taken from what is left of them", "100 credits".into())],
            }),
            key: "a-key".into(),
            errors: FieldErrors::one("amount", "At most 5.00 EUR can be given back."),
        }
    }
}

/// One of the provider's events, as a row.
#[derive(Debug, Serialize)]
pub struct EventRow {
    pub id: String,
    pub event: String,
    pub kind: String,
    pub object: String,
    pub state: EventState,
    pub state_label: &'static str,
    pub error: String,
    pub attempts: i64,
    pub received_at: Timestamp,
}

impl From<StoredEvent> for EventRow {
    fn from(event: StoredEvent) -> Self {
        Self {
            id: event.id,
            event: event.event,
            kind: event.kind,
            object: event.object,
            state: event.state,
            state_label: event.state.label(),
            error: event.error,
            attempts: event.attempts,
            received_at: event.received_at,
        }
    }
}

/// What the provider said.
#[derive(Debug, Serialize)]
pub struct EventsPage {
    pub events: Vec<EventRow>,
    pub failed: i64,
    pub only_failed: bool,
    pub next: Option<String>,
    pub is_continued: bool,
    pub may_replay: bool,
}

impl Page for EventsPage {
    const TEMPLATE: &'static str = "billing/staff/events.html";

    fn sample() -> Self {
        Self {
            events: vec![EventRow {
                id: "019a0000-0000-7000-8000-000000000000".into(),
                event: "evt_1".into(),
                kind: "invoice.paid".into(),
                object: "in_1".into(),
                state: EventState::Failed,
                state_label: EventState::Failed.label(),
                error: "the price <x> is not known".into(),
                attempts: 2,
                received_at: SAMPLE_TIME,
            }],
            failed: 1,
            only_failed: true,
            next: Some("/admin/events?before=1".into()),
            is_continued: true,
            may_replay: true,
        }
    }
}
