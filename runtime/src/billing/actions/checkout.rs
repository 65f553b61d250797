//! Setting out to buy: the order is written down, then the payment page is opened with the order's key, so that a
//! request that broke off goes on where it was.

use std::time::Duration;

use super::{customer, name_of, renewed};
use crate::app::Core;
use crate::auth;
use crate::billing::catalogue::{Item, MOST_SEATS, Terms};
use crate::billing::entity::{Customer, Order, OrderId, OrderState, Price};
use crate::billing::money::{Currency, Money};
use crate::billing::objects::Session;
use crate::billing::provider::{Checkout, Kind, Opened};
use crate::billing::setup::Billing;
use crate::billing::sync::PAGES_LIVE;
use crate::billing::{effects, rules, store};
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

/// How often an older payment page is closed, or what became of it is taken in, to make room.
const ROUNDS: u32 = 4;
/// How old a payment page is given again without a look at whether it is still open. Stripe keeps one open for a day.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// Writes the order down and gives the address of its payment page.
///
/// # Errors
/// 403 `email_unconfirmed`, 404 for what is not sold, 409 `subscribed` beside a subscription, 503 when the provider does not answer.
pub async fn buy(core: &Core, person: &Principal, wish: &Wish) -> Result<String> {
    auth::actions::require_verified(core, person)?;
    let billing = core.state::<Billing>()?;
    let catalogue = billing.catalogue(core).await?;
    let item = catalogue.item(&wish.item).ok_or_else(Error::not_found)?;
    check_quantity(item, wish.quantity)?;
    item.price(wish.currency).ok_or_else(Error::not_found)?;
    let price = billing.provider()?.price(core, item, wish.currency).await?;
    let mut customer = customer(core, person).await?;
    for _ in 0..ROUNDS {
        match place(core, &customer, (item, &price), wish).await? {
            Placed::Order(order) => match reuse(core, &order).await? {
                Reuse::Page(url) => return Ok(url),
                Reuse::NotOpened => match open(core, &customer, (item, &price), &order).await {
                    Ok(Opened { url: Some(url), .. }) => return Ok(url),
                    Ok(closed) => drop(settle(core, &order, &closed.session).await?),
                    Err(why) if why.status().is_client_error() => {
                        let new = renewed(core, person, &customer).await?;
                        customer = new.ok_or(why)?;
                    }
                    Err(why) => return Err(why),
                },
                Reuse::Settled => {}
            },
            Placed::Beside(older) => close(core, &customer, (item, &price), &older).await?,
            Placed::After(subscription) => see(core, &subscription).await?,
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
    /// An order was paid, and the subscription that it began is not known yet.
    After(String),
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
            if let Some(unseen) = store::unseen_subscription(tx.conn(), &customer.id).await? {
                return Ok(Placed::After(unseen));
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

/// What the page of an order that was placed before is good for.
enum Reuse {
    /// Whoever buys goes on here.
    Page(String),
    /// It has none yet.
    NotOpened,
    /// What became of it was taken in just now.
    Settled,
}

async fn reuse(core: &Core, order: &Order) -> Result<Reuse> {
    if order.state != OrderState::Open {
        return Ok(Reuse::Page(page_of(order, "cancel")));
    }
    let (Some(session), Some(url)) = (&order.session, &order.url) else {
        return Ok(Reuse::NotOpened);
    };
    if core.now().since(order.created_at) < FRESH || !settle(core, order, session).await? {
        return Ok(Reuse::Page(url.clone()));
    }
    Ok(Reuse::Settled)
}

/// Our own page of an order, for whoever paid (`success`) or did not.
fn page_of(order: &Order, how: &str) -> String {
    format!("/billing/checkout/{how}?order={}", order.id)
}

/// Looks at an order's page and takes in what became of it; no while it is open.
async fn settle(core: &Core, order: &Order, session: &str) -> Result<bool> {
    let billing = core.state::<Billing>()?;
    let read = billing
        .provider()?
        .read(core, Kind::Session, session)
        .await?;
    let Some(body) = read else {
        let now = core.now();
        in_transaction!(core.db(), tx => store::move_order(tx, &order.id, OrderState::Expired, now).await)?;
        return Ok(true);
    };
    if Session::read(&body)?.status == "open" {
        return Ok(false);
    }
    effects::take_in(core, Kind::Session, &body).await?;
    Ok(true)
}

/// Takes in a subscription that is not known yet.
async fn see(core: &Core, subscription: &str) -> Result<()> {
    let billing = core.state::<Billing>()?;
    let provider = billing.provider()?;
    match provider
        .read(core, Kind::Subscription, subscription)
        .await?
    {
        Some(body) => effects::take_in(core, Kind::Subscription, &body).await,
        // The provider has none: nothing stands in the way.
        None => in_transaction!(core.db(), tx => store::unlink_orders(tx, subscription).await),
    }
}

async fn open(
    core: &Core,
    customer: &Customer,
    (item, price): (&Item, &Price),
    order: &Order,
) -> Result<Opened> {
    let opened = open_page(core, customer, (item, price), order).await?;
    let now = core.now();
    in_transaction!(core.db(), tx => {
        store::open_order(tx, &order.id, (&opened.session, opened.url.as_deref()), now).await
    })?;
    Ok(opened)
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
        terms: terms(core, customer, item).await?,
        success_url: format!("{site}{}", page_of(order, "success")),
        cancel_url: format!("{site}{}", page_of(order, "cancel")),
        promotion_codes: catalogue.promotion_codes,
        automatic_tax: catalogue.automatic_tax,
    };
    let key = format!("order:{}", order.id);
    billing
        .provider()?
        .open_checkout(core, &checkout, &key)
        .await
}

/// The terms of a plan for a customer: whoever has had a subscription has tried it.
async fn terms(core: &Core, customer: &Customer, item: &Item) -> Result<Option<Terms>> {
    let Some(terms) = item.terms() else {
        return Ok(None);
    };
    let all = store::subscriptions_of(core.db(), &customer.id).await?;
    let is_new = !all.iter().any(|row| rules::has_begun(&row.status));
    let trial_days = if is_new { terms.trial_days } else { 0 };
    Ok(Some(Terms {
        trial_days,
        ..terms
    }))
}

/// Closes the page of an order that another one takes the place of.
async fn close(
    core: &Core,
    customer: &Customer,
    sold: (&Item, &Price),
    older: &Order,
) -> Result<()> {
    let billing = core.state::<Billing>()?;
    let now = core.now();
    if older.session.is_none() && now.since(older.created_at) > PAGES_LIVE {
        // Nobody was ever sent to its page, and it is closed by now.
        return in_transaction!(core.db(), tx => store::move_order(tx, &older.id, OrderState::Expired, now).await);
    }
    let session = match &older.session {
        Some(session) => session.clone(),
        // It broke off while its page was being opened: the same keys tell which page that is.
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
    let provider = billing.provider()?;
    match provider.expire_checkout(core, &session, &key).await {
        // A page that is not open cannot be closed: it ran out, or was paid.
        Err(why) if why.status().is_client_error() => {
            return match settle(core, older, &session).await? {
                true => Ok(()),
                false => Err(why),
            };
        }
        done => done?,
    }
    in_transaction!(core.db(), tx => store::move_order(tx, &older.id, OrderState::Expired, now).await)
}
