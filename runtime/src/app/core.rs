//! What handlers ask of the application that serves them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use minijinja::value::Value;

use super::Core;
use crate::clock::{Clock, Timestamp};
use crate::config::Config;
use crate::crypto::Key;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::flags::Flags;
use crate::http::limits::Limits;
use crate::http::{Access, Assets, Authenticator, CrossOrigin, Endpoint, RouteInfo, Visit};
use crate::ids::UserId;
use crate::mail::{MailSample, MailTopic, Mailer};
use crate::module::{Event, NavItem, NavPlace, Panel, PanelPlace, PortraitFn, WishesFn};
use crate::pages::{Navigation, Pages, Sample};
use crate::personal::PersonalFiles;
use crate::shutdown::Shutdown;

impl Core {
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The files below `static/`.
    pub fn assets(&self) -> &Assets {
        &self.0.assets
    }

    pub fn config(&self) -> &Config {
        &self.0.config
    }

    pub fn db(&self) -> &Db {
        &self.0.db
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub fn pages(&self) -> &Pages {
        &self.0.pages
    }

    pub fn flags(&self) -> &Flags {
        &self.0.flags
    }

    pub fn routes(&self) -> &[RouteInfo] {
        &self.0.routes
    }

    /// What every module offers to programs.
    pub fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.0.endpoints
    }

    /// How long a request may take before it is stopped.
    pub(crate) fn request_limit(&self) -> Duration {
        self.0.request_limit
    }

    /// How often who has done what.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Every page of every module with its sample.
    pub fn samples(&self) -> &[Sample] {
        &self.0.samples
    }

    /// Every mail of every module with its sample.
    pub fn mail_samples(&self) -> &[MailSample] {
        &self.0.mail_samples
    }

    /// The matters about which people may do without mails.
    pub fn mail_topics(&self) -> &[MailTopic] {
        self.0.install.topics()
    }

    pub(crate) fn mail_wishes(&self) -> Option<&WishesFn> {
        self.0.install.wishes()
    }

    /// What a module put in place with [`Install::state`].
    ///
    /// # Errors
    /// 500 when no module did, which is a fault in the composition.
    pub fn state<T: Send + Sync + 'static>(&self) -> Result<Arc<T>> {
        let missing = || anyhow::anyhow!("no module put {} in place", std::any::type_name::<T>());
        self.0
            .install
            .get()
            .ok_or_else(|| Error::internal(missing()))
    }

    /// Whether a module of this name is in the application.
    pub fn has_module(&self, name: &str) -> bool {
        self.0.migrations.iter().any(|(module, _)| module == name)
    }

    /// Tells everybody who takes part in `event`, inside `tx`.
    ///
    /// # Errors
    /// The first that a hook gives; the transaction must then be dropped.
    pub async fn emit<E: Event>(&self, tx: &mut Tx, event: &E) -> Result<()> {
        for hook in self.0.install.hooks::<E>() {
            hook(self, tx, event).await?;
        }
        Ok(())
    }

    /// What modules have to show at `place`.
    ///
    /// # Errors
    /// The first that a panel gives.
    pub async fn panels(&self, visit: &Visit, place: &PanelPlace) -> Result<Vec<Panel>> {
        let mut panels = Vec::new();
        for make in self.0.install.panels() {
            panels.extend(make(visit, place).await?);
        }
        Ok(panels)
    }

    /// All that the modules know of somebody.
    pub fn personal_data(&self, user: &UserId) -> PersonalFiles {
        let parts: Vec<_> = self.0.install.personal().to_vec();
        let (core, user) = (self.clone(), user.clone());
        let files = parts
            .into_iter()
            .map(move |part| part(core.clone(), user.clone()));
        stream::iter(files).flatten().boxed()
    }

    /// The links that whoever made the request may follow.
    pub(crate) fn navigation(&self, visit: &Visit) -> Navigation {
        let is_acting = visit.principal().is_some_and(|own| own.acted_by.is_some());
        let is_shown = |item: &NavItem| {
            let is_on = item.flag.is_none_or(|flag| self.0.flags.is_on(flag));
            let may = match item.access {
                Access::Public | Access::Machine => true,
                Access::Key(_) => false,
                Access::SignedIn => visit.principal().is_some(),
                Access::Staff(permission) => visit.may(permission),
            };
            let fits = item.place != NavPlace::Visitor || visit.principal().is_none();
            is_on && may && fits && !(is_acting && item.path.starts_with("/accounts/"))
        };
        let links = self.0.navigation.iter();
        Navigation::new(links.filter(|link| is_shown(&link.item)), visit.path())
    }

    /// Applies the migrations that are missing and says which.
    ///
    /// # Errors
    /// See [`Db::migrate`].
    pub async fn migrate(&self) -> anyhow::Result<Vec<crate::db::MigrationStatus>> {
        self.0.db.migrate(&self.0.migrations, &self.0.clock).await
    }

    /// Does what modules do when the server starts.
    ///
    /// # Errors
    /// The first that a module gives.
    pub async fn start(&self) -> Result<()> {
        for hook in self.0.install.start_hooks() {
            hook(self).await?;
        }
        Ok(())
    }

    /// Returns when the process was told to stop. What waits for news then says goodbye.
    pub async fn stopping(&self) {
        self.0.shutdown.stopping().await;
    }

    pub(crate) fn shutdown(&self) -> &Shutdown {
        &self.0.shutdown
    }

    /// Each migration and whether it has been applied.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn migration_status(&self) -> anyhow::Result<Vec<crate::db::MigrationStatus>> {
        self.0.db.migration_status(&self.0.migrations).await
    }

    pub(crate) fn authenticator(&self) -> Option<&Arc<dyn Authenticator>> {
        self.0.install.who()
    }

    #[cfg(feature = "services")]
    pub(crate) fn shared_config(&self) -> Arc<Config> {
        self.0.config.clone()
    }

    pub(crate) fn portrait(&self) -> Option<&PortraitFn> {
        self.0.install.painter()
    }

    pub(crate) fn jobs(&self) -> &crate::jobs::Kinds {
        self.0.install.jobs()
    }

    pub(crate) fn mailer(&self) -> &Mailer {
        &self.0.mailer
    }

    pub(crate) fn cross_origin(&self) -> &CrossOrigin {
        self.0.install.sites()
    }

    pub(crate) fn csrf_key(&self) -> &Key {
        &self.0.csrf_key
    }

    pub(crate) fn flash_key(&self) -> &Key {
        &self.0.flash_key
    }

    pub(crate) fn site_value(&self) -> Value {
        self.0.site.clone()
    }
}
