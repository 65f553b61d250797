//! Which provider takes the money, by the environment; what may not be in production is refused there.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use secrecy::SecretString;

use super::Settings;
use super::catalogue::{Catalogue, CatalogueSource};
use super::offers::{self, Offer};
use super::provider::{Provider, Stripe};
use super::sandbox::Sandbox;
use super::store;
use crate::app::Core;
use crate::clock::Timestamp;
use crate::config::{Config, Fault, Faults};
use crate::error::{Error, Result};

/// The state of this module.
pub struct Billing {
    pub settings: Settings,
    declared: Arc<Catalogue>,
    /// What the provider sells, and when that was read.
    read: RwLock<Option<(Timestamp, Arc<Catalogue>)>>,
    provider: Option<Arc<dyn Provider>>,
    stripe: Option<Arc<Stripe>>,
    /// With which webhooks are signed; two while they change.
    pub webhook_secrets: Vec<String>,
    pub is_sandbox: bool,
}

/// How long other processes may go on selling what was changed in one.
const FRESH: Duration = Duration::from_secs(10);

/// Where the catalogue stood in projects of before.
const MOVED: &str = "config/billing.json";

const STRIPE: &str = "https://api.stripe.com";

impl Billing {
    /// # Errors
    /// When the catalogue does not hold, or a variable is missing or set wrongly.
    pub fn new(settings: Settings, config: &Config) -> anyhow::Result<Self> {
        if config.root.join(MOVED).exists() {
            anyhow::bail!(
                "{MOVED} is not read any more: what is sold stands in quickscale.yml, below `billing` as `packs`, `plans`, \
                 `promotion_codes` and `automatic_tax`; move what is yours there, apply, and delete the file"
            );
        }
        let catalogue = Catalogue::declared(&settings)?;
        let get = |name: &str| {
            let value = config.vars.get(name).map(|value| value.trim().to_owned());
            value.filter(|value| !value.is_empty())
        };
        let mut faults = Vec::new();
        let mut fault = |variable: &str, problem: &str| {
            faults.push(Fault {
                variable: variable.into(),
                problem: problem.into(),
            });
        };
        let is_production = config.environment.is_production();
        let key = get("STRIPE_SECRET_KEY");
        let wanted = get("BILLING_PROVIDER").unwrap_or_else(|| {
            let name = if !is_production {
                "sandbox"
            } else if key.is_some() {
                "stripe"
            } else {
                "none"
            };
            name.to_owned()
        });
        let secrets = get("STRIPE_WEBHOOK_SECRET").unwrap_or_default();
        let secrets = secrets
            .split(',')
            .map(str::trim)
            .filter(|secret| !secret.is_empty());
        let webhook_secrets: Vec<_> = secrets.map(str::to_owned).collect();
        let base = get("STRIPE_API_BASE").unwrap_or_else(|| STRIPE.to_owned());
        let mut provider: Option<Arc<dyn Provider>> = None;
        let mut stripe = None;
        match wanted.as_str() {
            "none" => {}
            "sandbox" if is_production => {
                fault(
                    "BILLING_PROVIDER",
                    "is sandbox, which takes no money; in production set it to stripe or none",
                );
            }
            "sandbox" => provider = Some(Arc::new(Sandbox)),
            "stripe" => {
                if key.is_none() {
                    fault(
                        "STRIPE_SECRET_KEY",
                        "is not set; take a restricted key from Stripe's dashboard",
                    );
                }
                if webhook_secrets.is_empty() {
                    fault(
                        "STRIPE_WEBHOOK_SECRET",
                        "is not set; it is the signing secret of the endpoint /webhooks/stripe",
                    );
                }
                let is_secure = base.starts_with("https://");
                if !is_secure && (is_production || !base.starts_with("http://")) {
                    fault("STRIPE_API_BASE", "does not begin with https://");
                } else if is_secure && !cfg!(feature = "https-client") {
                    fault(
                        "BILLING_PROVIDER",
                        "is stripe, and this build has no TLS; build with `--features stripe`",
                    );
                }
                let key = SecretString::from(key.unwrap_or_default());
                let made = Arc::new(Stripe::new(&base, key));
                provider = Some(made.clone());
                stripe = Some(made);
            }
            _ => fault("BILLING_PROVIDER", "is none of sandbox, stripe, none"),
        }
        if !faults.is_empty() {
            return Err(Faults(faults).into());
        }
        if let (Some(provider), CatalogueSource::Declared) = (&provider, settings.catalogue) {
            catalogue.check(|money| provider.refuses(money))?;
        }
        let is_sandbox = wanted == "sandbox";
        Ok(Self {
            settings,
            declared: Arc::new(catalogue),
            read: RwLock::default(),
            provider,
            stripe,
            webhook_secrets,
            is_sandbox,
        })
    }

    /// What can be bought.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn catalogue(&self, core: &Core) -> Result<Arc<Catalogue>> {
        let (CatalogueSource::Provider, Some(stripe)) = (self.settings.catalogue, &self.stripe)
        else {
            return Ok(self.declared.clone());
        };
        let now = core.now();
        let known = self
            .read
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((at, known)) = known
            && now.since(at) < FRESH
        {
            return Ok(known);
        }
        let mut found = Vec::new();
        for (price, product) in store::offered(core.db(), stripe.name()).await? {
            found.extend(Offer::read(&price, &product)?);
        }
        let read = Arc::new(offers::catalogue(found, &self.declared));
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = Some((now, read.clone()));
        Ok(read)
    }

    /// Has the catalogue read again that the provider keeps.
    pub fn forget_catalogue(&self) {
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What is declared, to be brought to the provider.
    ///
    /// # Errors
    /// 409 where the provider keeps the catalogue itself.
    pub fn declared(&self) -> Result<&Catalogue> {
        match self.settings.catalogue {
            CatalogueSource::Declared => Ok(&self.declared),
            CatalogueSource::Provider => Err(Error::conflict(
                "kept_there",
                "The catalogue is kept at the provider (billing.catalogue: provider); `billing sync` reads it.",
            )),
        }
    }

    /// Whoever takes the money.
    ///
    /// # Errors
    /// 503 while nobody does.
    pub fn provider(&self) -> Result<&Arc<dyn Provider>> {
        self.provider.as_ref().ok_or_else(|| {
            let sentence = "Payments are not set up here.";
            Error::new(
                axum::http::StatusCode::SERVICE_UNAVAILABLE,
                "no_provider",
                sentence,
            )
        })
    }

    /// Stripe, where the catalogue can be brought.
    ///
    /// # Errors
    /// 503 while payments are not taken there.
    pub fn stripe(&self) -> Result<&Stripe> {
        self.stripe.as_deref().ok_or_else(|| {
            let sentence = "Payments are not taken at Stripe here; BILLING_PROVIDER says where.";
            Error::new(
                axum::http::StatusCode::SERVICE_UNAVAILABLE,
                "no_provider",
                sentence,
            )
        })
    }

    pub fn takes_money(&self) -> bool {
        self.provider.is_some()
    }
}
