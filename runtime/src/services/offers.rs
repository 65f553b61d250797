//! What each service is offered for at the moment: its price, in which version, and whether the staff has switched it
//! off. What this process changes it knows at once, what others change within a second.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::registry::Registry;
use super::rules;
use super::service::AnyService;
use super::store;
use crate::app::Core;
use crate::credits::{self, Price};
use crate::error::{Error, Result};

/// A service as it can be had now.
#[derive(Clone)]
pub(super) struct Offered {
    pub name: &'static str,
    pub service: Arc<dyn AnyService>,
    pub price: Price,
    pub is_on: bool,
}

/// What is known of the offers.
#[derive(Default)]
pub(super) struct Offers(Mutex<Known>);

#[derive(Default)]
struct Known {
    offers: Option<(Instant, Arc<Vec<Offered>>)>,
    /// Whether this process has said what its code thinks that services cost.
    is_declared: bool,
    /// How often something was changed here: what was read before counts no more.
    changes: u64,
}

/// How long what was read is taken for what is so.
const LIFE: Duration = Duration::from_secs(1);

/// Every service, the cheapest first.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn all(core: &Core) -> Result<Arc<Vec<Offered>>> {
    let offers = core.state::<Offers>()?;
    let known = offers.lock().offers.clone();
    match known.filter(|(read_at, _)| read_at.elapsed() < LIFE) {
        Some((_, known)) => Ok(known),
        None => load(core, &offers).await,
    }
}

/// The service called `name`.
///
/// # Errors
/// 404 when there is none.
pub(super) async fn find(core: &Core, name: &str) -> Result<Offered> {
    let all = all(core).await?;
    let found = all.iter().find(|offered| offered.name == name);
    found.cloned().ok_or_else(Error::not_found)
}

/// Has what was just changed read anew.
pub(super) fn forget(core: &Core) -> Result<()> {
    let offers = core.state::<Offers>()?;
    let mut known = offers.lock();
    known.offers = None;
    known.changes += 1;
    Ok(())
}

async fn load(core: &Core, offers: &Offers) -> Result<Arc<Vec<Offered>>> {
    let (changes, is_declared) = {
        let known = offers.lock();
        (known.changes, known.is_declared)
    };
    let registry = core.state::<Registry>()?;
    if !is_declared {
        for (name, service) in registry.by_cost() {
            credits::actions::declare_price(core, &rules::item(name), service.cost()).await?;
        }
    }
    let prices = credits::actions::prices_of(core, rules::ITEMS).await?;
    let off = store::switches::off(core.db()).await?;
    let mut all = Vec::new();
    for (name, service) in registry.by_cost() {
        let price = prices.get(&rules::item(name)).cloned();
        all.push(Offered {
            name,
            service: service.clone(),
            price: price.ok_or_else(|| Error::internal(anyhow!("{name} has no price")))?,
            is_on: !off.iter().any(|service| service == name),
        });
    }
    all.sort_by_key(|offered| offered.price.amount);
    let all = Arc::new(all);
    let mut known = offers.lock();
    known.is_declared = true;
    if known.changes == changes {
        known.offers = Some((Instant::now(), all.clone()));
    }
    Ok(all)
}

impl Offers {
    fn lock(&self) -> MutexGuard<'_, Known> {
        // Nobody panics who holds it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
