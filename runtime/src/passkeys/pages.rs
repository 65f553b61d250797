//! What the pages of this domain are rendered with.

use serde::Serialize;

use super::store::Passkey;
use crate::clock::Timestamp;
use crate::error::FieldErrors;
use crate::pages::{Page, Sample};

pub(super) fn samples() -> Vec<Sample> {
    vec![Sample::of::<NewPage>(), Sample::of::<PasskeyPage>()]
}

/// Asks for the name of a new passkey, and a device for the passkey.
#[derive(Debug, Default, Serialize)]
pub(super) struct NewPage {
    pub name: String,
    pub errors: FieldErrors,
}

impl Page for NewPage {
    const TEMPLATE: &'static str = "passkeys/new.html";

    fn sample() -> Self {
        Self {
            name: "My <phone>".into(),
            errors: FieldErrors::one("form", "This passkey is somebody's already."),
        }
    }
}

/// One passkey, to rename or remove.
#[derive(Debug, Serialize)]
pub(super) struct PasskeyPage {
    pub id: String,
    /// As it is called now.
    pub title: String,
    /// As it stands in the form.
    pub name: String,
    pub created_at: Timestamp,
    pub used_at: Option<Timestamp>,
    pub errors: FieldErrors,
}

impl PasskeyPage {
    pub fn new(passkey: &Passkey) -> Self {
        Self {
            id: passkey.id.to_string(),
            title: passkey.name.clone(),
            name: passkey.name.clone(),
            created_at: passkey.created_at,
            used_at: passkey.used_at,
            errors: FieldErrors::default(),
        }
    }
}

impl Page for PasskeyPage {
    const TEMPLATE: &'static str = "passkeys/passkey.html";

    fn sample() -> Self {
        Self {
            id: "019a0000-0000-7000-8000-000000000000".into(),
            title: "My <phone>".into(),
            name: String::new(),
            created_at: Timestamp::from_micros(1_795_251_905_000_000),
            used_at: None,
            errors: FieldErrors::one("name", "A name has at most 60 characters."),
        }
    }
}
