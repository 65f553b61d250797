//! Everybody's subscriptions, as the staff sees them.

use serde::Serialize;

use super::{PaymentRow, SAMPLE_TIME};
use crate::billing::actions::{SubscriptionDetail, SubscriptionFound};
use crate::billing::catalogue::Catalogue;
use crate::billing::entity::{ChangeRow, SubscriptionRow};
use crate::billing::rules;
use crate::clock::Timestamp;
use crate::error::FieldErrors;
use crate::pages::{Choice, Page};

/// A status in words, as people read it.
pub fn status_label(row: &SubscriptionRow) -> &'static str {
    match row.status.as_str() {
        "trialing" | "active" if row.is_paused => "Paused",
        status => label_of(status),
    }
}

fn label_of(status: &str) -> &'static str {
    match status {
        "trialing" => "Trial",
        "active" => "Active",
        "past_due" => "Payment failed",
        "unpaid" => "Not paid",
        "paused" => "Paused",
        "incomplete" => "Waiting for payment",
        "canceled" => "Ended",
        "incomplete_expired" => "Never paid",
        _ => "Unknown",
    }
}

/// In the order in which they are looked for.
const STATUSES: [&str; 8] = [
    "active",
    "trialing",
    "past_due",
    "unpaid",
    "paused",
    "incomplete",
    "canceled",
    "incomplete_expired",
];

/// A subscription, as a row.
#[derive(Debug, Serialize)]
pub struct SubscriptionRowView {
    pub id: String,
    pub email: String,
    pub user_path: String,
    pub item: String,
    pub quantity: i64,
    pub status: &'static str,
    pub is_good: bool,
    pub is_bad: bool,
    pub is_live: bool,
    pub is_alert: bool,
    pub cancels_at_end: bool,
    pub started_at: Timestamp,
    pub period_end: Timestamp,
    pub ended_at: Option<Timestamp>,
}

impl From<SubscriptionFound> for SubscriptionRowView {
    fn from(found: SubscriptionFound) -> Self {
        let SubscriptionFound {
            row,
            customer,
            item,
        } = found;
        Self {
            status: status_label(&row),
            is_good: matches!(row.status.as_str(), "active" | "trialing") && !row.is_paused,
            is_bad: matches!(row.status.as_str(), "past_due" | "unpaid"),
            is_live: rules::is_live(&row.status),
            id: row.subscription,
            email: customer.email,
            user_path: format!("/admin/users/{}", customer.owner),
            item,
            quantity: row.quantity,
            is_alert: row.is_alert,
            cancels_at_end: row.cancels_at_end,
            started_at: row.started_at,
            period_end: row.period.1,
            ended_at: row.ended_at,
        }
    }
}

impl SubscriptionRowView {
    fn sample() -> Self {
        Self {
            id: "sub_1".into(),
            email: "ada@example.com".into(),
            user_path: "/admin/users/1".into(),
            item: "Starter <b>".into(),
            quantity: 2,
            status: "Active",
            is_good: true,
            is_bad: false,
            is_live: true,
            is_alert: true,
            cancels_at_end: true,
            started_at: SAMPLE_TIME,
            period_end: SAMPLE_TIME,
            ended_at: Some(SAMPLE_TIME),
        }
    }
}

/// Everybody's subscriptions.
#[derive(Debug, Serialize)]
pub struct SubscriptionsPage {
    pub q: String,
    pub status: String,
    pub statuses: Vec<Choice>,
    pub subscriptions: Vec<SubscriptionRowView>,
    /// The address of the next page.
    pub next: Option<String>,
    pub is_continued: bool,
}

impl SubscriptionsPage {
    pub fn statuses() -> Vec<Choice> {
        let all = STATUSES.iter();
        Choice::or_all(
            "All",
            all.map(|status| Choice::new(*status, label_of(status))),
        )
    }
}

impl Page for SubscriptionsPage {
    const TEMPLATE: &'static str = "billing/staff/subscriptions.html";

    fn sample() -> Self {
        Self {
            q: "ada<b>".into(),
            status: "active".into(),
            statuses: Self::statuses(),
            subscriptions: vec![SubscriptionRowView::sample()],
            next: Some("/admin/subscriptions?after=sub_1".into()),
            is_continued: true,
        }
    }
}

/// A change that somebody asked for, as a row.
#[derive(Debug, Serialize)]
pub struct ChangeView {
    pub what: &'static str,
    pub reason: String,
    pub state: &'static str,
    pub error: String,
    pub at: Timestamp,
}

impl From<ChangeRow> for ChangeView {
    fn from(row: ChangeRow) -> Self {
        Self {
            what: row.verb.label(),
            reason: row.reason,
            state: row.state.label(),
            error: row.error,
            at: row.created_at,
        }
    }
}

/// One subscription with everything about it.
#[derive(Debug, Serialize)]
pub struct StaffSubscriptionPage {
    pub row: SubscriptionRowView,
    /// `29.00 EUR a month`; none when the price is not known any more.
    pub price: Option<String>,
    /// `Starter, 2 seats`
    pub next: Option<String>,
    pub trial_end: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    pub item_id: String,
    pub plans: Vec<Choice>,
    pub changes: Vec<ChangeView>,
    pub payments: Vec<PaymentRow>,
    pub may_act: bool,
    pub key: String,
    pub errors: FieldErrors,
}

/// `Team, 3 seats`
pub fn plan_in_words(name: &str, quantity: i64) -> String {
    match quantity {
        1 => name.to_owned(),
        seats => format!("{name}, {seats} seats"),
    }
}

impl StaffSubscriptionPage {
    pub fn of(
        detail: SubscriptionDetail,
        catalogue: &Catalogue,
        may_act: bool,
        key: String,
    ) -> Self {
        let SubscriptionDetail {
            found,
            price,
            next,
            changes,
            payments,
        } = detail;
        let plans = catalogue.items.iter();
        let plans = plans.filter(|item| item.terms().is_some());
        let next = next.map(|(price, seats)| plan_in_words(&catalogue.name_of(&price.item), seats));
        Self {
            price: price.as_ref().map(super::price_in_words),
            next,
            trial_end: found.row.trial_end,
            failing_since: found.row.failing_since,
            item_id: price.map(|price| price.item).unwrap_or_default(),
            plans: plans
                .map(|item| Choice::new(&item.id, &item.name))
                .collect(),
            changes: changes.into_iter().map(ChangeView::from).collect(),
            payments: payments.into_iter().map(PaymentRow::from).collect(),
            may_act: may_act && rules::is_live(&found.row.status),
            key,
            errors: FieldErrors::default(),
            row: found.into(),
        }
    }
}

impl Page for StaffSubscriptionPage {
    const TEMPLATE: &'static str = "billing/staff/subscription.html";

    fn sample() -> Self {
        Self {
            row: SubscriptionRowView::sample(),
            price: Some("9.00 EUR a month".into()),
            next: Some("Starter <b>".into()),
            trial_end: Some(SAMPLE_TIME),
            failing_since: Some(SAMPLE_TIME),
            item_id: "starter".into(),
            plans: vec![Choice::new("starter", "Starter <b>")],
            changes: vec![ChangeView {
                what: "Paused",
                reason: "Asked <kindly>".into(),
                state: "Failed",
                error: "The payment service refused this.".into(),
                at: SAMPLE_TIME,
            }],
            payments: vec![PaymentRow::sample()],
            may_act: true,
            key: "a-key".into(),
            errors: FieldErrors::one("form", "That is what it is."),
        }
    }
}
