//! The one seam: a module brings routes, navigation, migrations, commands, flags and hooks.
//! The runtime's own domains, the project's code and third parties all implement [`Module`].

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use minijinja::value::Value;
use serde::{Deserialize, Serialize};

use crate::app::Core;
use crate::config::{Config, Fault, Vars};
use crate::db::{Migration, Tx};
use crate::error::Result;
use crate::flags::Flag;
use crate::http::{Access, Authenticator, CrossOrigin, Endpoint, Gate, Routes, Visit};
use crate::ids::UserId;
use crate::jobs::{Job, Kinds, Schedule};
use crate::mail::{MailSample, MailTopic};
use crate::pages::Sample;
use crate::personal::{PersonalFiles, PersonalFn};

/// A part of the application that can be had or left out.
pub trait Module: Send + Sync + 'static {
    /// Unique; names the module's migrations and its feature in `quickscale.yml`.
    fn name(&self) -> &'static str;

    /// Modules that must be there too.
    fn requires(&self) -> &'static [&'static str] {
        &[]
    }

    /// In the order of application. A migration that has been released is never changed.
    fn migrations(&self) -> Vec<Migration> {
        Vec::new()
    }

    fn routes(&self) -> Routes {
        Routes::new()
    }

    /// What it offers to programs; there while the module `api` is.
    fn endpoints(&self) -> Vec<Endpoint> {
        Vec::new()
    }

    fn navigation(&self) -> Vec<NavItem> {
        Vec::new()
    }

    fn flags(&self) -> Vec<&'static Flag> {
        Vec::new()
    }

    /// Commands of the application's binary.
    fn commands(&self) -> Vec<Command> {
        Vec::new()
    }

    /// Every page with its sample.
    fn samples(&self) -> Vec<Sample> {
        Vec::new()
    }

    /// Every mail with its sample.
    fn mail_samples(&self) -> Vec<MailSample> {
        Vec::new()
    }

    /// What holds, and is still too weak or of no use in production, with its remedy. `check --deploy` tells it.
    fn weaknesses(&self, _config: &Config) -> Vec<Fault> {
        Vec::new()
    }

    /// What a deployment may have, and most had better not, with its remedy. `check --deploy` tells it and goes on.
    fn cautions(&self, _config: &Config) -> Vec<Fault> {
        Vec::new()
    }

    /// Puts the module's state, hooks and panels in place.
    ///
    /// # Errors
    /// When the module's configuration does not hold.
    fn install(&self, _install: &mut Install) -> anyhow::Result<()> {
        Ok(())
    }
}

/// A link of the navigation. It shows to whoever may follow it, while its flag is on.
#[derive(Debug, Clone)]
pub struct NavItem {
    pub label: &'static str,
    pub path: &'static str,
    pub place: NavPlace,
    pub access: Access,
    pub flag: Option<&'static Flag>,
    /// Lower comes first.
    pub order: i32,
}

/// Where a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NavPlace {
    Main,
    /// Shown only to whoever has not signed in.
    Visitor,
    Account,
    Staff,
    Footer,
}

/// A command of the application's binary, beside `serve` and `migrate`.
pub struct Command {
    /// Name, help and arguments.
    pub cli: clap::Command,
    pub run: CommandFn,
}

pub type CommandFn =
    Box<dyn Fn(Core, clap::ArgMatches) -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// A box on a page that modules may fill: a template below `templates/` and its context.
#[derive(Debug, Clone, Serialize)]
pub struct Panel {
    pub template: &'static str,
    pub data: Value,
}

/// The pages that take panels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PanelPlace {
    /// `/dashboard` of whoever has signed in.
    Dashboard,
    /// The public price list.
    Pricing,
    /// The staff's overview.
    StaffOverview,
    /// The staff's page of one user.
    StaffUser(UserId),
    /// The page on which visitors sign in; `next` is where they go afterwards.
    SignIn { next: String },
    /// The page on which whoever gave a password, or the like, gives a second factor.
    SecondFactor { next: String },
    /// The page on which somebody shows once more who he is.
    Confirm { next: String },
    /// The page of one's ways to sign in.
    Security,
    /// The page on which somebody says who he is.
    Profile,
}

/// Makes one panel, or none where it has nothing to say.
pub type PanelFn = Arc<
    dyn for<'a> Fn(&'a Visit, &'a PanelPlace) -> BoxFuture<'a, Result<Option<Panel>>> + Send + Sync,
>;

/// Something that happened in one domain and that others take part in, in the same transaction.
pub trait Event: Send + Sync + 'static {}

type Hook<E> =
    Arc<dyn for<'a> Fn(&'a Core, &'a mut Tx, &'a E) -> BoxFuture<'a, Result<()>> + Send + Sync>;

/// What a module does once when the server starts.
pub(crate) type StartFn = Arc<dyn for<'a> Fn(&'a Core) -> BoxFuture<'a, Result<()>> + Send + Sync>;

/// Whether whoever has an address wants mails of a topic.
pub(crate) type WishesFn =
    Arc<dyn for<'a> Fn(&'a mut Tx, &'a str, &'a str) -> BoxFuture<'a, Result<bool>> + Send + Sync>;

/// Where somebody's picture is.
pub(crate) type PortraitFn = Arc<
    dyn for<'a> Fn(&'a Core, &'a UserId) -> BoxFuture<'a, Result<Option<String>>> + Send + Sync,
>;

/// What modules put in place before the application starts.
#[derive(Default)]
pub struct Install {
    state: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    hooks: HashMap<TypeId, Vec<Box<dyn Any + Send + Sync>>>,
    panels: Vec<(i32, PanelFn)>,
    personal: Vec<PersonalFn>,
    mail_topics: Vec<MailTopic>,
    mail_wishes: Option<WishesFn>,
    portrait: Option<PortraitFn>,
    start: Vec<StartFn>,
    authenticator: Option<Arc<dyn Authenticator>>,
    jobs: Kinds,
    gate: Option<Arc<dyn Gate>>,
    sites: CrossOrigin,
    config: Option<Config>,
}

impl Install {
    pub(crate) fn with_config(config: Config) -> Self {
        Self {
            config: Some(config),
            ..Self::default()
        }
    }

    /// What the environment says.
    ///
    /// # Errors
    /// Outside of the building of an application.
    pub fn config(&self) -> anyhow::Result<&Config> {
        self.config.as_ref().context("there is no configuration")
    }

    /// State that the module's handlers get back with [`Core::state`], one value a type.
    pub fn state<T: Send + Sync + 'static>(&mut self, value: T) {
        self.state.insert(TypeId::of::<T>(), Arc::new(value));
    }

    /// Calls `hook` whenever `E` happens, inside the transaction in which it does.
    pub fn on<E: Event>(
        &mut self,
        hook: impl for<'a> Fn(&'a Core, &'a mut Tx, &'a E) -> BoxFuture<'a, Result<()>>
        + Send
        + Sync
        + 'static,
    ) {
        let hook: Hook<E> = Arc::new(hook);
        self.hooks
            .entry(TypeId::of::<E>())
            .or_default()
            .push(Box::new(hook));
    }

    /// Offers a panel; a lower `order` stands further up.
    pub fn panel(
        &mut self,
        order: i32,
        make: impl for<'a> Fn(&'a Visit, &'a PanelPlace) -> BoxFuture<'a, Result<Option<Panel>>>
        + Send
        + Sync
        + 'static,
    ) {
        self.panels.push((order, Arc::new(make)));
        self.panels.sort_by_key(|(order, _)| *order);
    }

    /// Says what this module knows of somebody, for that person to take along.
    pub fn personal_data(
        &mut self,
        files: impl Fn(Core, UserId) -> PersonalFiles + Send + Sync + 'static,
    ) {
        self.personal.push(Arc::new(files));
    }

    /// Lets people do without some of this module's mails.
    pub fn mail_topic(&mut self, topic: MailTopic) {
        self.mail_topics.push(topic);
    }

    /// Says who is asked whether somebody wants the mails of a topic; without it everybody does.
    pub fn mail_wishes(
        &mut self,
        wants: impl for<'a> Fn(&'a mut Tx, &'a str, &'a str) -> BoxFuture<'a, Result<bool>>
        + Send
        + Sync
        + 'static,
    ) {
        self.mail_wishes = Some(Arc::new(wants));
    }

    /// Says where somebody's picture is, for each request of whoever has signed in; without it nobody has one.
    pub fn portrait(
        &mut self,
        find: impl for<'a> Fn(&'a Core, &'a UserId) -> BoxFuture<'a, Result<Option<String>>>
        + Send
        + Sync
        + 'static,
    ) {
        self.portrait = Some(Arc::new(find));
    }

    /// Calls `hook` each time the server starts, on a migrated database and before the first request: for
    /// setting right what a process that died left behind.
    pub fn at_start(
        &mut self,
        hook: impl for<'a> Fn(&'a Core) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    ) {
        self.start.push(Arc::new(hook));
    }

    /// Says how jobs of the type `J` are done. See [`crate::jobs`] for what a handler must bear.
    pub fn job<J: Job>(
        &mut self,
        handler: impl for<'a> Fn(&'a Core, J) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    ) {
        self.jobs.add(handler);
    }

    /// Calls `handler` whenever a period ends, counted from 1970 in UTC (a day ends at midnight): once over all
    /// processes, and not while it is still under way. `name` is a job's: `credits.sweep`.
    pub fn every(
        &mut self,
        name: &'static str,
        period: Duration,
        handler: impl for<'a> Fn(&'a Core) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    ) {
        self.jobs.add_schedule(Schedule { name, period }, handler);
    }

    /// Says who finds out whom a session belongs to.
    pub fn authenticator(&mut self, authenticator: impl Authenticator + 'static) {
        self.authenticator = Some(Arc::new(authenticator));
    }

    /// Says who lets programs in to the endpoints; without it there are none.
    pub fn gate(&mut self, gate: impl Gate + 'static) {
        self.gate = Some(Arc::new(gate));
    }

    /// Says which other sites' pages may call the endpoints from browsers.
    pub fn cross_origin(&mut self, sites: CrossOrigin) {
        self.sites = sites;
    }

    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.state.get(&TypeId::of::<T>())?.clone().downcast().ok()
    }

    pub(crate) fn hooks<E: Event>(&self) -> Vec<Hook<E>> {
        let hooks = self.hooks.get(&TypeId::of::<E>());
        hooks
            .into_iter()
            .flatten()
            .filter_map(|hook| hook.downcast_ref::<Hook<E>>().cloned())
            .collect()
    }

    pub(crate) fn panels(&self) -> impl Iterator<Item = &PanelFn> {
        self.panels.iter().map(|(_, make)| make)
    }

    pub(crate) fn personal(&self) -> &[PersonalFn] {
        &self.personal
    }

    pub(crate) fn topics(&self) -> &[MailTopic] {
        &self.mail_topics
    }

    pub(crate) fn wishes(&self) -> Option<&WishesFn> {
        self.mail_wishes.as_ref()
    }

    pub(crate) fn painter(&self) -> Option<&PortraitFn> {
        self.portrait.as_ref()
    }

    pub(crate) fn start_hooks(&self) -> &[StartFn] {
        &self.start
    }

    /// # Errors
    /// When the jobs that modules declared do not fit together, or a variable is set wrongly.
    pub(crate) fn settle_jobs(&mut self, vars: &Vars) -> anyhow::Result<()> {
        self.jobs.settle(vars)
    }

    pub(crate) fn jobs(&self) -> &Kinds {
        &self.jobs
    }

    pub(crate) fn door(&self) -> Option<&Arc<dyn Gate>> {
        self.gate.as_ref()
    }

    pub(crate) fn sites(&self) -> &CrossOrigin {
        &self.sites
    }

    pub(crate) fn who(&self) -> Option<&Arc<dyn Authenticator>> {
        self.authenticator.as_ref()
    }
}
