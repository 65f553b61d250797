//! Taking in what was missed. The provider's lists tell of what was made lately; what is older and not settled here, so
//! that its end may have been missed, is asked for by name.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::entity::PaymentState;
use super::objects::Subscription;
use super::provider::{Kind, Listed, Listing, Provider as _};
use super::setup::Billing;
use super::store::Unsettled;
use super::verify::Finding;
use super::{effects, store};
use crate::app::Core;
use crate::error::Result;
use crate::ids::AFTER_ALL;
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
/// How many rows of what is not settled are held together.
const TOGETHER: i64 = 200;
/// A refund can fail weeks after it was made: so much longer ago they are looked at, in seconds.
const REFUNDS_FAIL_LATE: i64 = 45 * 24 * 60 * 60;
/// A payment page is open for a day. An order whose page nobody was ever sent to has none after that.
pub const PAGES_LIVE: Duration = Duration::from_secs(25 * 60 * 60);

/// What became of the provider's objects.
#[must_use]
#[derive(Debug, Clone, Default)]
pub struct Synced {
    /// How many were taken in.
    pub objects: u64,
    /// Those that could not be, and why.
    pub faults: Vec<Finding>,
}

/// Takes in every object of the provider that was made since `since` (seconds since 1970), and every older one that is
/// not settled here, as it is now. One that cannot be taken in keeps none of the others.
///
/// # Errors
/// When the provider does not answer.
pub async fn sync(core: &Core, since: i64) -> Result<Synced> {
    let mut sync = Sync {
        core,
        synced: Synced::default(),
        seen: BTreeSet::new(),
        latest: Vec::new(),
    };
    for kind in KINDS {
        let since = match kind {
            // What was made long ago may have changed since, and only its own list tells.
            Kind::Product | Kind::Price | Kind::Subscription | Kind::Dispute => 0,
            Kind::Refund => (since - REFUNDS_FAIL_LATE).max(0),
            Kind::Session | Kind::Invoice | Kind::Charge | Kind::Intent | Kind::Customer => since,
        };
        for object in all(core, kind, since).await? {
            sync.take(kind, &object).await?;
        }
    }
    sync.look_at_the_shelf().await?;
    sync.ask_for_the_rest().await?;
    Ok(sync.synced)
}

/// Every object of a kind that was made since then.
pub(super) async fn all(core: &Core, kind: Kind, since: i64) -> Result<Vec<Value>> {
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

struct Sync<'a> {
    core: &'a Core,
    synced: Synced,
    /// What a list had.
    seen: BTreeSet<String>,
    /// The last invoice of each subscription.
    latest: Vec<String>,
}

impl Sync<'_> {
    async fn take(&mut self, kind: Kind, object: &Value) -> Result<()> {
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
        self.seen.insert(id.to_owned());
        if kind == Kind::Subscription {
            let latest = Subscription::read(object).ok();
            self.latest
                .extend(latest.and_then(|read| read.latest_invoice));
        }
        match effects::take_in(self.core, kind, object).await {
            Ok(()) => self.synced.objects += 1,
            Err(why) if why.status() == StatusCode::SERVICE_UNAVAILABLE => return Err(why),
            Err(why) => self.synced.faults.push(Finding {
                object: id.to_owned(),
                what: why.to_string(),
            }),
        }
        Ok(())
    }

    /// Takes in what can be sold here and no list has: it was deleted, or put away where lists do not show it.
    async fn look_at_the_shelf(&mut self) -> Result<()> {
        let billing = self.core.state::<Billing>()?;
        // The sandbox keeps no shelf.
        let Ok(stripe) = billing.stripe() else {
            return Ok(());
        };
        let (products, prices) = store::on_the_shelf(self.core.db(), stripe.name()).await?;
        let products = products.iter().map(|id| (Kind::Product, id));
        let prices = prices.iter().map(|id| (Kind::Price, id));
        for (kind, id) in products.chain(prices) {
            if !self.seen.contains(id) {
                // It is read as it is now, and nothing is known of it where it is gone.
                self.take(kind, &json!({"id": id})).await?;
            }
        }
        Ok(())
    }

    async fn ask_for_the_rest(&mut self) -> Result<()> {
        let core = self.core;
        let billing = core.state::<Billing>()?;
        let provider = billing.provider()?.name();
        let now = core.now();
        in_transaction!(core.db(), tx => store::expire_orders(tx, provider, (now.minus(PAGES_LIVE), now)).await)?;
        // A list may leave out what belonged to a customer who was deleted.
        for subscription in store::live_subscriptions(core.db(), provider).await? {
            self.ask(Kind::Subscription, &subscription).await?;
        }
        for what in Unsettled::ALL {
            self.ask_for_unsettled(provider, what).await?;
        }
        for invoice in self.untold().await? {
            self.ask(Kind::Invoice, &invoice).await?;
        }
        Ok(())
    }

    /// Asks for all of it, part by part, however much it is.
    async fn ask_for_unsettled(&mut self, provider: &str, what: Unsettled) -> Result<()> {
        let kind = match what {
            Unsettled::Pages => Kind::Session,
            Unsettled::Invoices => Kind::Invoice,
            Unsettled::Refunds => Kind::Refund,
        };
        let mut before = AFTER_ALL.to_owned();
        loop {
            let part = (before.as_str(), TOGETHER);
            let part = store::unsettled(self.core.db(), provider, what, part).await?;
            for object in &part.objects {
                self.ask(kind, object).await?;
            }
            match part.last {
                Some(last) => before = last,
                None => return Ok(()),
            }
        }
    }

    /// The last invoices of subscriptions of ours of which nothing is known here.
    async fn untold(&self) -> Result<Vec<String>> {
        let mut untold = Vec::new();
        for invoice in &self.latest {
            let mut snapshot = self.core.db().snapshot().await?;
            let payment = store::payment_of(snapshot.conn(), invoice).await?;
            let is_settled = payment.is_some_and(|payment| payment.state != PaymentState::Pending);
            if !is_settled {
                untold.push(invoice.clone());
            }
        }
        Ok(untold)
    }

    /// Takes in an object that no list had.
    async fn ask(&mut self, kind: Kind, id: &str) -> Result<()> {
        if self.seen.contains(id) {
            return Ok(());
        }
        let billing = self.core.state::<Billing>()?;
        if let Some(object) = billing.provider()?.read(self.core, kind, id).await? {
            return self.take(kind, &object).await;
        }
        if kind == Kind::Session {
            let now = self.core.now();
            return in_transaction!(self.core.db(), tx => store::expire_page(tx, id, now).await);
        }
        self.synced.faults.push(Finding {
            object: id.to_owned(),
            what: "it is not settled here, and the provider has no such object".into(),
        });
        Ok(())
    }
}
