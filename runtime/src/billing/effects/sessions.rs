//! Payment pages: what was bought there once.

use serde_json::Value;
use sqlx::AnyConnection;

use super::super::catalogue::Catalogue;
use super::super::entity::{
    EventState, Order, OrderState, PaidLot, Payment, PaymentId, PaymentKind, PaymentState,
};
use super::super::objects::{self, Event, Session, Subscription};
use super::super::provider::Kind;
use super::super::{letters, put_in, rules, store};
use super::{Closing, losses};
use crate::credits::Grant;
use crate::db::Tx;
use crate::error::Result;
use crate::in_transaction;

/// What became of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Paid,
    OnItsWay,
    Failed,
    Expired,
}

pub(super) async fn apply(closing: &Closing<'_>, event: &Event) -> Result<()> {
    let session = Session::read(&event.body)?;
    let outcome = match event.kind.as_str() {
        "checkout.session.expired" => Outcome::Expired,
        "checkout.session.async_payment_failed" => Outcome::Failed,
        _ if session.is_paid => Outcome::Paid,
        _ => Outcome::OnItsWay,
    };
    settle(closing, &session, &event.body, outcome).await
}

/// A page as it is now. It does not say whether a payment that is not there is on its way or came to nothing: what it
/// was to be paid with does.
pub(super) async fn take_in(closing: &Closing<'_>, body: &Value) -> Result<()> {
    let session = Session::read(body)?;
    let outcome = match session.status.as_str() {
        "expired" => Outcome::Expired,
        "complete" if session.is_paid => Outcome::Paid,
        "complete" if came_to_nothing(closing, &session).await? => Outcome::Failed,
        "complete" => Outcome::OnItsWay,
        _ => return Ok(()),
    };
    settle(closing, &session, body, outcome).await
}

/// Whether nothing will come any more of what a page left unpaid. What is known to have failed is not asked for again.
async fn came_to_nothing(closing: &Closing<'_>, session: &Session) -> Result<bool> {
    let core = closing.core;
    let mut snapshot = core.db().snapshot().await?;
    let order = find_order(snapshot.conn(), session).await?;
    drop(snapshot);
    match order {
        None => return Ok(false),
        Some(order) if order.state == OrderState::Failed => return Ok(true),
        Some(_) => {}
    }
    let billing = closing.billing()?;
    let provider = billing.provider()?;
    if let Some(id) = &session.subscription {
        let read = provider.read(core, Kind::Subscription, id).await?;
        let subscription = read.as_ref().map(Subscription::read).transpose()?;
        return Ok(subscription.is_some_and(|read| !rules::is_live(&read.status)));
    }
    let Some(id) = &session.intent else {
        return Ok(false);
    };
    let intent = provider.read(core, Kind::Intent, id).await?;
    Ok(intent.as_ref().is_some_and(objects::came_to_nothing))
}

async fn settle(
    closing: &Closing<'_>,
    session: &Session,
    body: &Value,
    outcome: Outcome,
) -> Result<()> {
    let core = closing.core;
    let catalogue = closing.billing()?.catalogue(core).await?;
    in_transaction!(core.db(), tx => {
        if !closing.begin(tx).await? {
            return Ok(());
        }
        if let Some(intent) = &session.intent {
            store::lock_name(tx, &format!("intent:{intent}")).await?;
        }
        let Some(order) = find_order(tx.conn(), session).await? else {
            // A page that somebody opened by hand at the provider.
            tracing::warn!(session = session.id, "a payment belongs to no order");
            return closing.end(tx, EventState::Ignored).await;
        };
        let customer = store::lock_customer(tx, &order.customer).await?;
        if let Some(name) = &session.customer {
            store::name_customer(tx, &customer.id, name).await?;
        }
        record(closing, tx, (&order, session, body, &catalogue), outcome).await?;
        closing.end(tx, EventState::Done).await
    })
}

async fn find_order(connection: &mut AnyConnection, session: &Session) -> Result<Option<Order>> {
    if let Some(order) = store::order_of_session(&mut *connection, &session.id).await? {
        return Ok(Some(order));
    }
    match &session.order {
        Some(id) => store::order_by_id(connection, id).await,
        None => Ok(None),
    }
}

async fn record(
    closing: &Closing<'_>,
    tx: &mut Tx,
    (order, session, body, catalogue): (&Order, &Session, &Value, &Catalogue),
    outcome: Outcome,
) -> Result<()> {
    let core = closing.core;
    let now = core.now();
    match outcome {
        Outcome::Paid => store::mark_order_paid(tx, &order.id, now).await?,
        Outcome::OnItsWay => store::move_order(tx, &order.id, OrderState::Pending, now).await?,
        Outcome::Failed => store::move_order(tx, &order.id, OrderState::Failed, now).await?,
        Outcome::Expired => store::move_order(tx, &order.id, OrderState::Expired, now).await?,
    }
    // What a subscription costs is told by its invoices.
    if order.is_plan {
        if let Some(subscription) = &session.subscription {
            store::link_order(tx, &order.id, subscription).await?;
        }
        return Ok(());
    }
    // As the order stands now, which earlier and later events have had their say in.
    let order = store::order_by_id(tx.conn(), order.id.as_str())
        .await?
        .unwrap_or_else(|| order.clone());
    let state = match order.state {
        OrderState::Paid => PaymentState::Paid,
        OrderState::Pending => PaymentState::Pending,
        OrderState::Failed => PaymentState::Failed,
        OrderState::Open | OrderState::Expired => return Ok(()),
    };
    let name = catalogue.name_of(&order.item);
    let payment = payment(&order, session, body, state);
    let payment = Payment {
        description: describe(&order, &name),
        paid_at: (state == PaymentState::Paid).then_some(now),
        id: PaymentId::new(now),
        ..payment
    };
    store::keep_payment(tx, &payment, now).await?;
    let customer = store::lock_customer(tx, &order.customer).await?;
    if outcome == Outcome::Failed && state == PaymentState::Failed {
        // One letter a page, however often it is told.
        let notice = format!("notice:{}", session.id);
        if store::advance_version(tx, &notice, 0).await? {
            letters::purchase_failed(core, tx, &customer, &payment).await?;
        }
    }
    if outcome != Outcome::Paid {
        return Ok(());
    }
    let Some(payment) = store::payment_of(tx.conn(), &session.id).await? else {
        return Ok(());
    };
    let lot = PaidLot {
        source: format!("{}:{}", session.id, order.price),
        payment: payment.id.clone(),
        subscription: None,
        restores: None,
        credits: order.credits,
        taken: Default::default(),
        revoked: Default::default(),
        period: None,
        is_over: false,
    };
    put_in(
        core,
        tx,
        &customer,
        (&lot, Grant::purchase(order.credits), &payment.description),
    )
    .await?;
    losses::settle_payment(core, tx, &payment).await
}

fn payment(order: &Order, session: &Session, body: &Value, state: PaymentState) -> Payment {
    Payment {
        id: PaymentId::from(String::new()),
        object: session.id.clone(),
        customer: order.customer.clone(),
        kind: PaymentKind::Pack,
        subscription: None,
        item: order.item.clone(),
        description: String::new(),
        money: super::super::money::Money::new(session.amount.max(0), session.currency),
        refunded: 0,
        disputed: 0,
        state,
        intent: session.intent.clone(),
        number: String::new(),
        body: body.clone(),
        created_at: session.created_at,
        paid_at: None,
    }
}

fn describe(order: &Order, name: &str) -> String {
    match order.quantity {
        1 => format!("{name}: {}", order.credits.in_words()),
        count => format!("{count} × {name}: {}", order.credits.in_words()),
    }
}
