//! The tables of this domain as types.

use serde::Serialize;
use serde_json::Value;

use super::money::{Currency, Money};
use crate::clock::Timestamp;
use crate::credits::{Credits, Owner};
use crate::id_type;
use crate::ids::UserId;

id_type! {
    /// Somebody who buys.
    CustomerId
}
id_type! {
    /// What somebody set out to buy.
    OrderId
}
id_type! {
    /// A payment.
    PaymentId
}
id_type! {
    /// A refund that staff asked for.
    RefundId
}
id_type! {
    /// A change of a subscription that somebody asked for.
    ChangeId
}

/// Somebody who buys, as the provider knows him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    pub id: CustomerId,
    pub owner: UserId,
    pub email: String,
    /// The provider's name for him, once he has one.
    pub customer: Option<String>,
    /// How often the provider forgot him.
    pub version: i64,
}

impl Customer {
    /// Whose credits he buys.
    pub fn credits_owner(&self) -> Owner {
        Owner::User(self.owner.clone())
    }
}

/// What one of the provider's prices stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    pub price: String,
    pub item: String,
    pub money: Money,
    /// `month`, `year`; none for what is paid once.
    pub period: Option<String>,
    /// For one of it.
    pub credits: Credits,
}

/// Defines an enumeration that a column holds as text.
macro_rules! column_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal, $label:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $text)] $variant),* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
            }

            /// As pages call it.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }
        }
    };
}

column_enum! {
    /// What became of an order.
    OrderState {
        /// The payment page is open, or about to be.
        Open = "open", "Waiting for payment";
        /// It was ordered, and the money is on its way.
        Pending = "pending", "Payment on its way";
        Paid = "paid", "Paid";
        Failed = "failed", "Payment failed";
        Expired = "expired", "Not paid";
    }
}

column_enum! {
    /// What is paid for.
    PaymentKind {
        Pack = "pack", "Pack";
        Subscription = "subscription", "Subscription";
        Change = "change", "Change of plan";
    }
}

column_enum! {
    /// How far a payment is.
    PaymentState {
        /// The money is on its way.
        Pending = "pending", "On its way";
        Paid = "paid", "Paid";
        Failed = "failed", "Failed";
        PartlyRefunded = "partly_refunded", "Partly refunded";
        Refunded = "refunded", "Refunded";
        Disputed = "disputed", "Disputed";
    }
}

column_enum! {
    /// How far a refund is.
    RefundState {
        Asked = "asked", "Under way";
        Done = "done", "Done";
        Failed = "failed", "Failed";
    }
}

column_enum! {
    /// What somebody asked to be done with a subscription.
    ChangeVerb {
        TermsNow = "terms_now", "Other terms at once";
        TermsLater = "terms_later", "Other terms with the next period";
        Stay = "stay", "No other terms after all";
        CancelAtEnd = "cancel_at_end", "Cancelled with its period";
        CancelNow = "cancel_now", "Cancelled at once";
        GoOn = "go_on", "Not cancelled after all";
        Pause = "pause", "Paused";
        Unpause = "unpause", "Resumed";
    }
}

column_enum! {
    /// How far an event of the provider is.
    EventState {
        New = "new", "Waiting";
        Done = "done", "Done";
        Ignored = "ignored", "Ignored";
        Failed = "failed", "Failed";
    }
}

impl RefundState {
    /// What the provider's word for it means.
    pub fn told(status: &str) -> Self {
        match status {
            "succeeded" => Self::Done,
            "failed" | "canceled" => Self::Failed,
            _ => Self::Asked,
        }
    }
}

/// What somebody set out to buy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub id: OrderId,
    pub customer: CustomerId,
    pub is_plan: bool,
    pub item: String,
    pub price: String,
    pub quantity: i64,
    pub money: Money,
    pub credits: Credits,
    pub state: OrderState,
    pub session: Option<String>,
    pub url: Option<String>,
    pub created_at: Timestamp,
}

/// A subscription as it was last taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionRow {
    pub subscription: String,
    pub customer: CustomerId,
    pub status: String,
    pub price: String,
    pub element: String,
    pub quantity: i64,
    pub period: (Timestamp, Timestamp),
    pub trial_end: Option<Timestamp>,
    pub cancels_at_end: bool,
    pub is_paused: bool,
    pub ended_at: Option<Timestamp>,
    pub paid_until: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    /// Its status is one that this application does not know.
    pub is_alert: bool,
    pub started_at: Timestamp,
    /// The provider's plan for what comes after this period.
    pub schedule: Option<String>,
    /// The price and the number that begin with the next period.
    pub next: Option<(String, i64)>,
}

/// Something that was, or is to be, paid.
#[derive(Debug, Clone, PartialEq)]
pub struct Payment {
    pub id: PaymentId,
    /// The provider's session or invoice.
    pub object: String,
    pub customer: CustomerId,
    pub kind: PaymentKind,
    pub subscription: Option<String>,
    pub item: String,
    pub description: String,
    pub money: Money,
    pub refunded: i64,
    pub disputed: i64,
    pub state: PaymentState,
    pub intent: Option<String>,
    pub number: String,
    pub body: Value,
    pub created_at: Timestamp,
    pub paid_at: Option<Timestamp>,
}

impl Payment {
    pub fn currency(&self) -> Currency {
        self.money.currency
    }

    /// What of it went back, by refunds and disputes.
    pub fn lost(&self) -> i64 {
        self.refunded
            .saturating_add(self.disputed)
            .min(self.money.minor)
    }

    /// What could still be refunded, were nothing under way.
    pub fn left(&self) -> i64 {
        (self.money.minor - self.lost()).max(0)
    }
}

/// What a payment brought to the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidLot {
    pub source: String,
    pub payment: PaymentId,
    pub subscription: Option<String>,
    /// The lot that it stands in for, after a dispute was won.
    pub restores: Option<String>,
    pub credits: Credits,
    pub taken: Credits,
    pub revoked: Credits,
    pub period: Option<(Timestamp, Timestamp)>,
    pub is_over: bool,
}

/// A refund that staff asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRow {
    pub id: RefundId,
    pub payment: PaymentId,
    /// The movement of money that it is of; that of the payment where none is named.
    pub intent: Option<String>,
    pub money: Money,
    pub reason: String,
    pub state: RefundState,
    pub refund: Option<String>,
    pub asked_by: String,
    pub error: String,
    pub created_at: Timestamp,
}

/// A change of a subscription that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    pub id: ChangeId,
    pub subscription: String,
    pub verb: ChangeVerb,
    /// Of other terms: the part of the subscription that they are for, the price and the number; else empty.
    pub element: String,
    pub price: String,
    pub quantity: i64,
    pub reason: String,
    /// As far as a refund can be.
    pub state: RefundState,
    pub asked_by: String,
    pub error: String,
    pub created_at: Timestamp,
}

/// What the provider said.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    pub id: String,
    pub event: String,
    pub kind: String,
    pub object: String,
    pub body: String,
    pub state: EventState,
    pub error: String,
    pub attempts: i64,
    pub happened_at: Timestamp,
    pub received_at: Timestamp,
}
