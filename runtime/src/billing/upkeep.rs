//! What holds money and ledger together over time: taking in what was missed, comparing everything with everything, and
//! bringing the catalogue to the provider.

use serde::Serialize;
use serde_json::Value;

use super::entity::{PaidLot, Payment, PaymentState};
use super::objects::{Charge, Subscription};
use super::provider::{Kind, Listed, Listing};
use super::setup::Billing;
use super::{effects, rules, store};
use crate::app::Core;
use crate::credits;
use crate::error::Result;
use crate::in_transaction;

/// In this order what comes first explains what comes later; any order would do.
const KINDS: [Kind; 8] = [
    Kind::Product,
    Kind::Price,
    Kind::Subscription,
    Kind::Session,
    Kind::Invoice,
    Kind::Charge,
    Kind::Dispute,
    Kind::Refund,
];

/// Takes in every object of the provider that was made since `since` (seconds since 1970), as it is now. Says how many
/// there were.
///
/// # Errors
/// When the provider does not answer, or something that it names is not known here.
pub async fn sync(core: &Core, since: i64) -> Result<u64> {
    let mut count = 0;
    for kind in KINDS {
        // What was sold long ago is renewed today.
        let since = match kind {
            Kind::Product | Kind::Price => 0,
            _ => since,
        };
        for object in all(core, kind, since).await? {
            effects::take_in(core, kind, &object).await?;
            count += 1;
        }
    }
    Ok(count)
}

/// Every object of a kind that was made since then.
async fn all(core: &Core, kind: Kind, since: i64) -> Result<Vec<Value>> {
    let billing = core.state::<Billing>()?;
    let provider = billing.provider()?;
    let mut found: Vec<Value> = Vec::new();
    loop {
        let after = found
            .last()
            .and_then(|last| last.get("id")?.as_str())
            .map(str::to_owned);
        let listing = Listing {
            kind,
            after: after.as_deref(),
            since,
        };
        let Listed { objects, has_more } = provider.list(core, &listing).await?;
        let is_last = !has_more || objects.is_empty();
        found.extend(objects);
        if is_last {
            return Ok(found);
        }
    }
}

/// What the auditor saw.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub payments: u64,
    pub objects: u64,
    pub findings: Vec<Finding>,
}

/// Something that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The provider's name of what it is about.
    pub object: String,
    pub what: String,
}

impl Report {
    fn tell(&mut self, object: &str, what: impl Into<String>) {
        self.findings.push(Finding {
            object: object.to_owned(),
            what: what.into(),
        });
    }
}

/// How many payments are read together.
const AT_ONCE: i64 = 500;

/// Compares payments, what went back of them, what they brought and what the ledger has; `with_provider` also with the
/// provider's own objects.
///
/// # Errors
/// When the database or the provider does not answer.
pub async fn verify(core: &Core, with_provider: bool) -> Result<Report> {
    let mut report = Report::default();
    let mut after = String::new();
    loop {
        let batch = store::all_payments(core.db(), &after, AT_ONCE).await?;
        let Some(last) = batch.last() else { break };
        last.id.as_str().clone_into(&mut after);
        for payment in &batch {
            check_payment(core, payment, &mut report).await?;
        }
    }
    for finding in credits::verify::verify(core).await?.findings {
        report.tell(&finding.account, finding.what);
    }
    if with_provider {
        check_charges(core, &mut report).await?;
        check_subscriptions(core, &mut report).await?;
    }
    Ok(report)
}

async fn check_payment(core: &Core, payment: &Payment, report: &mut Report) -> Result<()> {
    report.payments += 1;
    let object = payment.object.as_str();
    let mut snapshot = core.db().snapshot().await?;
    let lots = store::lots_of(snapshot.conn(), &payment.id).await?;
    drop(snapshot);
    let was_made = !matches!(payment.state, PaymentState::Pending | PaymentState::Failed);
    if !was_made && !lots.is_empty() {
        report.tell(object, "it was not paid and brought credits");
    }
    if payment.refunded + payment.disputed > payment.money.minor {
        report.tell(object, "more of it went back than was paid");
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
    for lot in lots
        .iter()
        .filter(|lot| lot.restores.is_none() && !lot.is_over)
    {
        match credits::actions::granted_for(core, &lot.source).await? {
            Some(granted) if granted == lot.credits => {}
            Some(granted) => report.tell(
                object,
                format!(
                    "{} brought {granted} instead of {}",
                    lot.source, lot.credits
                ),
            ),
            None => report.tell(
                object,
                format!("the ledger knows nothing of {}", lot.source),
            ),
        }
    }
    Ok(())
}

async fn check_charges(core: &Core, report: &mut Report) -> Result<()> {
    for object in all(core, Kind::Charge, 0).await? {
        let charge = Charge::read(&object)?;
        report.objects += 1;
        let Some(intent) = &charge.intent else {
            continue;
        };
        let mut snapshot = core.db().snapshot().await?;
        let payments = store::payments_by_intent(snapshot.conn(), intent).await?;
        drop(snapshot);
        let refunded: i64 = payments.iter().map(|payment| payment.refunded).sum();
        if payments.is_empty() {
            report.tell(&charge.id, "it was charged, and no payment is known");
        } else if refunded != charge.refunded {
            report.tell(
                &charge.id,
                format!(
                    "{} of it were refunded, and {refunded} are known",
                    charge.refunded
                ),
            );
        }
    }
    Ok(())
}

async fn check_subscriptions(core: &Core, report: &mut Report) -> Result<()> {
    for object in all(core, Kind::Subscription, 0).await? {
        let subscription = Subscription::read(&object)?;
        report.objects += 1;
        let mut snapshot = core.db().snapshot().await?;
        let row = store::subscription(snapshot.conn(), &subscription.id).await?;
        match row {
            None => report.tell(&subscription.id, "nothing is known of this subscription"),
            Some(row) if row.status != subscription.status => {
                let (theirs, ours) = (&subscription.status, &row.status);
                report.tell(
                    &subscription.id,
                    format!("it is {theirs}, and {ours} is known"),
                );
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Brings the catalogue to Stripe. Says for each price whether it is new.
///
/// # Errors
/// When Stripe does not answer, or refuses; or payments are not taken there.
pub async fn push(core: &Core) -> Result<Vec<super::provider::Pushed>> {
    let billing = core.state::<Billing>()?;
    let stripe = billing.stripe()?;
    let items = &billing.declared()?.items;
    let all: Vec<_> = items
        .iter()
        .flat_map(|item| item.prices().map(move |money| (item.clone(), money)))
        .collect();
    let mut done = Vec::new();
    for (item, money) in all {
        let pushed = super::provider::push(stripe, &item, money).await?;
        let now = core.now();
        in_transaction!(core.db(), tx => store::keep_price(tx, "stripe", &pushed.price, now).await)?;
        done.push(pushed);
    }
    Ok(done)
}
