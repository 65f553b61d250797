//! What every service keeps to, tried out on one: it can be shown, its results are what it says of them, it refuses what does not
//! fit its types, hostile input is no fault of its own, and a run that fails costs nothing. For tests of applications.

mod alone;
mod errors;
mod inputs;
mod outputs;

pub use alone::{Tried, try_out};

use std::fmt;
use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::{Map, Value};

use super::actions::{self, Patience, Submission, Submitted};
use super::entity::{Run, RunStatus};
use super::offers;
use super::registry::Registry;
use super::rules;
use super::service::AnyService;
use crate::app::Core;
use crate::auth::actions::find_user;
use crate::credits::{self, Credits, Grant, LotKind, Note, Owner};
use crate::crypto::random_token;
use crate::ids::UserId;

/// One promise of the contract, and whether the service keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub service: String,
    /// `schema`, `limits`, `hostile input`, `error paths`, `charges`.
    pub promise: &'static str,
    /// What was tried.
    pub tried: usize,
    /// What went wrong, a sentence each; empty when the promise is kept.
    pub faults: Vec<String>,
}

impl Finding {
    pub fn is_kept(&self) -> bool {
        self.faults.is_empty()
    }
}

/// What was found of one service or of all.
#[derive(Debug, Serialize)]
pub struct Report {
    pub findings: Vec<Finding>,
}

impl Report {
    /// Tries the contract out on every service, as `user`. `CONTRACT_SERVICE` names one, if not all are meant;
    /// `CONTRACT_REPORT` names a file that gets the report as JSON.
    ///
    /// # Errors
    /// When there is no such service, or the database does not answer.
    pub async fn make(core: &Core, user: &UserId) -> anyhow::Result<Self> {
        let wanted = std::env::var("CONTRACT_SERVICE").ok();
        let registry = core.state::<Registry>()?;
        let names = match &wanted {
            Some(name) => vec![name.as_str()],
            None => registry
                .by_cost()
                .into_iter()
                .map(|(name, _)| name)
                .collect(),
        };
        let mut findings = Vec::new();
        for name in names {
            findings.extend(check(core, user, name).await?);
        }
        let report = Self { findings };
        if let Some(file) = std::env::var_os("CONTRACT_REPORT") {
            tokio::fs::write(file, serde_json::to_vec(&report)?).await?;
        }
        Ok(report)
    }

    pub fn is_kept(&self) -> bool {
        self.findings.iter().all(Finding::is_kept)
    }
}

impl fmt::Display for Report {
    /// The faults, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            for fault in &finding.faults {
                writeln!(f, "{}, {}: {fault}", finding.service, finding.promise)?;
            }
        }
        Ok(())
    }
}

/// Tries the contract out on the service called `name`, as a user who gets the credits for it.
///
/// # Errors
/// When there is no such service, or the database does not answer.
async fn check(core: &Core, user: &UserId, name: &str) -> anyhow::Result<Vec<Finding>> {
    let registry = core.state::<Registry>()?;
    let (name, service) = registry
        .find(name)
        .with_context(|| format!("there is no service {name}"))?;
    let mut trial = Trial {
        core,
        user,
        name,
        service,
        charges: Seen::default(),
        refusals: Seen::default(),
        results: Seen::default(),
    };
    let rest = [
        trial.limits().await?,
        trial.hostile_input().await?,
        trial.error_paths().await?,
        trial.charges(),
    ];
    Ok([trial.schema()].into_iter().chain(rest).collect())
}

struct Trial<'a> {
    core: &'a Core,
    user: &'a UserId,
    name: &'static str,
    service: Arc<dyn AnyService>,
    /// What was seen of the balance on the way.
    charges: Seen,
    /// And of the sentences in the place of results.
    refusals: Seen,
    /// And of the results.
    results: Seen,
}

#[derive(Default)]
struct Seen {
    tried: usize,
    faults: Vec<String>,
}

impl Trial<'_> {
    fn finding(&self, promise: &'static str, tried: usize, faults: Vec<String>) -> Finding {
        Finding {
            service: self.name.to_owned(),
            promise,
            tried,
            faults,
        }
    }

    /// It has a title, a description, and fields that say what they are for; and its results are as it describes them.
    fn schema(&mut self) -> Finding {
        let Seen { tried, mut faults } = std::mem::take(&mut self.results);
        if self.service.title().trim().is_empty() {
            faults.push("It has no title.".to_owned());
        }
        if self.service.description().trim().is_empty() {
            faults.push("It has no description.".to_owned());
        }
        let fields = &self.service.input().fields;
        for field in fields.iter().filter(|field| field.label.trim().is_empty()) {
            faults.push(format!("The field `{}` has no label.", field.name));
        }
        self.finding("schema", fields.len() + 2 + tried, faults)
    }

    /// What its types do not allow is refused before anything runs.
    async fn limits(&mut self) -> anyhow::Result<Finding> {
        let mut faults = Vec::new();
        let wrong = inputs::beyond_limits(self.service.input());
        for (what, input) in &wrong {
            match self.submit(input).await? {
                Submitted::Invalid(_) => {}
                Submitted::Run { .. } | Submitted::KeyReused | Submitted::SwitchedOff => {
                    faults.push(format!("It was run although {what}."));
                }
            }
        }
        Ok(self.finding("limits", wrong.len(), faults))
    }

    /// What its types allow gives a result or a sentence about the input, however odd it is.
    async fn hostile_input(&mut self) -> anyhow::Result<Finding> {
        let mut faults = Vec::new();
        let odd = inputs::hostile(self.service.input());
        for (what, input) in &odd {
            if let Submitted::Run { run, .. } = self.submit(input).await? {
                match fault_of(&run) {
                    Some(fault) => faults.push(format!("{fault} Its input was {what}.")),
                    None => {
                        run.error.iter().for_each(|sentence| self.read(sentence));
                        run.output
                            .iter()
                            .for_each(|output| self.compare(what, output));
                    }
                }
            }
        }
        Ok(self.finding("hostile input", odd.len(), faults))
    }

    /// Holds a result to the schema of results; the first that does not fit is told.
    fn compare(&mut self, what: &str, output: &Value) {
        self.results.tried += 1;
        if let Some(misfit) = outputs::misfit(output, self.service.output())
            && self.results.faults.is_empty()
        {
            let fault = format!("{misfit} Its input was {what}.");
            self.results.faults.push(fault);
        }
    }

    /// Nothing was charged without a result, and never more than the price.
    fn charges(&mut self) -> Finding {
        let Seen { tried, faults } = std::mem::take(&mut self.charges);
        self.finding("charges", tried, faults)
    }

    async fn submit(&mut self, input: &Map<String, Value>) -> anyhow::Result<Submitted> {
        let price = offers::find(self.core, self.name).await?.price.amount;
        self.afford(price).await?;
        let before = self.available().await?;
        let submission = Submission {
            key: random_token(),
            input: input.clone(),
            patience: Patience::UntilDone,
            is_for_later: false,
        };
        let mut submitted = self.run(submission).await?;
        if let Submitted::Run { run, .. } = &mut submitted
            && run.status == RunStatus::Queued
        {
            // In the background nobody would get to it before this looks at it.
            actions::work_on(self.core, &run.id).await?;
            **run = actions::find_run(self.core, self.user, &run.id).await?;
        }
        let charged = before
            .as_milli()
            .saturating_sub(self.available().await?.as_milli());
        let succeeded = match &submitted {
            Submitted::Run { run, .. } => run.status == RunStatus::Succeeded,
            Submitted::Invalid(_) | Submitted::KeyReused | Submitted::SwitchedOff => false,
        };
        self.charges.tried += 1;
        if !succeeded && charged > 0 {
            self.charges
                .faults
                .push("It was charged for a run without a result.".to_owned());
        } else if charged > price.as_milli() {
            self.charges
                .faults
                .push("It was charged more than its price.".to_owned());
        }
        Ok(submitted)
    }

    async fn run(&self, submission: Submission) -> crate::error::Result<Submitted> {
        let user = find_user(self.core, self.user).await?.without_session();
        let offered = offers::find(self.core, self.name).await?;
        actions::run(self.core, &user, offered, submission).await
    }

    async fn afford(&self, price: Credits) -> anyhow::Result<()> {
        if price.is_zero() {
            return Ok(());
        }
        let grant = Grant {
            kind: LotKind::Promotion,
            amount: price,
            expires_at: None,
            source: None,
        };
        let note = Note::system(
            format!("contract:{}", random_token()),
            "To try a service out",
        );
        let owner = Owner::User(self.user.clone());
        credits::actions::grant(self.core, &owner, &grant, &note).await?;
        Ok(())
    }

    async fn available(&self) -> anyhow::Result<Credits> {
        let owner = Owner::User(self.user.clone());
        Ok(credits::actions::balance(self.core, &owner)
            .await?
            .available)
    }
}

/// Why a run is the service's own fault.
fn fault_of(run: &Run) -> Option<&'static str> {
    match run.error.as_deref() {
        Some(rules::FAILED) => Some("It failed or panicked; the log says why."),
        Some(rules::TOOK_TOO_LONG) => Some("It took too long."),
        Some(_) => None,
        None => (run.status != RunStatus::Succeeded).then_some("It never ended."),
    }
}
