//! One operation in the description.

use std::borrow::Cow;

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::problem;
use super::schemas::Schemas;
use crate::api::rules;
use crate::http::{Endpoint, Place, Refusal, Shape, Special};

/// An endpoint, or one of its addresses about which more is known.
pub(super) struct Operation<'a> {
    endpoint: &'a Endpoint,
    special: Option<&'a Special>,
}

impl<'a> Operation<'a> {
    /// The endpoint as a whole, then each address about which more is known.
    pub fn all(endpoint: &'a Endpoint) -> impl Iterator<Item = Self> {
        let specials = endpoint.specials.iter().map(Some);
        let make = move |special| Self { endpoint, special };
        std::iter::once(None).chain(specials).map(make)
    }

    pub fn path(&self) -> String {
        let path = self.special.map(|special| special.path.as_str());
        path.unwrap_or(self.endpoint.path).to_owned()
    }

    pub fn describe(&self, schemas: &mut Schemas) -> Value {
        let about = &self.endpoint.about;
        let (id, summary, description) = match self.special {
            Some(special) => (
                Cow::from(&special.id),
                Cow::from(&special.summary),
                Cow::from(&special.description),
            ),
            None => (
                about.id.into(),
                about.summary.into(),
                about.description.into(),
            ),
        };
        let mut operation = json!({
            "operationId": id,
            "tags": [about.group],
            "summary": summary,
            "description": format!("{description}\n\nThe key needs the scope `{}`.", about.scope.name),
            "parameters": self.parameters(),
            "responses": self.responses(schemas),
        });
        if let Some((shape, example)) = self.body() {
            operation["requestBody"] = json!({
                "required": true,
                "content": {
                    "application/json": { "schema": schemas.input(shape), "example": example },
                },
            });
        }
        operation
    }

    fn body(&self) -> Option<&(Shape, Value)> {
        match self.special {
            Some(special) => Some(&special.body),
            None => self.endpoint.body.as_ref(),
        }
    }

    fn parameters(&self) -> Value {
        let mut all = Vec::new();
        for parameter in &self.endpoint.parameters {
            let place = match parameter.place {
                Place::Path if self.special.is_some() => continue,
                Place::Path => "path",
                Place::Query => "query",
                Place::Header => "header",
            };
            all.push(json!({
                "name": parameter.name,
                "in": place,
                "required": parameter.place == Place::Path,
                "description": parameter.description,
                "schema": parameter.schema,
                "example": parameter.example,
            }));
        }
        if self.endpoint.method == Method::POST {
            all.push(json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
        }
        Value::Array(all)
    }

    fn responses(&self, schemas: &mut Schemas) -> Value {
        let (shape, example) = match self.special {
            Some(special) => &special.answer,
            None => &self.endpoint.answer,
        };
        let mut responses = Map::new();
        let mut names = vec!["X-Request-Id", "RateLimit", "RateLimit-Policy"];
        if self.endpoint.method == Method::POST {
            names.push("Idempotent-Replayed");
        }
        for (status, description) in &self.endpoint.statuses {
            let schema = schemas.output(shape);
            let answer = json!({
                "description": description,
                "headers": header_references(&with_own(self.endpoint, *status, &names)),
                "content": { (self.endpoint.media_type()): { "schema": schema, "example": example } },
            });
            responses.insert(status.as_str().into(), answer);
        }
        for (status, refusals) in by_status(&refusals(self.endpoint)) {
            let answer = problem::response(status, &refusals, schemas);
            responses.insert(status.as_str().into(), answer);
        }
        Value::Object(responses)
    }
}

/// `names`, and the headers that not every endpoint's answers have.
fn with_own<'a>(endpoint: &Endpoint, status: StatusCode, names: &[&'a str]) -> Vec<&'a str> {
    let mut names = names.to_vec();
    if endpoint.parameters.iter().any(|one| one.name == "Prefer") {
        names.push("Preference-Applied");
    }
    if status == StatusCode::ACCEPTED && endpoint.location.is_some() {
        names.push("Location");
    }
    names
}

/// How `endpoint` may refuse, what every endpoint does included.
fn refusals(endpoint: &Endpoint) -> Vec<&'static Refusal> {
    let has = |place| endpoint.parameters.iter().any(|one| one.place == place);
    let is_post = endpoint.method == Method::POST;
    let mut all = vec![
        &rules::NO_KEY,
        &rules::INVALID_KEY,
        &rules::INSUFFICIENT_SCOPE,
        &rules::TOO_MANY,
        &rules::INTERNAL,
        &rules::TIMED_OUT,
    ];
    if has(Place::Path) {
        all.push(&rules::NOT_FOUND);
    }
    if is_post || has(Place::Query) {
        all.push(&rules::INVALID_INPUT);
    }
    if is_post {
        all.extend([
            &rules::MALFORMED_JSON,
            &rules::INVALID_IDEMPOTENCY_KEY,
            &rules::IN_PROGRESS,
            &rules::TOO_LARGE,
            &rules::NOT_JSON,
            &rules::KEY_REUSED,
        ]);
    }
    all.extend(&endpoint.refusals);
    all
}

fn by_status(all: &[&'static Refusal]) -> Vec<(StatusCode, Vec<&'static Refusal>)> {
    let mut groups: Vec<(StatusCode, Vec<&'static Refusal>)> = Vec::new();
    for refusal in all {
        match groups
            .iter_mut()
            .find(|(status, _)| *status == refusal.status)
        {
            Some((_, group)) => group.push(refusal),
            None => groups.push((refusal.status, vec![refusal])),
        }
    }
    groups.sort_by_key(|(status, _)| *status);
    groups
}

/// References to headers, by name.
pub(super) fn header_references(names: &[&str]) -> Value {
    let pair = |name: &&str| {
        let path = format!("#/components/headers/{name}");
        ((*name).to_owned(), json!({ "$ref": path }))
    };
    Value::Object(names.iter().map(pair).collect())
}

/// The headers that answers carry.
pub(super) fn headers() -> Value {
    let text = |description: &str, example: &str| {
        json!({
            "description": description,
            "schema": { "type": "string" },
            "example": example,
        })
    };
    json!({
        "X-Request-Id": text(
            "Under which the request is found in the logs.",
            "019ab3f0-5c1e-7c3a-9a51-2f4b8c6d7e80",
        ),
        "RateLimit": text(
            "How many requests may follow (`r`) within how many seconds (`t`).",
            "\"key\";r=599;t=60",
        ),
        "RateLimit-Policy": text(
            "How many requests (`q`) a key may make within how many seconds (`w`).",
            "\"key\";q=600;w=60",
        ),
        "Idempotent-Replayed": text(
            "`true` where the answer was given before, to a request with the same Idempotency-Key.",
            "true",
        ),
        "Preference-Applied": text(
            "What was done of `Prefer` (RFC 7240); absent where nothing was.",
            "wait=10",
        ),
        "Location": text("Where to ask again.", "/api/v1/runs/019ab3f0-5c1e-7c3a-9a51-2f4b8c6d7e80"),
        "Retry-After": text("After how many seconds to try again.", "5"),
        "WWW-Authenticate": text("How to prove who one is.", "Bearer realm=\"api\""),
    })
}

/// The parameter that every POST takes.
pub(super) fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "A text of your own that is different for each thing to be done. Sent again with the same \
            key and body, a request happens once and gets the first answer.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
        "example": "order-4711",
    })
}
