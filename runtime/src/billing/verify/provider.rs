//! Our books against the provider's own objects.

use std::collections::{BTreeMap, BTreeSet};

use super::Report;
use crate::app::Core;
use crate::billing::entity::{PaymentState, RefundState};
use crate::billing::objects::{Charge, Dispute, Invoice, Refund, Session, Subscription};
use crate::billing::provider::Kind;
use crate::billing::setup::Billing;
use crate::billing::sync::all;
use crate::billing::{rules, store};
use crate::error::Result;

pub(super) async fn check(core: &Core, report: &mut Report) -> Result<()> {
    check_charges(core, report).await?;
    check_disputes(core, report).await?;
    check_refunds(core, report).await?;
    check_payments(core, report).await?;
    check_subscriptions(core, report).await
}

async fn check_charges(core: &Core, report: &mut Report) -> Result<()> {
    let billing = core.state::<Billing>()?;
    let provider = billing.provider()?.name();
    let mut charges = Vec::new();
    let mut gone: BTreeMap<String, i64> = BTreeMap::new();
    for object in all(core, Kind::Charge, 0).await? {
        let charge = Charge::read(&object)?;
        report.objects += 1;
        if let Some(intent) = charge.intent.clone().filter(|_| charge.is_made) {
            *gone.entry(intent.clone()).or_default() += charge.refunded;
            charges.push((intent, charge));
        }
    }
    for (intent, charge) in charges {
        let mut snapshot = core.db().snapshot().await?;
        let payments = store::payments_by_intent(snapshot.conn(), &intent).await?;
        let name = charge.customer.as_deref().unwrap_or_default();
        let owner = store::customer_named(snapshot.conn(), provider, name).await?;
        let mut movements: BTreeSet<_> = [intent].into();
        for payment in &payments {
            let parts = store::parts_of(snapshot.conn(), payment).await?;
            movements.extend(parts.into_iter().map(|part| part.intent));
        }
        drop(snapshot);
        let refunded: i64 = payments.iter().map(|payment| payment.refunded).sum();
        let theirs: i64 = movements.iter().filter_map(|intent| gone.get(intent)).sum();
        if payments.is_empty() && owner.is_none() {
            // Whoever is no customer of ours has bought something else.
            continue;
        }
        if payments.is_empty() {
            report.tell(&charge.id, "it was charged, and no payment is known");
        } else if refunded != theirs {
            report.tell(
                &charge.id,
                format!("{theirs} of it were refunded, and {refunded} are known"),
            );
        }
    }
    Ok(())
}

async fn check_disputes(core: &Core, report: &mut Report) -> Result<()> {
    let ours: BTreeMap<_, _> = store::all_disputes(core.db()).await?.into_iter().collect();
    for object in all(core, Kind::Dispute, 0).await? {
        let dispute = Dispute::read(&object)?;
        report.objects += 1;
        match ours.get(&dispute.id) {
            None => report.tell(&dispute.id, "nothing is known of this dispute"),
            Some(status) if *status != dispute.status => {
                let theirs = &dispute.status;
                report.tell(
                    &dispute.id,
                    format!("it is {theirs}, and {status} is known"),
                );
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Refunds that staff asked for here, with what became of them there.
async fn check_refunds(core: &Core, report: &mut Report) -> Result<()> {
    for object in all(core, Kind::Refund, 0).await? {
        let refund = Refund::read(&object)?;
        report.objects += 1;
        let Some(record) = &refund.record else {
            continue;
        };
        let mut snapshot = core.db().snapshot().await?;
        let row = store::refund(snapshot.conn(), record).await?;
        drop(snapshot);
        let theirs = RefundState::told(&refund.status);
        match row {
            None => report.tell(&refund.id, "nobody here asked for this refund"),
            Some(row) if row.state != theirs => {
                let (ours, theirs) = (row.state.as_str(), refund.status);
                report.tell(&refund.id, format!("it is {theirs}, and {ours} is known"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// What the provider was paid for, by session or invoice: whose it is, and how much.
struct Due {
    object: String,
    customer: Option<String>,
    amount: i64,
    is_paid: bool,
}

async fn dues(core: &Core) -> Result<Vec<Due>> {
    let mut dues = Vec::new();
    for object in all(core, Kind::Session, 0).await? {
        let session = Session::read(&object)?;
        dues.push(Due {
            object: session.id,
            customer: session.customer,
            amount: session.amount,
            // What a subscription costs is told by its invoices.
            is_paid: session.is_paid && session.status == "complete" && !session.is_subscription,
        });
    }
    for object in all(core, Kind::Invoice, 0).await? {
        let invoice = Invoice::read(&object)?;
        dues.push(Due {
            object: invoice.id,
            customer: invoice.customer,
            amount: invoice.amount_paid,
            is_paid: invoice.is_paid,
        });
    }
    Ok(dues)
}

async fn check_payments(core: &Core, report: &mut Report) -> Result<()> {
    let billing = core.state::<Billing>()?;
    let provider = billing.provider()?.name();
    let mut paid = BTreeSet::new();
    for due in dues(core).await? {
        report.objects += 1;
        let mut snapshot = core.db().snapshot().await?;
        let name = due.customer.as_deref().unwrap_or_default();
        let is_ours = store::customer_named(snapshot.conn(), provider, name)
            .await?
            .is_some();
        let payment = store::payment_of(snapshot.conn(), &due.object).await?;
        drop(snapshot);
        let payment = payment.filter(|payment| {
            !matches!(payment.state, PaymentState::Pending | PaymentState::Failed)
        });
        if !due.is_paid {
            continue;
        }
        match payment {
            None if is_ours => report.tell(&due.object, "it was paid, which is not known"),
            Some(payment) if payment.money.minor != due.amount => {
                let (theirs, ours) = (due.amount, payment.money.minor);
                report.tell(
                    &due.object,
                    format!("{theirs} were paid, and {ours} are known"),
                );
            }
            None | Some(_) => {}
        }
        paid.insert(due.object);
    }
    for object in store::paid_objects(core.db(), provider).await? {
        if !paid.contains(&object) {
            report.tell(&object, "it is paid here, and the provider says otherwise");
        }
    }
    Ok(())
}

async fn check_subscriptions(core: &Core, report: &mut Report) -> Result<()> {
    let billing = core.state::<Billing>()?;
    let provider = billing.provider()?.name();
    let mut seen = BTreeSet::new();
    for object in all(core, Kind::Subscription, 0).await? {
        let theirs = Subscription::read(&object)?;
        report.objects += 1;
        let mut snapshot = core.db().snapshot().await?;
        let row = store::subscription(snapshot.conn(), &theirs.id).await?;
        let owner = store::customer_named(snapshot.conn(), provider, &theirs.customer).await?;
        drop(snapshot);
        match row {
            // Whoever is no customer of ours has subscribed to something else.
            None if owner.is_none() => {}
            None => report.tell(&theirs.id, "nothing is known of this subscription"),
            Some(ours) => {
                let told = |status: &str, price: &str, quantity: i64, ends: bool| {
                    let ends = if ends { ", ending" } else { "" };
                    format!("{status} ({quantity} × {price}{ends})")
                };
                let is_known = rules::is_known(&theirs.status);
                let status = if is_known {
                    &theirs.status
                } else {
                    &ours.status
                };
                let theirs_told = told(
                    status,
                    &theirs.price,
                    theirs.quantity,
                    theirs.cancels_at_end,
                );
                let ours_told = told(
                    &ours.status,
                    &ours.price,
                    ours.quantity,
                    ours.cancels_at_end,
                );
                if theirs_told != ours_told || ours.period != theirs.period {
                    report.tell(
                        &theirs.id,
                        format!("it is {theirs_told}, and {ours_told} is known"),
                    );
                }
            }
        }
        seen.insert(theirs.id);
    }
    for id in store::live_subscriptions(core.db(), provider).await? {
        if !seen.contains(&id) {
            report.tell(&id, "the provider has no such subscription");
        }
    }
    Ok(())
}
