//! Composition: modules and configuration become one application.

mod core;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::handler::Handler as _;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use minijinja::value::Value;
use tower_http::compression::CompressionLayer;

use crate::clock::Clock;
use crate::config::{Config, Environment, Fault, Faults};
use crate::crypto::Key;
use crate::db::{Db, ModuleMigrations};
use crate::error::{Error, Result};
use crate::flags::Flags;
use crate::http::limits::{self, Limits};
use crate::http::{Access, Assets, Endpoint, RouteInfo, Routes, Rule, edge, guard};
use crate::mail::{MailSample, Mailer};
use crate::module::{Command, Install, Module};
use crate::pages::{Link, Pages, Sample};
use crate::shutdown::Shutdown;

/// What the application is made of, before it is built.
pub struct App {
    name: String,
    environment: Environment,
    modules: Vec<Box<dyn Module>>,
    request_limit: Duration,
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
    navigation: Vec<Link>,
    routes: Vec<RouteInfo>,
    endpoints: Arc<[Arc<Endpoint>]>,
    limits: Limits,
    request_limit: Duration,
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
            request_limit: Duration::from_secs(60),
        }
    }

    /// How long a request may take before it is stopped: a minute, unless this says otherwise.
    #[must_use]
    pub fn request_limit(mut self, limit: Duration) -> Self {
        self.request_limit = limit;
        self
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

    /// What modules find weak in a configuration that holds.
    pub(crate) fn weaknesses(&self, config: &Config) -> Vec<Fault> {
        self.modules
            .iter()
            .flat_map(|module| module.weaknesses(config))
            .collect()
    }

    /// What modules would rather have otherwise in a configuration that holds.
    pub(crate) fn cautions(&self, config: &Config) -> Vec<Fault> {
        let modules = self.modules.iter();
        modules.flat_map(|module| module.cautions(config)).collect()
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
            request_limit: self.request_limit,
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
            navigation: navigation.into_iter().map(Link::from).collect(),
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
        Flags::settle(declared, &config.vars)
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
