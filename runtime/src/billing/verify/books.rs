//! Our own books: each payment with its refunds, its disputes, its lots and the ledger.

use std::collections::BTreeSet;

use sqlx::AnyConnection;

use super::Report;
use crate::app::Core;
use crate::billing::entity::{PaidLot, Payment, PaymentKind, PaymentState, Price};
use crate::billing::objects::Invoice;
use crate::billing::setup::Billing;
use crate::billing::{rules, store};
use crate::credits::{self, Credits};
use crate::error::Result;

/// How many payments are read together.
const AT_ONCE: i64 = 500;

pub(super) async fn check(core: &Core, report: &mut Report) -> Result<()> {
    let provider = core.state::<Billing>()?;
    let prices = match provider.provider() {
        Ok(provider) => store::prices(core.db(), provider.name()).await?,
        Err(_) => Vec::new(),
    };
    let mut after = String::new();
    loop {
        let batch = store::all_payments(core.db(), &after, AT_ONCE).await?;
        let Some(last) = batch.last() else {
            return Ok(());
        };
        last.id.as_str().clone_into(&mut after);
        for payment in &batch {
            report.payments += 1;
            check_payment(core, payment, (&prices, report)).await?;
        }
    }
}

async fn check_payment(
    core: &Core,
    payment: &Payment,
    (prices, report): (&[Price], &mut Report),
) -> Result<()> {
    let mut snapshot = core.db().snapshot().await?;
    let lots = store::lots_of(snapshot.conn(), &payment.id).await?;
    let expected = expected(snapshot.conn(), payment, prices).await?;
    let gone = gone(snapshot.conn(), payment).await?;
    drop(snapshot);
    check_money(payment, gone, report);
    check_lots(payment, &lots, report);
    let object = payment.object.as_str();
    match expected {
        Ok(expected) => {
            let roots: BTreeSet<_> = lots
                .iter()
                .filter(|lot| lot.restores.is_none())
                .map(|lot| lot.source.clone())
                .collect();
            for source in expected.difference(&roots) {
                report.tell(object, format!("it was paid, and {source} brought nothing"));
            }
            for source in roots.difference(&expected) {
                report.tell(object, format!("it is not worth what {source} brought"));
            }
        }
        Err(why) => report.tell(object, why),
    }
    for lot in lots.iter().filter(|lot| !lot.is_over) {
        check_ledger(core, (object, lot), report).await?;
    }
    Ok(())
}

/// The sources of what a payment should have brought; or why that cannot be said.
async fn expected(
    connection: &mut AnyConnection,
    payment: &Payment,
    prices: &[Price],
) -> Result<Result<BTreeSet<String>, String>> {
    if !was_made(payment) {
        return Ok(Ok(BTreeSet::new()));
    }
    if payment.kind == PaymentKind::Pack {
        let order = store::order_of_session(connection, &payment.object).await?;
        return Ok(match order {
            Some(order) => Ok([format!("{}:{}", payment.object, order.price)].into()),
            None => Err("it belongs to no order".into()),
        });
    }
    let invoice = Invoice::read(&payment.body)?;
    let grants = rules::grants(&invoice, prices);
    Ok(grants.map(|grants| grants.into_iter().map(|grant| grant.source).collect()))
}

fn was_made(payment: &Payment) -> bool {
    !matches!(payment.state, PaymentState::Pending | PaymentState::Failed)
}

/// What charges and disputes say went back of a payment, by refunds and by disputes.
async fn gone(connection: &mut AnyConnection, payment: &Payment) -> Result<(i64, i64)> {
    if payment.intent.is_none() || !was_made(payment) {
        return Ok((0, 0));
    }
    store::losses(connection, payment).await
}

fn check_money(payment: &Payment, (refunded, disputed): (i64, i64), report: &mut Report) {
    let object = payment.object.as_str();
    if payment.refunded + payment.disputed > payment.money.minor {
        report.tell(object, "more of it went back than was paid");
    }
    for (what, ours, theirs) in [
        ("refunded", payment.refunded, refunded),
        ("disputed", payment.disputed, disputed),
    ] {
        if ours != theirs {
            report.tell(
                object,
                format!("{ours} of it are {what}, and its charges say {theirs}"),
            );
        }
    }
    let state = rules::paid_state(payment.money.minor, payment.refunded, payment.disputed);
    if was_made(payment) && payment.state != state {
        let (ours, theirs) = (payment.state.as_str(), state.as_str());
        report.tell(object, format!("it is {ours} and should be {theirs}"));
    }
}

fn check_lots(payment: &Payment, lots: &[PaidLot], report: &mut Report) {
    let object = payment.object.as_str();
    if !was_made(payment) && !lots.is_empty() {
        report.tell(object, "it was not paid and brought credits");
    }
    for root in lots.iter().filter(|lot| lot.restores.is_none()) {
        let family: Vec<&PaidLot> = lots
            .iter()
            .filter(|lot| lot.source == root.source || lot.restores.as_ref() == Some(&root.source))
            .collect();
        let target = rules::share(root.credits, payment.lost(), payment.money.minor);
        if let Some(open) = rules::settle(&family, target) {
            report.tell(
                object,
                format!("its credits do not follow its money: {open:?} is missing"),
            );
        }
    }
}

/// What the ledger has of a lot. What restores another may be less than was taken, where it was spent.
async fn check_ledger(
    core: &Core,
    (object, lot): (&str, &PaidLot),
    report: &mut Report,
) -> Result<()> {
    let granted = credits::actions::granted_for(core, &lot.source).await?;
    let is_restored = lot.restores.is_some();
    match granted {
        Some(granted) if granted == lot.credits || (is_restored && granted <= lot.credits) => {}
        Some(granted) => {
            let (source, credits): (_, Credits) = (&lot.source, lot.credits);
            report.tell(
                object,
                format!("{source} brought {granted} instead of {credits}"),
            );
        }
        None => report.tell(
            object,
            format!("the ledger knows nothing of {}", lot.source),
        ),
    }
    Ok(())
}
