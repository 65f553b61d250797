//! Whoever takes the money: what this application asks of him, whether he is the real one or the sandbox.

mod connection;
mod form;
mod kept;
mod push;
mod schedule;
pub mod signature;
mod stripe;

pub use connection::Limits;
pub use push::{Pushed, push};
pub use stripe::{API_VERSION, Stripe};

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::catalogue::{Item, Terms};
use super::entity::Price;
use super::money::{Currency, Money};
use crate::app::Core;
use crate::clock::Timestamp;
use crate::error::Result;

/// Somebody whom the provider does not know yet.
#[derive(Debug, Clone)]
pub struct NewCustomer {
    pub email: String,
    /// Our identifier, which the provider keeps.
    pub id: String,
}

/// A payment page that is to be opened.
#[derive(Debug, Clone)]
pub struct Checkout {
    pub customer: String,
    /// Our order, which comes back with the event.
    pub order: String,
    pub price: Price,
    pub quantity: i64,
    /// Of a plan; none for a pack.
    pub terms: Option<Terms>,
    pub success_url: String,
    pub cancel_url: String,
    pub promotion_codes: bool,
    pub automatic_tax: bool,
}

/// A payment page that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    pub session: String,
    /// Where it is; none when it was opened before and is closed by now.
    pub url: Option<String>,
}

/// What is to become of a subscription.
#[derive(Debug, Clone)]
pub enum Change {
    /// To another price or number of seats: now, with what it costs more for the rest of the period, or from the next
    /// period on.
    Terms {
        element: String,
        price: Price,
        quantity: i64,
        at_once: bool,
    },
    CancelAtEnd,
    CancelNow {
        reason: String,
    },
    /// Takes back what was to begin with the next period.
    Stay,
    /// Takes back that it ends.
    GoOn,
    Pause,
    Unpause,
}

/// Other terms whose price is asked for.
#[derive(Debug, Clone)]
pub struct NewTerms {
    pub element: String,
    pub price: Price,
    pub quantity: i64,
}

/// Money that is to go back.
#[derive(Debug, Clone)]
pub struct RefundRequest {
    pub customer: String,
    pub intent: String,
    pub amount: i64,
    /// Our record of it, which the provider keeps.
    pub record: String,
    pub asked_at: Timestamp,
}

/// The provider's objects that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Customer,
    Product,
    Price,
    Session,
    Subscription,
    Invoice,
    Charge,
    /// A movement of money, of which only its own state is read.
    Intent,
    Dispute,
    Refund,
}

/// One list of the provider's, from an object on.
#[derive(Debug, Clone)]
pub struct Listing<'a> {
    pub kind: Kind,
    /// The last object of the part before.
    pub after: Option<&'a str>,
    /// Only what was made since then, in seconds since 1970.
    pub since: i64,
}

/// A part of a list.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    pub objects: Vec<Value>,
    pub has_more: bool,
}

/// Whoever takes the money. Each request that changes something has a key: the same key does it once.
pub trait Provider: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    /// Why no such amount is asked for or given back, where the provider takes only some of a currency's.
    fn refuses(&self, money: Money) -> Option<String>;

    /// The price under which `item` is sold for `currency`.
    fn price<'a>(
        &'a self,
        core: &'a Core,
        item: &'a Item,
        currency: Currency,
    ) -> BoxFuture<'a, Result<Price>>;

    fn create_customer<'a>(
        &'a self,
        core: &'a Core,
        new: &'a NewCustomer,
        key: &'a str,
    ) -> BoxFuture<'a, Result<String>>;

    /// Deletes somebody with all that he is known by; who is gone already is gone.
    fn delete_customer<'a>(
        &'a self,
        core: &'a Core,
        customer: &'a str,
    ) -> BoxFuture<'a, Result<()>>;

    fn open_checkout<'a>(
        &'a self,
        core: &'a Core,
        checkout: &'a Checkout,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Opened>>;

    /// Closes a payment page on which nothing was paid.
    fn expire_checkout<'a>(
        &'a self,
        core: &'a Core,
        session: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<()>>;

    /// Gives the subscription as it is then.
    fn change<'a>(
        &'a self,
        core: &'a Core,
        subscription: &'a str,
        change: &'a Change,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Value>>;

    /// The invoice that other terms, begun at once, would make now. Nothing changes.
    fn preview<'a>(
        &'a self,
        core: &'a Core,
        subscription: &'a str,
        terms: &'a NewTerms,
    ) -> BoxFuture<'a, Result<Value>>;

    /// Gives the refund.
    fn refund<'a>(
        &'a self,
        core: &'a Core,
        request: &'a RefundRequest,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Value>>;

    /// The address of the page on which the buyer changes his card and sees his invoices.
    fn portal<'a>(
        &'a self,
        core: &'a Core,
        customer: &'a str,
        back: &'a str,
    ) -> BoxFuture<'a, Result<String>>;

    /// An object as it is now; none when there is no such object.
    fn read<'a>(
        &'a self,
        core: &'a Core,
        kind: Kind,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Value>>>;

    fn list<'a>(
        &'a self,
        core: &'a Core,
        listing: &'a Listing<'a>,
    ) -> BoxFuture<'a, Result<Listed>>;
}
