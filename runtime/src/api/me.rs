//! `GET /api/v1/me`: whose key it is, and what it may do.

use schemars::JsonSchema;
use serde::Serialize;

use super::entity::ApiKey;
use super::key::hint;
use crate::error::{Error, Result};
use crate::http::{About, Answer, Call, Endpoint, Scope};

static READ: Scope = Scope {
    name: "account:read",
    summary: "see your name and e-mail address",
};

pub(super) fn endpoint() -> Endpoint {
    let about = About {
        id: "get_me",
        group: "Account",
        summary: "Who I am",
        description: "The account that the key belongs to, and what the key may do.",
        scope: &READ,
    };
    Endpoint::get("/api/v1/me", about, me)
}

/// The account that a key belongs to.
#[derive(Serialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
struct Me {
    /// The account's identifier.
    #[schemars(extend("format" = "uuid"))]
    id: String,
    email: String,
    /// Empty until its owner fills it in.
    name: String,
    key: MyKey,
}

/// The key that the request was made with.
#[derive(Serialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
struct MyKey {
    /// What its owner calls it.
    name: String,
    /// How it begins.
    hint: String,
    /// What it may do.
    scopes: Vec<String>,
    /// When it ends; null where it does not.
    #[schemars(extend("format" = "date-time"))]
    expires_at: Option<String>,
}

impl Answer for Me {
    fn example() -> Self {
        Self {
            id: "019ab3f0-5c1e-7c3a-9a51-2f4b8c6d7e80".into(),
            email: "ada@example.com".into(),
            name: "Ada Lovelace".into(),
            key: MyKey {
                name: "Production".into(),
                hint: hint("A1b2C3d4"),
                scopes: vec!["account:read".into(), "credits:read".into()],
                expires_at: Some("2027-01-01T00:00:00Z".into()),
            },
        }
    }
}

async fn me(call: Call) -> Result<Me> {
    let key = call.extensions.get::<ApiKey>();
    let key = key.ok_or_else(|| Error::internal(anyhow::anyhow!("the gate left no key")))?;
    Ok(Me {
        id: call.caller.id.to_string(),
        email: call.caller.email.clone(),
        name: call.caller.name.clone(),
        key: MyKey {
            name: key.name.clone(),
            hint: hint(&key.handle),
            scopes: key.scopes.clone(),
            expires_at: key.expires_at.map(|end| end.rfc3339()),
        },
    })
}
