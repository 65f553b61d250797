//! Routes with their access rules: what a module hands to the application.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde::Serialize;

use super::access::{Access, Rule};
use super::guard::guard;
use super::staff::RuleFor;
use crate::app::Core;

/// The routes of one module. Each names who may call it.
#[derive(Default)]
pub struct Routes {
    routes: Vec<Route>,
}

struct Route {
    info: RouteInfo,
    rule: Rule,
    /// Made once the application's state is there, which the guard needs.
    make: Box<dyn FnOnce(Core) -> MethodRouter<Core> + Send>,
}

/// What can be told about a route without calling it.
#[derive(Debug, Clone, Serialize)]
pub struct RouteInfo {
    pub method: &'static str,
    pub path: &'static str,
    #[serde(skip)]
    pub access: Access,
    /// The access rule in words: `public`, `signed in`, `staff: view_users`, `signed in, fresh`.
    pub rule: String,
    pub flag: Option<&'static str>,
}

impl Routes {
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers `GET` (and `HEAD`) at `path`.
    #[must_use]
    pub fn get<H, T>(self, path: &'static str, rule: impl RuleFor<T>, handler: H) -> Self
    where
        H: Handler<T, Core> + Sync,
        T: 'static,
    {
        self.add(Method::GET, path, rule.rule(), handler)
    }

    /// Answers `POST` at `path`.
    #[must_use]
    pub fn post<H, T>(self, path: &'static str, rule: impl RuleFor<T>, handler: H) -> Self
    where
        H: Handler<T, Core> + Sync,
        T: 'static,
    {
        self.add(Method::POST, path, rule.rule(), handler)
    }

    fn add<H, T>(mut self, method: Method, path: &'static str, rule: Rule, handler: H) -> Self
    where
        H: Handler<T, Core> + Sync,
        T: 'static,
    {
        let (filter, name) = match method {
            Method::GET => (MethodFilter::GET, "GET"),
            _ => (MethodFilter::POST, "POST"),
        };
        let info = RouteInfo {
            method: name,
            path,
            access: rule.access,
            rule: describe(rule),
            flag: rule.flag.map(|flag| flag.name),
        };
        let make = Box::new(move |core: Core| {
            on(filter, handler).route_layer(from_fn_with_state((core, rule), guard))
        });
        self.routes.push(Route { info, rule, make });
        self
    }

    /// The routes of `self`, then those of `other`.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self
    }

    /// What can be told about each route.
    pub fn describe(&self) -> Vec<RouteInfo> {
        self.routes.iter().map(|route| route.info.clone()).collect()
    }

    /// Whether every flag that a route names is among `declared`; else the first that is not.
    pub(crate) fn undeclared_flag(&self, declared: &crate::flags::Flags) -> Option<&'static str> {
        let known = |name| declared.iter().any(|(flag, _)| flag.name == name);
        self.routes
            .iter()
            .filter_map(|route| route.rule.flag)
            .map(|flag| flag.name)
            .find(|n| !known(*n))
    }

    /// The first route for the staff whose permission its handler does not state.
    pub(crate) fn unsigned(&self) -> Option<&RouteInfo> {
        let is_unsigned =
            |route: &&Route| matches!(route.rule.access, Access::Staff(_)) && !route.rule.is_signed;
        self.routes
            .iter()
            .find(is_unsigned)
            .map(|route| &route.info)
    }

    pub(crate) fn into_router(self, core: &Core) -> Router<Core> {
        self.routes
            .into_iter()
            .fold(Router::new(), |router, route| {
                router.route(route.info.path, (route.make)(core.clone()))
            })
    }
}

fn describe(rule: Rule) -> String {
    let mut words = match rule.access {
        Access::Public => "public".into(),
        Access::Machine => "machine".into(),
        Access::SignedIn => "signed in".into(),
        Access::Staff(permission) => {
            let name = serde_json::to_value(permission).unwrap_or_default();
            format!("staff: {}", name.as_str().unwrap_or_default())
        }
        Access::Key(scope) => format!("key: {}", scope.name),
    };
    if rule.fresh {
        words.push_str(", fresh");
    }
    words
}
