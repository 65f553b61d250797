//! Setting out to buy: the order is written down, then the payment page is opened with the order's key, so that a
//! request that broke off goes on where it was.

use super::{customer, name_of};
use crate::app::Core;
use crate::auth;
use crate::billing::catalogue::{Item, MOST_SEATS};
use crate::billing::entity::{Customer, Order, OrderId, OrderState, Price};
use crate::billing::money::{Currency, Money};
use crate::billing::provider::{Checkout, Opened};
use crate::billing::setup::Billing;
use crate::billing::{rules, store};
use crate::error::{Error, Result};
use crate::http::Principal;
use crate::in_transaction;

/// What somebody wants to buy.
#[derive(Debug, Clone)]
pub struct Wish {
    pub item: String,
    pub currency: Currency,
    pub quantity: i64,
    /// The form's: sent twice, it is one order.
    pub key: String,
}

/// How often an older payment page is closed to make room.
const CLOSINGS: u32 = 3;

/// Writes the order down and gives the address of its payment page.
///
/// # Errors
/// 403 `email_unconfirmed`, 404 for what is not sold, 409 `subscribed` beside a subscription, 503 when the provider does not answer.
pub async fn buy(core: &Core, person: &Principal, wish: &Wish) -> Result<String> {
    auth::actions::require_verified(core, &person.id).await?;
    let billing = core.state::<Billing>()?;
    let catalogue = billing.catalogue(core).await?;
    let item = catalogue.item(&wish.item).ok_or_else(Error::not_found)?;
    check_quantity(item, wish.quantity)?;
    item.price(wish.currency).ok_or_else(Error::not_found)?;
    let price = billing.provider()?.price(core, item, wish.currency).await?;
    let customer = customer(core, person).await?;
    for _ in 0..CLOSINGS {
        match place(core, &customer, (item, &price), wish).await? {
            Placed::Order(order) => return open(core, &customer, (item, &price), &order).await,
            Placed::Beside(older) => close(core, &customer, (item, &price), &older).await?,
        }
    }
    Err(Error::conflict(
        "busy",
        "Another payment page is being opened. Try again in a moment.",
    ))
}

/// Several at once are sold of what is sold by the seat.
pub(super) fn check_quantity(item: &Item, quantity: i64) -> Result<()> {
    let most = if item.terms().is_some_and(|terms| terms.per_seat) {
        MOST_SEATS
    } else {
        1
    };
    if (1..=most).contains(&quantity) {
        return Ok(());
    }
    Err(Error::unprocessable(format!(
        "Choose a number from 1 to {most}."
    )))
}

enum Placed {
    Order(Order),
    /// This one must be closed first.
    Beside(Order),
}

async fn place(
    core: &Core,
    customer: &Customer,
    (item, price): (&Item, &Price),
    wish: &Wish,
) -> Result<Placed> {
    let now = core.now();
    let credits = rules::times(price.credits, wish.quantity);
    let minor = price.money.minor.saturating_mul(wish.quantity);
    let new = Order {
        id: OrderId::new(now),
        customer: customer.id.clone(),
        is_plan: item.terms().is_some(),
        item: item.id.clone(),
        price: price.price.clone(),
        quantity: wish.quantity,
        money: Money::new(minor, price.money.currency),
        credits,
        state: OrderState::Open,
        session: None,
        url: None,
        created_at: now,
    };
    in_transaction!(core.db(), tx => {
        store::lock_customer(tx, &customer.id).await?;
        if let Some(known) = store::order_by_key(tx.conn(), &customer.id, &wish.key).await? {
            let is_same = known.item == new.item && known.quantity == new.quantity && known.money == new.money;
            return if is_same { Ok(Placed::Order(known)) } else { Err(Error::idempotency_key_reused()) };
        }
        if new.is_plan {
            let all = store::subscriptions_seen(tx.conn(), &customer.id).await?;
            if all.iter().any(|row| rules::is_live(&row.status)) {
                return Err(subscribed());
            }
            if let Some(open) = store::open_plan_order(tx.conn(), &customer.id).await? {
                let is_same = open.price == new.price && open.quantity == new.quantity;
                return Ok(if is_same { Placed::Order(open) } else { Placed::Beside(open) });
            }
        }
        store::insert_order(tx, &new, &wish.key).await?;
        Ok(Placed::Order(new.clone()))
    })
}

fn subscribed() -> Error {
    Error::conflict(
        "subscribed",
        "You have a subscription. Change its plan instead of taking a second one.",
    )
}

async fn open(
    core: &Core,
    customer: &Customer,
    (item, price): (&Item, &Price),
    order: &Order,
) -> Result<String> {
    if let Some(url) = &order.url {
        return Ok(url.clone());
    }
    let opened = open_page(core, customer, (item, price), order).await?;
    let now = core.now();
    in_transaction!(core.db(), tx => {
        store::open_order(tx, &order.id, (&opened.session, &opened.url), now).await
    })?;
    Ok(opened.url)
}

async fn open_page(
    core: &Core,
    customer: &Customer,
    (item, price): (&Item, &Price),
    order: &Order,
) -> Result<Opened> {
    let billing = core.state::<Billing>()?;
    let catalogue = billing.catalogue(core).await?;
    let site = &core.config().url;
    let checkout = Checkout {
        customer: name_of(customer)?.to_owned(),
        order: order.id.to_string(),
        price: price.clone(),
        quantity: order.quantity,
        terms: item.terms(),
        success_url: format!("{site}/billing/orders/{}?done=1", order.id),
        cancel_url: format!("{site}/billing/orders/{}", order.id),
        promotion_codes: catalogue.promotion_codes,
        automatic_tax: catalogue.automatic_tax,
    };
    let key = format!("order:{}", order.id);
    billing
        .provider()?
        .open_checkout(core, &checkout, &key)
        .await
}

/// Closes the page of an order that another one takes the place of.
async fn close(
    core: &Core,
    customer: &Customer,
    sold: (&Item, &Price),
    older: &Order,
) -> Result<()> {
    let billing = core.state::<Billing>()?;
    let session = match &older.session {
        Some(session) => session.clone(),
        // It broke off while its page was being opened: the same key tells which page that is.
        None => match billing.catalogue(core).await?.item(&older.item) {
            Some(item) => {
                let price = Price {
                    price: older.price.clone(),
                    ..sold.1.clone()
                };
                open_page(core, customer, (item, &price), older)
                    .await?
                    .session
            }
            None => return Err(Error::conflict("busy", "Another payment page is open.")),
        },
    };
    let key = format!("expire:{}", older.id);
    billing
        .provider()?
        .expire_checkout(core, &session, &key)
        .await?;
    let now = core.now();
    in_transaction!(core.db(), tx => store::move_order(tx, &older.id, OrderState::Expired, now).await)
}
