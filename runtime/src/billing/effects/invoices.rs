//! Invoices: what a period or a change of plan brings, and renewals that fail.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::catalogue::Catalogue;
use super::super::entity::{
    Customer, EventState, Payment, PaymentId, PaymentKind, PaymentState, Price,
};
use super::super::money::Money;
use super::super::objects::{Invoice, Reason, is_written_off};
use super::super::provider::Kind;
use super::super::store::Part;
use super::super::{letters, rules, store};
use super::{Closing, ignore, losses, periods, subscriptions};
use crate::app::Core;
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
    if !is_ours(closing, &invoice).await? {
        return ignore(closing).await;
    }
    let is_unlinked = invoice.amount_paid > 0 && body.pointer("/payments/data").is_none();
    if is_unlinked || invoice.is_cut_off {
        body = closing.fresh(Kind::Invoice, &invoice.id, told).await?;
        invoice = Invoice::read(&body)?;
    }
    if invoice.is_cut_off {
        let fault = anyhow::anyhow!(
            "invoice {} has more lines or payments than are read",
            invoice.id
        );
        return Err(Error::internal(fault));
    }
    let core = closing.core;
    let provider = closing.billing()?.provider()?.name();
    let sold = Sold::read(closing).await?;
    let grants = rules::grants(&invoice, &sold.prices);
    let grants =
        grants.map_err(|why| Error::internal(anyhow::anyhow!("invoice {}: {why}", invoice.id)))?;
    let (intents, parts) = movements(&invoice);
    in_transaction!(core.db(), tx => {
        if !closing.begin(tx).await? {
            return Ok(());
        }
        for intent in &intents {
            store::lock_name(tx, &format!("intent:{intent}")).await?;
        }
        let Some(customer) = owner_of(tx, provider, &invoice).await? else {
            return closing.end(tx, EventState::Ignored).await;
        };
        let payment = keep(core, tx, (&customer, &invoice, &body), PaymentState::Paid, &sold).await?;
        store::keep_parts(tx, &payment.id, &parts).await?;
        if let Some((price, quantity)) = terms_of(&invoice) {
            store::note_terms(tx, &payment, (price, quantity)).await?;
        }
        for grant in &grants {
            periods::put_in_period(core, tx, &customer, (&payment, grant)).await?;
        }
        if let Some(subscription) = &invoice.subscription {
            subscriptions::refresh(tx, subscription).await?;
        }
        losses::settle_payment(core, tx, &payment).await?;
        closing.end(tx, EventState::Done).await
    })
}

/// By which movements of money an invoice was paid: their names in the order in which they are locked, and what came by
/// each, where there were several.
fn movements(invoice: &Invoice) -> (BTreeSet<String>, Vec<Part>) {
    let part = |(intent, amount): &(String, i64)| Part {
        intent: intent.clone(),
        amount: *amount,
    };
    let parts: Vec<_> = invoice.parts.iter().map(part).collect();
    let intents = parts.iter().map(|part| part.intent.clone());
    (intents.chain(invoice.intent.clone()).collect(), parts)
}

/// An invoice that could not be paid, that its owner has to confirm, or that nobody waits for any more.
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
        let known = store::payment_of(tx.conn(), &invoice.id).await?;
        let was_written_off = known.as_ref().is_some_and(|known| is_written_off(&known.body));
        let is_news = if invoice.is_written_off { known.is_some() } else { !was_written_off };
        if !is_news {
            // What is told late of an invoice that is over, or what was never told of it.
            return closing.end(tx, EventState::Done).await;
        }
        let payment = keep(core, tx, (&customer, &invoice, body), PaymentState::Failed, &sold).await?;
        if let Some(subscription) = &invoice.subscription {
            subscriptions::refresh(tx, subscription).await?;
        }
        // One letter an attempt, however often it is told.
        let notice = format!("notice:{}:{}", invoice.id, invoice.attempts);
        let is_told = !invoice.is_written_off;
        if is_told && payment.state == PaymentState::Failed && store::advance_version(tx, &notice, 0).await? {
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
    } else if invoice.attempts > 0 || invoice.is_written_off {
        failed(closing, body).await
    } else {
        Ok(())
    }
}

/// Whether an invoice is a customer's of ours. What else is sold under the same account has prices of its own.
async fn is_ours(closing: &Closing<'_>, invoice: &Invoice) -> Result<bool> {
    let provider = closing.billing()?.provider()?.name();
    let name = invoice.customer.as_deref().unwrap_or_default();
    let mut snapshot = closing.core.db().snapshot().await?;
    let found = store::customer_named(snapshot.conn(), provider, name).await?;
    Ok(found.is_some())
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
