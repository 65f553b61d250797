//! What the pages about leaving are rendered with.

use serde::Serialize;

use crate::error::FieldErrors;
use crate::pages::{Page, Sample};

pub(in crate::auth) fn samples() -> Vec<Sample> {
    vec![Sample::of::<ExportPage>(), Sample::of::<LeavePage>()]
}

#[derive(Debug, Serialize)]
pub(super) struct ExportPage {}

impl Page for ExportPage {
    const TEMPLATE: &'static str = "auth/export.html";

    fn sample() -> Self {
        Self {}
    }
}

#[derive(Debug, Serialize)]
pub(super) struct LeavePage {
    pub email: String,
    /// How long somebody can change his mind.
    pub days: u32,
    pub errors: FieldErrors,
}

impl Page for LeavePage {
    const TEMPLATE: &'static str = "auth/leave.html";

    fn sample() -> Self {
        Self {
            email: "ada<b>@example.com".into(),
            days: 14,
            errors: FieldErrors::one("email", "This is not your address."),
        }
    }
}
