//! What the pages of keys are rendered with.

use serde::Serialize;

use crate::api::entity::{ApiKey, KeyState};
use crate::api::key::hint;
use crate::api::rules;
use crate::clock::Timestamp;
use crate::error::FieldErrors;
use crate::http::Scope;
use crate::pages::{Choice, Page};

/// `/accounts/api-keys`.
#[derive(Debug, Serialize)]
pub struct KeysPage {
    pub keys: Vec<KeyRow>,
    pub form: KeyForm,
    pub overlaps: Vec<Choice>,
    pub errors: FieldErrors,
}

/// One key in the list.
#[derive(Debug, Serialize)]
pub struct KeyRow {
    pub id: String,
    pub name: String,
    /// How it begins.
    pub hint: String,
    pub state: KeyState,
    pub is_live: bool,
    pub scopes: Vec<String>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    /// Belongs to one filling-in of the form that replaces it.
    pub form_key: String,
}

/// The form that makes a key.
#[derive(Debug, Default, Serialize)]
pub struct KeyForm {
    pub name: String,
    pub expiry: String,
    pub scopes: Vec<ScopeBox>,
    pub lives: Vec<Choice>,
    pub form_key: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct ScopeBox {
    /// The checkbox's name.
    pub field: String,
    pub label: String,
    pub checked: bool,
}

impl KeyRow {
    pub fn new(key: &ApiKey, now: Timestamp, form_key: String) -> Self {
        let state = key.state(now);
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            hint: hint(&key.handle),
            state,
            is_live: state.is_live(),
            scopes: key.scopes.clone(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            form_key,
        }
    }
}

impl KeyForm {
    /// The form with every scope of `scopes` of which `is_checked` is true.
    pub fn new(scopes: &[&Scope], is_checked: impl Fn(&str) -> bool) -> Self {
        let scope_box = |scope: &&Scope| ScopeBox {
            field: field(scope),
            label: format!("{}: {}", scope.name, scope.summary),
            checked: is_checked(&field(scope)),
        };
        let lives = rules::LIVES.map(|(value, label)| Choice::new(value, label));
        Self {
            scopes: scopes.iter().map(scope_box).collect(),
            lives: lives.into(),
            expiry: "90".into(),
            ..Self::default()
        }
    }
}

/// The name of a scope's checkbox.
pub fn field(scope: &Scope) -> String {
    format!("scope_{}", scope.name.replace(':', "_"))
}

impl KeysPage {
    pub fn new(keys: Vec<KeyRow>, form: KeyForm, errors: FieldErrors) -> Self {
        let overlaps = rules::OVERLAPS.map(|(value, label, _)| Choice::new(value, label));
        Self {
            keys,
            form,
            overlaps: overlaps.into(),
            errors,
        }
    }
}

impl Page for KeysPage {
    const TEMPLATE: &'static str = "api/keys.html";

    fn sample() -> Self {
        let at = Timestamp::from_micros(1_767_225_600_000_000);
        let row = |state: KeyState, name: &str| KeyRow {
            id: "019ab3f0-5c1e-7c3a-9a51-2f4b8c6d7e80".into(),
            name: name.into(),
            hint: hint("A1b2C3d4"),
            state,
            is_live: state.is_live(),
            scopes: vec!["credits:read".into(), "services:run".into()],
            created_at: at,
            expires_at: (state != KeyState::Active).then_some(at),
            last_used_at: state.is_live().then_some(at),
            form_key: "0123456789abcdefghij".into(),
        };
        let keys = vec![
            row(KeyState::Active, "Production <b>"),
            row(KeyState::Replaced, "Ada's laptop"),
            row(KeyState::Expired, "Trial"),
            row(KeyState::Revoked, "Leaked"),
        ];
        static SCOPE: Scope = Scope {
            name: "credits:read",
            summary: "see the balance",
        };
        let errors = FieldErrors::one("name", "Enter a name.");
        Self::new(keys, KeyForm::new(&[&SCOPE], |_| true), errors)
    }
}

/// The page that shows a new key, for the only time.
#[derive(Debug, Serialize)]
pub struct NewKeyPage {
    pub name: String,
    pub secret: String,
    /// Until when the key that it replaces goes on working, if it replaces one.
    pub old_ends_at: Option<Timestamp>,
    /// A first call with it.
    pub example: String,
}

impl NewKeyPage {
    pub fn new(name: &str, secret: &str, base_url: &str, old_ends_at: Option<Timestamp>) -> Self {
        Self {
            name: name.into(),
            secret: secret.into(),
            old_ends_at,
            example: format!("curl {base_url}/api/v1/me -H \"Authorization: Bearer {secret}\""),
        }
    }
}

impl Page for NewKeyPage {
    const TEMPLATE: &'static str = "api/new_key.html";

    fn sample() -> Self {
        let end = Timestamp::from_micros(1_767_225_600_000_000);
        Self::new(
            "Production <b>",
            "qs_live_A1b2C3d4",
            "https://app.example",
            Some(end),
        )
    }
}
