//! Invoices: what a period or a change of plan brings, and renewals that fail.

use serde_json::Value;

use super::super::catalogue::Catalogue;
use super::super::entity::{
    Customer, EventState, PaidLot, Payment, PaymentId, PaymentKind, PaymentState, Price,
};
use super::super::money::Money;
use super::super::objects::{Invoice, Reason};
use super::super::provider::Kind;
use super::super::{letters, put_in, rules, store};
use super::{Closing, losses, subscriptions};
use crate::app::Core;
use crate::credits::{Grant, Ledger, LotRef, Note};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::in_transaction;

/// What is sold, and was.
struct Sold {
    prices: Vec<Price>,
    catalogue: std::sync::Arc<Catalogue>,
}

impl Sold {
    async fn read(closing: &Closing<'_>) -> Result<Self> {
        let billing = closing.billing()?;
        let provider = billing.provider()?.name();
        Ok(Self {
            prices: store::prices(closing.core.db(), provider).await?,
            catalogue: billing.catalogue(closing.core).await?,
        })
    }
}

/// An invoice that was paid.
pub(super) async fn paid(closing: &Closing<'_>, told: &Value) -> Result<()> {
    let mut body = told.clone();
    let mut invoice = Invoice::read(&body)?;
    let is_unlinked = invoice.intent.is_none() && invoice.amount_paid > 0;
    if is_unlinked || invoice.has_more_lines {
        body = closing.fresh(Kind::Invoice, &invoice.id, told).await?;
        invoice = Invoice::read(&body)?;
    }
    if invoice.has_more_lines {
        let fault = anyhow::anyhow!("invoice {} has more lines than are read", invoice.id);
        return Err(Error::internal(fault));
    }
    let core = closing.core;
    let provider = closing.billing()?.provider()?.name();
    let sold = Sold::read(closing).await?;
    let grants = rules::grants(&invoice, &sold.prices);
    let grants =
        grants.map_err(|why| Error::internal(anyhow::anyhow!("invoice {}: {why}", invoice.id)))?;
    in_transaction!(core.db(), tx => {
        if !closing.begin(tx).await? {
            return Ok(());
        }
        if let Some(intent) = &invoice.intent {
            store::lock_name(tx, &format!("intent:{intent}")).await?;
        }
        let Some(customer) = owner_of(tx, provider, &invoice).await? else {
            return closing.end(tx, EventState::Ignored).await;
        };
        let payment = keep(core, tx, (&customer, &invoice, &body), PaymentState::Paid, &sold).await?;
        if let Some((price, quantity)) = terms_of(&invoice) {
            store::note_terms(tx, &payment, (price, quantity)).await?;
        }
        for grant in &grants {
            put_in_period(core, tx, &customer, (&payment, grant)).await?;
        }
        if let Some(subscription) = &invoice.subscription {
            subscriptions::refresh(tx, subscription).await?;
        }
        losses::settle_payment(core, tx, &payment).await?;
        closing.end(tx, EventState::Done).await
    })
}

/// An invoice that could not be paid, or that its owner has to confirm.
pub(super) async fn failed(closing: &Closing<'_>, body: &Value) -> Result<()> {
    let invoice = Invoice::read(body)?;
    let core = closing.core;
    let provider = closing.billing()?.provider()?.name();
    let sold = Sold::read(closing).await?;
    in_transaction!(core.db(), tx => {
        if !closing.begin(tx).await? {
            return Ok(());
        }
        let Some(customer) = owner_of(tx, provider, &invoice).await? else {
            return closing.end(tx, EventState::Ignored).await;
        };
        let payment = keep(core, tx, (&customer, &invoice, body), PaymentState::Failed, &sold).await?;
        if let Some(subscription) = &invoice.subscription {
            subscriptions::refresh(tx, subscription).await?;
        }
        // One letter an attempt, however often it is told.
        let notice = format!("notice:{}:{}", invoice.id, invoice.attempts);
        if payment.state == PaymentState::Failed && store::advance_version(tx, &notice, 0).await? {
            letters::payment_failed(core, tx, &customer, &payment).await?;
        }
        closing.end(tx, EventState::Done).await
    })
}

/// An invoice as it is now.
pub(super) async fn take_in(closing: &Closing<'_>, body: &Value) -> Result<()> {
    let invoice = Invoice::read(body)?;
    if invoice.is_paid {
        paid(closing, body).await
    } else if invoice.attempts > 0 {
        failed(closing, body).await
    } else {
        Ok(())
    }
}

/// The customer whose invoice it is, locked.
async fn owner_of(tx: &mut Tx, provider: &str, invoice: &Invoice) -> Result<Option<Customer>> {
    let name = invoice.customer.as_deref().unwrap_or_default();
    match store::customer_named(tx.conn(), provider, name).await? {
        Some(customer) => store::lock_customer(tx, &customer.id).await.map(Some),
        None => {
            tracing::warn!(invoice = invoice.id, "an invoice belongs to nobody here");
            Ok(None)
        }
    }
}

/// What the subscription is to from this invoice on: the last line that is not given back says it.
fn terms_of(invoice: &Invoice) -> Option<(&str, i64)> {
    let line = invoice.lines.iter().rfind(|line| line.amount >= 0)?;
    Some((line.price.as_deref()?, line.quantity))
}

/// Keeps the invoice as a payment and gives it as it stands then.
async fn keep(
    core: &Core,
    tx: &mut Tx,
    (customer, invoice, body): (&Customer, &Invoice, &Value),
    state: PaymentState,
    sold: &Sold,
) -> Result<Payment> {
    let now = core.now();
    let is_paid = state == PaymentState::Paid;
    let line = invoice.lines.iter().rfind(|line| line.amount >= 0);
    let price = line.and_then(|line| {
        sold.prices
            .iter()
            .find(|price| Some(&price.price) == line.price.as_ref())
    });
    let item = price.map(|price| price.item.clone()).unwrap_or_default();
    let (kind, what) = match invoice.reason {
        Reason::Update => (PaymentKind::Change, "change of plan"),
        Reason::Create => (PaymentKind::Subscription, "first period"),
        Reason::Cycle | Reason::Other => (PaymentKind::Subscription, "renewal"),
    };
    let amount = if is_paid {
        invoice.amount_paid
    } else {
        invoice.amount_due
    };
    let payment = Payment {
        id: PaymentId::new(now),
        object: invoice.id.clone(),
        customer: customer.id.clone(),
        kind,
        subscription: invoice.subscription.clone(),
        description: format!("{}: {what}", sold.catalogue.name_of(&item)),
        item,
        money: Money::new(amount.max(0), invoice.currency),
        refunded: 0,
        disputed: 0,
        state,
        intent: invoice.intent.clone(),
        number: invoice.number.clone(),
        body: body.clone(),
        created_at: invoice.created_at,
        paid_at: is_paid.then(|| invoice.paid_at.unwrap_or(invoice.created_at)),
    };
    store::keep_payment(tx, &payment, now).await?;
    let kept = store::payment_of(tx.conn(), &invoice.id).await?;
    kept.ok_or_else(|| Error::internal(anyhow::anyhow!("a payment was not kept")))
}

/// Puts in what a period brings, ends what earlier periods of the subscription left, and brings nothing where a later
/// period has begun.
async fn put_in_period(
    core: &Core,
    tx: &mut Tx,
    customer: &Customer,
    (payment, grant): (&Payment, &rules::Grant),
) -> Result<()> {
    let subscription = payment.subscription.clone().unwrap_or_default();
    let others = store::lots_of_subscription(tx.conn(), &subscription).await?;
    let (start, end) = grant.period;
    let is_followed = others
        .iter()
        .filter_map(|lot| lot.period)
        .any(|(next, _)| next >= end);
    let lot = PaidLot {
        source: grant.source.clone(),
        payment: payment.id.clone(),
        subscription: Some(subscription),
        restores: None,
        credits: grant.credits,
        taken: Default::default(),
        revoked: Default::default(),
        period: Some(grant.period),
        is_over: is_followed || end <= core.now(),
    };
    let granted = Grant::subscription(grant.credits, end);
    put_in(core, tx, customer, (&lot, granted, &payment.description)).await?;
    let owner = customer.credits_owner();
    for old in others.iter().filter(|lot| !lot.is_over) {
        let is_past = old.period.is_some_and(|(_, old_end)| old_end <= start);
        if is_past {
            let note = Note::system(format!("end:{}", old.source), "The next period has begun");
            let source = LotRef::Source(&old.source);
            Ledger::new(core, tx, core.now())
                .end(&owner, source, &note)
                .await?;
            store::mark_lot_over(tx, &old.source).await?;
        }
    }
    Ok(())
}
