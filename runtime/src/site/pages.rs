//! What the public pages are rendered with.

use serde::{Deserialize, Serialize};

use crate::error::FieldErrors;
use crate::module::Panel;
use crate::pages::Page;

#[derive(Debug, Serialize)]
pub(super) struct Home {}

impl Page for Home {
    const TEMPLATE: &'static str = "home.html";

    fn sample() -> Self {
        Self {}
    }
}

#[derive(Debug, Serialize)]
pub(super) struct About {}

impl Page for About {
    const TEMPLATE: &'static str = "about.html";

    fn sample() -> Self {
        Self {}
    }
}

/// The price list: each module says what it costs.
#[derive(Debug, Serialize)]
pub(super) struct Pricing {
    pub panels: Vec<Panel>,
}

impl Page for Pricing {
    const TEMPLATE: &'static str = "pricing.html";

    fn sample() -> Self {
        Self { panels: Vec::new() }
    }
}

/// The contact form with what was typed so far.
#[derive(Debug, Default, Serialize)]
pub(super) struct Contact {
    pub form: ContactForm,
    pub errors: FieldErrors,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct ContactForm {
    pub name: String,
    pub email: String,
    pub message: String,
}

impl Page for Contact {
    const TEMPLATE: &'static str = "contact.html";

    fn sample() -> Self {
        Self {
            form: ContactForm {
                name: "Ada <b>Lovelace</b>".into(),
                email: "ada@".into(),
                message: "Hello".into(),
            },
            errors: FieldErrors::one("email", "Enter an e-mail address."),
        }
    }
}
