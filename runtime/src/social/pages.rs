//! What the pages of this domain are rendered with.

use serde::Serialize;

use crate::pages::{Page, Sample};

pub(super) fn samples() -> Vec<Sample> {
    vec![Sample::of::<LeavePage>()]
}

/// Sends the browser on to a provider: a form may not lead to another site by itself.
#[derive(Debug, Serialize)]
pub(super) struct LeavePage {
    pub provider: String,
    pub url: String,
}

impl Page for LeavePage {
    const TEMPLATE: &'static str = "social/leave.html";

    fn sample() -> Self {
        Self {
            provider: "Acme <b>".into(),
            url: "https://id.example/authorize?a=1&b=2".into(),
        }
    }
}
