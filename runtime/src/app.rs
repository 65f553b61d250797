//! Composition: modules and configuration become one application.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::handler::Handler as _;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use futures_util::stream::{self, StreamExt as _};
use minijinja::value::Value;
use tower_http::compression::CompressionLayer;

use crate::clock::{Clock, Timestamp};
use crate::config::{Config, Environment, Fault, Faults};
use crate::crypto::Key;
use crate::db::{Db, ModuleMigrations, Tx};
use crate::error::{Error, Result};
use crate::flags::Flags;
use crate::http::limits::{self, Limits};
use crate::http::{
    Access, Assets, Authenticator, CrossOrigin, Endpoint, RouteInfo, Routes, Rule, Visit, edge,
    guard,
};
use crate::ids::UserId;
use crate::mail::{MailSample, Mailer};
use crate::module::{Command, Event, Install, Module, NavItem, NavPlace, Panel, PanelPlace};
use crate::pages::{Pages, Sample};
use crate::personal::PersonalFiles;
use crate::shutdown::Shutdown;

/// What the application is made of, before it is built.
pub struct App {
    name: String,
    environment: Environment,
    modules: Vec<Box<dyn Module>>,
}

/// A built application.
pub struct BuiltApp {
    pub core: Core,
    pub router: Router,
}

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Core(Arc<Shared>);

struct Shared {
    name: String,
    config: Arc<Config>,
    db: Db,
    clock: Clock,
    pages: Pages,
    assets: Assets,
    flags: Flags,
    navigation: Vec<NavItem>,
    routes: Vec<RouteInfo>,
    endpoints: Arc<[Arc<Endpoint>]>,
    limits: Limits,
    samples: Vec<Sample>,
    mail_samples: Vec<MailSample>,
    mailer: Mailer,
    migrations: Vec<ModuleMigrations>,
    install: Install,
    csrf_key: Key,
    flash_key: Key,
    site: Value,
    shutdown: Shutdown,
}

/// Folders that a build takes its templates from, where it is not the project's `templates/` alone.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    pub templates: Vec<PathBuf>,
    pub assets: Option<PathBuf>,
}

impl App {
    /// An application called `name`, as people read it, for one kind of place. The public pages are in it from the
    /// start.
    pub fn builder(name: impl Into<String>, environment: Environment) -> Self {
        Self {
            name: name.into(),
            environment,
            modules: vec![
                Box::new(crate::jobs::Jobs),
                Box::new(crate::mail::Mails { environment }),
                Box::new(crate::site::Site),
            ],
        }
    }

    /// Adds a module. Modules start in the order in which they were added.
    #[must_use]
    pub fn module(mut self, module: impl Module) -> Self {
        self.modules.push(Box::new(module));
        self
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of place that it is made for: what settings of modules may depend on.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// The commands that modules bring.
    pub fn commands(&self) -> Vec<Command> {
        self.modules
            .iter()
            .flat_map(|module| module.commands())
            .collect()
    }

    /// Puts everything together. Nothing is migrated and nothing is served yet.
    ///
    /// # Errors
    /// When `config` is of another environment, a module is missing or there twice, a template is faulty, or a flag is
    /// set wrongly.
    pub fn build(
        self,
        config: Config,
        db: Db,
        clock: Clock,
        overlay: Overlay,
    ) -> anyhow::Result<BuiltApp> {
        self.check_environment(&config)?;
        self.check_modules()?;
        let flags = self.flags(&config)?;
        let mut routes = Routes::new();
        let mut install = Install::with_config(config.clone());
        for module in &self.modules {
            routes = routes.merge(module.routes());
            module
                .install(&mut install)
                .with_context(|| format!("module {} cannot start", module.name()))?;
        }
        install.settle_jobs(&config.vars)?;
        let endpoints: Vec<_> = self.modules.iter().flat_map(|m| m.endpoints()).collect();
        let endpoints: Arc<[Arc<Endpoint>]> = endpoints.into_iter().map(Arc::new).collect();
        if let Some(gate) = install.door() {
            for endpoint in endpoints.iter() {
                routes = endpoint.clone().mount(gate, routes);
            }
        }
        if let Some(flag) = routes.undeclared_flag(&flags) {
            bail!("a route names the flag {flag}, which no module declares");
        }
        if let Some(route) = routes.unsigned() {
            let RouteInfo {
                method, path, rule, ..
            } = route;
            bail!(
                "{method} {path} is for {rule}, and its handler does not say so: take `Staff<may::…>` first and give the \
                 route the rule `permitted()`"
            );
        }
        let settled = config.environment.is_production();
        let root = config.root.clone();
        let assets = Assets::new(
            overlay.assets.unwrap_or_else(|| root.join("static")),
            settled,
        );
        let mut templates = overlay.templates;
        if templates.is_empty() {
            templates.push(root.join("templates"));
        }
        let pages = Pages::new(&templates, assets.clone(), settled)?;
        let mut navigation: Vec<_> = self.modules.iter().flat_map(|m| m.navigation()).collect();
        navigation.sort_by_key(|item| item.order);
        let site = minijinja::context! {
            name => &self.name, url => &config.url, environment => config.environment.as_str(),
        };
        let core = Core(Arc::new(Shared {
            csrf_key: config.key("csrf"),
            flash_key: config.key("flash"),
            routes: routes.describe(),
            endpoints,
            limits: Limits::default(),
            samples: self
                .modules
                .iter()
                .flat_map(|module| module.samples())
                .collect(),
            mail_samples: self.modules.iter().flat_map(|m| m.mail_samples()).collect(),
            mailer: Mailer::new(&config, &self.name)?,
            migrations: self.migrations(&root)?,
            name: self.name,
            config: Arc::new(config),
            db,
            clock,
            pages,
            assets,
            flags,
            navigation,
            install,
            site,
            shutdown: Shutdown::default(),
        }));
        let router = router(&core, routes);
        Ok(BuiltApp { core, router })
    }

    fn check_environment(&self, config: &Config) -> anyhow::Result<()> {
        let (made, given) = (self.environment, config.environment);
        if made != given {
            let (made, given) = (made.as_str(), given.as_str());
            bail!("the application was made for {made}, and APP_ENV is {given}");
        }
        Ok(())
    }

    fn check_modules(&self) -> anyhow::Result<()> {
        let names: Vec<_> = self.modules.iter().map(|module| module.name()).collect();
        for (at, module) in self.modules.iter().enumerate() {
            let name = module.name();
            if names[..at].contains(&name) {
                bail!("module {name} was added twice");
            }
            if let Some(missing) = module
                .requires()
                .iter()
                .find(|needed| !names.contains(needed))
            {
                bail!("module {name} needs module {missing}; add it");
            }
        }
        Ok(())
    }

    fn flags(&self, config: &Config) -> Result<Flags, Faults> {
        let declared = self.modules.iter().flat_map(|module| module.flags());
        Flags::settle(declared, &config.vars).map_err(|problems| {
            let fault = |problem| Fault {
                variable: "feature flags".into(),
                problem,
            };
            Faults(problems.into_iter().map(fault).collect())
        })
    }

    fn migrations(&self, root: &std::path::Path) -> anyhow::Result<Vec<ModuleMigrations>> {
        let modules = self.modules.iter();
        let mut all: Vec<_> = modules
            .map(|module| (module.name().to_owned(), module.migrations()))
            .collect();
        all.insert(0, ("http".into(), limits::migrations()));
        all.push((
            "app".into(),
            crate::db::Migration::from_folder(&root.join("migrations"))?,
        ));
        Ok(all)
    }
}

fn router(core: &Core, routes: Routes) -> Router {
    let own = Routes::new().get("/static/{*path}", Access::Machine, static_file);
    let rule = Rule {
        csrf: false,
        ..Access::Public.into()
    };
    let failing = |error: fn() -> Error| {
        let answer = move || async move { error() };
        answer.layer(from_fn_with_state((core.clone(), rule), guard))
    };
    routes
        .merge(own)
        .into_router(core)
        .fallback(failing(Error::not_found))
        .method_not_allowed_fallback(failing(Error::method_not_allowed))
        .layer(DefaultBodyLimit::disable())
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(core.clone(), edge))
        .with_state(core.clone())
}

async fn static_file(
    State(core): State<Core>,
    Path(path): Path<String>,
    request: Request,
) -> Response {
    core.0.assets.serve(&path, request).await
}

impl Core {
    pub fn name(&self) -> &str {
        &self.0.name
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
    pub fn navigation(&self, visit: &Visit) -> Vec<&NavItem> {
        let is_on = |item: &&NavItem| item.flag.is_none_or(|flag| self.0.flags.is_on(flag));
        let may = |item: &&NavItem| match item.access {
            Access::Public | Access::Machine => true,
            Access::Key(_) => false,
            Access::SignedIn => visit.principal().is_some(),
            Access::Staff(permission) => visit.may(permission),
        };
        let is_acting = visit.principal().is_some_and(|own| own.acted_by.is_some());
        let fits = |item: &&NavItem| {
            let is_fit = item.place != NavPlace::Visitor || visit.principal().is_none();
            is_fit && !(is_acting && item.path.starts_with("/accounts/"))
        };
        let items = self.0.navigation.iter();
        items.filter(is_on).filter(may).filter(fits).collect()
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
