//! Routes with their access rules: what a module hands to the application.

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{MethodFilter, on};
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
    filter: MethodFilter,
    handler: AnyHandler,
}

/// A handler whose own type is forgotten, so that axum's routing is compiled once and not again for every route.
#[derive(Clone)]
struct AnyHandler(Arc<dyn Fn(Request, Core) -> Answering + Send + Sync>);

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

impl AnyHandler {
    fn new<T>(handler: impl Handler<T, Core>) -> Self {
        Self(Arc::new(move |request, core| {
            Box::pin(handler.clone().call(request, core))
        }))
    }
}

impl Handler<(), Core> for AnyHandler {
    type Future = Answering;

    fn call(self, request: Request, core: Core) -> Answering {
        (self.0)(request, core)
    }
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
        let handler = AnyHandler::new(handler);
        self.add((MethodFilter::GET, "GET"), path, rule.rule(), handler)
    }

    /// Answers `POST` at `path`.
    #[must_use]
    pub fn post<H, T>(self, path: &'static str, rule: impl RuleFor<T>, handler: H) -> Self
    where
        H: Handler<T, Core> + Sync,
        T: 'static,
    {
        let handler = AnyHandler::new(handler);
        self.add((MethodFilter::POST, "POST"), path, rule.rule(), handler)
    }

    fn add(
        mut self,
        (filter, method): (MethodFilter, &'static str),
        path: &'static str,
        rule: Rule,
        handler: AnyHandler,
    ) -> Self {
        let info = RouteInfo {
            method,
            path,
            access: rule.access,
            rule: describe(rule),
            flag: rule.flag.map(|flag| flag.name),
        };
        self.routes.push(Route {
            info,
            rule,
            filter,
            handler,
        });
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
                let guarded = from_fn_with_state((core.clone(), route.rule), guard);
                let method = on(route.filter, route.handler).route_layer(guarded);
                router.route(route.info.path, method)
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
