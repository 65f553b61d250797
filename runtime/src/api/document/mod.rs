//! The API's description: OpenAPI 3.1, made of the endpoints that are mounted.

mod operation;
mod problem;
mod schemas;
pub(super) mod snippets;

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value, json};

use crate::app::Core;
use crate::error::Result;
use crate::http::{Endpoint, Scope};
use operation::Operation;
use schemas::Schemas;

/// The description, once somebody has asked for it.
#[derive(Default)]
pub(super) struct Cache(OnceLock<Arc<Value>>);

/// The description of `core`'s API. It does not change while the application runs.
///
/// # Errors
/// When the module is not there.
pub(super) fn cached(core: &Core) -> Result<Arc<Value>> {
    let cache = core.state::<Cache>()?;
    Ok(cache.0.get_or_init(|| Arc::new(document(core))).clone())
}

/// The description of `core`'s API.
pub fn document(core: &Core) -> Value {
    let mut schemas = Schemas::default();
    let mut paths = Map::new();
    for endpoint in core.endpoints() {
        for operation in Operation::all(endpoint) {
            let described = operation.describe(&mut schemas);
            let method = endpoint.method.as_str().to_lowercase();
            let path = paths.entry(operation.path()).or_insert_with(|| json!({}));
            path[method] = described;
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("{} API", core.name()),
            "version": "1.0.0",
            "description": INTRODUCTION,
        },
        "servers": [{ "url": core.config().url.trim_end_matches('/') }],
        "tags": groups(core),
        "security": [{ "api_key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "api_key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, which its owner makes on the page “API keys” of the account.",
                },
            },
            "headers": operation::headers(),
            "parameters": { "IdempotencyKey": operation::idempotency_key() },
            "schemas": schemas.finish(),
        },
    })
}

const INTRODUCTION: &str = "Every request carries an API key in the header `Authorization: Bearer qs_live_…`. \
    Bodies are JSON. Amounts of credits are decimal texts with at most three places. Times are RFC 3339 in UTC.\n\n\
    A refusal is a problem document (RFC 9457) with a `code` that does not change. An address that does not exist \
    is `404 not_found`, one that does not take the method `405 method_not_allowed`.\n\n\
    A POST may carry an `Idempotency-Key`. Sent again with the same key and body within 24 hours, it gives the first \
    answer and happens once; with another body it is refused with 422 `idempotency_key_reused`. The first answer is \
    final, also when it is a refusal: use a new key to try again. After a 5xx and after an answer that has \
    `Retry-After`, use the same key.\n\n\
    The headers `RateLimit` and `RateLimit-Policy` tell how many requests the key may still make.";

/// The headings, in the order in which they come first.
fn groups(core: &Core) -> Value {
    let mut names: Vec<&str> = Vec::new();
    for endpoint in core.endpoints() {
        if !names.contains(&endpoint.about.group) {
            names.push(endpoint.about.group);
        }
    }
    names.iter().map(|name| json!({ "name": name })).collect()
}

/// What a key can be allowed, in the order in which it comes first.
pub(super) fn scopes(endpoints: &[Arc<Endpoint>]) -> Vec<&'static Scope> {
    let mut scopes: Vec<&'static Scope> = Vec::new();
    for endpoint in endpoints {
        if !scopes.contains(&endpoint.about.scope) {
            scopes.push(endpoint.about.scope);
        }
    }
    scopes
}
