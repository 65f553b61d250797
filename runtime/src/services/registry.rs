//! The services that there are, by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;

use super::service::AnyService;

/// The services of the application, each under its name.
#[derive(Clone)]
pub(super) struct Registry {
    services: BTreeMap<&'static str, Arc<dyn AnyService>>,
    pub time_limit: Duration,
}

/// How long a run in the background may take, unless its service says otherwise.
const BACKGROUND_LIMIT: Duration = Duration::from_secs(15 * 60);
/// Names that are addresses of our own below `/services/`.
const RESERVED: [&str; 1] = ["runs"];

impl Registry {
    pub fn new(time_limit: Duration) -> Self {
        Self {
            services: BTreeMap::new(),
            time_limit,
        }
    }

    /// # Errors
    /// When the name is taken or cannot stand in an address.
    pub fn add(&mut self, name: &'static str, service: Arc<dyn AnyService>) -> anyhow::Result<()> {
        if !is_name(name) {
            bail!("a name has lower-case letters, digits and `_`, a letter first");
        }
        if RESERVED.contains(&name) {
            bail!("/services/{name} is a page of its own; choose another name");
        }
        if self.services.insert(name, service).is_some() {
            bail!("it was added twice");
        }
        Ok(())
    }

    /// How long a run of `service` may take.
    pub fn limit_of(&self, service: &dyn AnyService) -> Duration {
        let usual = match service.background() {
            true => self.time_limit.max(BACKGROUND_LIMIT),
            false => self.time_limit,
        };
        service.time_limit().unwrap_or(usual)
    }

    /// The most bytes that an input of any service has.
    pub fn max_bytes(&self) -> usize {
        let sizes = self.services.values().map(|one| one.input().max_bytes());
        sizes.max().unwrap_or(0)
    }

    pub fn find(&self, name: &str) -> Option<(&'static str, Arc<dyn AnyService>)> {
        let (name, service) = self.services.get_key_value(name)?;
        Some((name, service.clone()))
    }

    /// Every service with its name, the cheapest first.
    pub fn by_cost(&self) -> Vec<(&'static str, &Arc<dyn AnyService>)> {
        let mut all: Vec<_> = self
            .services
            .iter()
            .map(|(name, one)| (*name, one))
            .collect();
        all.sort_by_key(|(_, service)| service.cost());
        all
    }

    /// How a run's service is called; its name where it is gone.
    pub fn title_of(&self, name: &str) -> String {
        let service = self.services.get(name);
        service.map_or(name, |service| service.title()).to_owned()
    }
}

/// Whether `name` can be a service's.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
