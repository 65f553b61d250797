//! Money that moved, and money that went back.

use serde_json::Value;

use super::At;
use crate::billing::money::Currency;
use crate::error::Result;

/// Money that was taken, and how much of it went back.
#[derive(Debug, Clone, PartialEq)]
pub struct Charge {
    pub id: String,
    pub intent: Option<String>,
    pub customer: Option<String>,
    /// The money was taken: a card that is refused leaves a charge, too.
    pub is_made: bool,
    pub currency: Currency,
    pub amount: i64,
    pub refunded: i64,
}

impl Charge {
    /// # Errors
    /// When it is no charge.
    pub fn read(value: &Value) -> Result<Self> {
        let at = At(value);
        Ok(Self {
            id: at.id()?,
            intent: at.link("/payment_intent"),
            customer: at.link("/customer"),
            is_made: at
                .text("/status")
                .is_none_or(|status| status == "succeeded"),
            currency: at.currency()?,
            amount: at.need("/amount", at.number("/amount"))?,
            refunded: at.number("/amount_refunded").unwrap_or_default(),
        })
    }
}

/// A payment that the buyer's bank asks back.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispute {
    pub id: String,
    pub charge: String,
    pub intent: Option<String>,
    pub currency: Currency,
    pub amount: i64,
    pub status: String,
    pub reason: String,
}

impl Dispute {
    /// # Errors
    /// When it is no dispute.
    pub fn read(value: &Value) -> Result<Self> {
        let at = At(value);
        Ok(Self {
            id: at.id()?,
            charge: at.need("/charge", at.link("/charge"))?,
            intent: at.link("/payment_intent"),
            currency: at.currency()?,
            amount: at.need("/amount", at.number("/amount"))?,
            status: at.need("/status", at.text("/status"))?.to_owned(),
            reason: at.text("/reason").unwrap_or_default().to_owned(),
        })
    }
}

/// A refund, which may still fail.
#[derive(Debug, Clone, PartialEq)]
pub struct Refund {
    pub id: String,
    pub charge: Option<String>,
    pub status: String,
    /// Our own record of it.
    pub record: Option<String>,
}

impl Refund {
    /// # Errors
    /// When it is no refund.
    pub fn read(value: &Value) -> Result<Self> {
        let at = At(value);
        Ok(Self {
            id: at.id()?,
            charge: at.link("/charge"),
            status: at.text("/status").unwrap_or_default().to_owned(),
            record: at.link("/metadata/refund"),
        })
    }
}

/// Whether a movement of money that was under way came to nothing. The page on which it was set out cannot be paid any
/// more ("PaymentIntent lifecycle" in Stripe's documentation).
pub fn came_to_nothing(intent: &Value) -> bool {
    matches!(
        At(intent).text("/status"),
        Some("requires_payment_method" | "canceled")
    )
}
