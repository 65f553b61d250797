//! The auditor: payments, what went back of them, what they brought, what the ledger has and, where it may be asked,
//! what the provider has. It changes nothing and lists every difference.

mod books;
mod provider;

use serde::Serialize;

use crate::app::Core;
use crate::credits;
use crate::error::Result;

/// What the auditor saw.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub payments: u64,
    pub objects: u64,
    pub findings: Vec<Finding>,
}

/// Something that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The provider's name of what it is about.
    pub object: String,
    pub what: String,
}

impl Report {
    fn tell(&mut self, object: &str, what: impl Into<String>) {
        self.findings.push(Finding {
            object: object.to_owned(),
            what: what.into(),
        });
    }
}

/// Compares payments, what went back of them, what they brought and what the ledger has; `with_provider` also with the
/// provider's own objects.
///
/// # Errors
/// When the database or the provider does not answer.
pub async fn verify(core: &Core, with_provider: bool) -> Result<Report> {
    let mut report = Report::default();
    books::check(core, &mut report).await?;
    for finding in credits::verify::verify(core).await?.findings {
        let object = finding.account.as_deref().unwrap_or("prices");
        report.tell(object, finding.what);
    }
    if with_provider {
        provider::check(core, &mut report).await?;
    }
    Ok(report)
}
