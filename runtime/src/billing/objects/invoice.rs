//! Invoices with their lines and what was paid on them.

use serde_json::Value;

use super::At;
use crate::billing::money::Currency;
use crate::clock::Timestamp;
use crate::error::Result;

/// Why an invoice was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Create,
    Cycle,
    Update,
    /// Something that this application does not do by itself.
    Other,
}

/// An invoice with its lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Invoice {
    pub id: String,
    pub customer: Option<String>,
    pub reason: Reason,
    pub subscription: Option<String>,
    pub is_paid: bool,
    /// Nobody waits for its money any more.
    pub is_written_off: bool,
    pub amount_paid: i64,
    pub amount_due: i64,
    pub currency: Currency,
    pub number: String,
    /// The first movement of money by which it was paid.
    pub intent: Option<String>,
    /// All of them with their amounts, where there were several.
    pub parts: Vec<(String, i64)>,
    pub attempts: i64,
    pub lines: Vec<Line>,
    /// The invoice has more lines, or payments, than it was sent with.
    pub is_cut_off: bool,
    pub created_at: Timestamp,
    pub paid_at: Option<Timestamp>,
}

/// One line of an invoice.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub id: String,
    pub amount: i64,
    pub price: Option<String>,
    pub quantity: i64,
    pub is_proration: bool,
    pub period: (Timestamp, Timestamp),
}

/// The movement of money of one of an invoice's payments, and what came by it. One that was not made brought nothing.
fn part(payment: At<'_>) -> Option<(String, i64)> {
    let is_made = payment
        .text("/status")
        .is_none_or(|status| status == "paid");
    let intent = payment
        .link("/payment/payment_intent")
        .filter(|_| is_made)?;
    Some((intent, payment.number("/amount_paid").unwrap_or_default()))
}

impl Invoice {
    /// # Errors
    /// When it is no invoice.
    pub fn read(value: &Value) -> Result<Self> {
        let at = At(value);
        let subscription = at.link("/parent/subscription_details/subscription");
        let parts: Vec<_> = at.list("/payments/data").filter_map(part).collect();
        let first = parts.first().map(|(intent, _)| intent.clone());
        Ok(Self {
            id: at.id()?,
            customer: at.link("/customer"),
            reason: match at.text("/billing_reason") {
                Some("subscription_create") => Reason::Create,
                Some("subscription_cycle") => Reason::Cycle,
                Some("subscription_update") => Reason::Update,
                _ => Reason::Other,
            },
            subscription: subscription.or_else(|| at.link("/subscription")),
            is_paid: at.text("/status") == Some("paid") || at.flag("/paid"),
            is_written_off: is_written_off(value),
            amount_paid: at.number("/amount_paid").unwrap_or_default(),
            amount_due: at.number("/amount_due").unwrap_or_default(),
            currency: at.currency()?,
            number: at.text("/number").unwrap_or_default().to_owned(),
            intent: first.or_else(|| at.link("/payment_intent")),
            parts: if parts.len() > 1 { parts } else { Vec::new() },
            attempts: at.number("/attempt_count").unwrap_or_default(),
            lines: at
                .list("/lines/data")
                .map(Line::read)
                .collect::<Result<_>>()?,
            is_cut_off: at.flag("/lines/has_more") || at.flag("/payments/has_more"),
            created_at: at.need("/created", at.time("/created"))?,
            paid_at: at.time("/status_transitions/paid_at"),
        })
    }
}

/// Whether an invoice is one whose money nobody waits for any more.
pub fn is_written_off(invoice: &Value) -> bool {
    matches!(At(invoice).text("/status"), Some("void" | "uncollectible"))
}

impl Line {
    fn read(at: At<'_>) -> Result<Self> {
        let price = at
            .link("/pricing/price_details/price")
            .or_else(|| at.link("/price"));
        let is_proration =
            at.flag("/parent/subscription_item_details/proration") || at.flag("/proration");
        let start = at.need("/period/start", at.time("/period/start"))?;
        let end = at.need("/period/end", at.time("/period/end"))?;
        Ok(Self {
            id: at.id()?,
            amount: at.need("/amount", at.number("/amount"))?,
            price,
            quantity: at.number("/quantity").unwrap_or(1),
            is_proration,
            period: (start, end),
        })
    }
}
