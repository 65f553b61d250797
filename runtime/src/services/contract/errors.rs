//! The ways in which a run comes to nothing, tried out: without the credits for it, asked for a second time, and stopped.
//! None may cost anything, and whoever is refused reads why.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Map, Value};

use super::super::entity::{RunId, RunStatus};
use super::{Finding, Submission, Submitted, Trial, inputs};
use crate::credits::{self, Credits, Note, Owner};
use crate::crypto::random_token;
use crate::services::actions::{self, Patience};
use crate::services::offers;

type Input = Map<String, Value>;

/// How long a run that was stopped may take to end.
const END: Duration = Duration::from_secs(60);
/// The longest sentence that somebody reads.
const SENTENCE: usize = 500;

impl Trial<'_> {
    /// What goes wrong with a run that fits its types goes wrong in the same way for every service.
    pub(super) async fn error_paths(&mut self) -> anyhow::Result<Finding> {
        let usual = inputs::usual(self.service.input());
        let mut faults = std::mem::take(&mut self.refusals.faults);
        let ways = [
            self.cannot_pay(&usual).await?,
            self.asks_again(&usual).await?,
            self.stops(&usual, true).await?,
            self.stops(&usual, false).await?,
        ];
        let tried = self.refusals.tried + ways.len();
        faults.extend(ways.into_iter().flatten().map(str::to_owned));
        Ok(self.finding("error paths", tried, faults))
    }

    /// Looks at what somebody reads whose input cannot be worked on.
    pub(super) fn read(&mut self, sentence: &str) {
        self.refusals.tried += 1;
        let length = sentence.trim().chars().count();
        if !(1..=SENTENCE).contains(&length) || sentence.contains(char::is_control) {
            let why = format!("It refuses an input with what is no sentence: {sentence:?}.");
            self.refusals.faults.push(why);
        }
    }

    /// Somebody who has less than it costs.
    async fn cannot_pay(&self, usual: &Input) -> anyhow::Result<Option<&'static str>> {
        let price = offers::find(self.core, self.name).await?.price.amount;
        let available = self.available().await?;
        let Some(too_much) = available.checked_sub(price) else {
            return self.is_refused(usual).await;
        };
        if price.is_zero() {
            return Ok(None);
        }
        let spent = too_much.checked_add(Credits::from_milli(1));
        let spent = spent.context("an account holds less than there can be")?;
        let owner = Owner::User(self.user.clone());
        let note = Note::system(format!("contract:{}", random_token()), "To have too little");
        credits::actions::spend(self.core, &owner, spent, &note).await?;
        self.is_refused(usual).await
    }

    async fn is_refused(&self, usual: &Input) -> anyhow::Result<Option<&'static str>> {
        let before = self.available().await?;
        let submitted = self.send(&random_token(), usual, false).await;
        Ok(match submitted {
            Ok(Submitted::Run { .. }) => Some("It was run for somebody who has too few credits."),
            Err(why) if why.code() != "insufficient_credits" => return Err(why.into()),
            Ok(Submitted::Invalid(_) | Submitted::KeyReused | Submitted::SwitchedOff) | Err(_) => {
                let is_charged = self.available().await? != before;
                is_charged.then_some("Who has too few credits was charged all the same.")
            }
        })
    }

    /// Somebody who sends the same twice, and then something else under the same key.
    async fn asks_again(&self, usual: &Input) -> anyhow::Result<Option<&'static str>> {
        self.afford_one().await?;
        let key = random_token();
        let Submitted::Run { run: first, .. } = self.send(&key, usual, true).await? else {
            return Ok(None);
        };
        let left = self.available().await?;
        let again = self.send(&key, usual, true).await?;
        let mut other = usual.clone();
        other.insert("\u{0}of another form".into(), Value::Null);
        let other = self.send(&key, &other, true).await?;
        actions::cancel(self.core, self.user, &first.id).await?;
        Ok(match (again, other) {
            (Submitted::Run { run: again, .. }, _) if again.id != first.id => {
                Some("It was run twice under one key.")
            }
            (_, Submitted::Run { .. }) => Some("Another input under the same key was run."),
            _ if self.available().await? < left => Some("It was charged twice under one key."),
            _ => None,
        })
    }

    /// Somebody who stops a run, while it waits or while it is under way.
    async fn stops(&self, usual: &Input, is_waiting: bool) -> anyhow::Result<Option<&'static str>> {
        self.afford_one().await?;
        let before = self.available().await?;
        let Submitted::Run { run, .. } = self.send(&random_token(), usual, is_waiting).await?
        else {
            return Ok(None);
        };
        actions::cancel(self.core, self.user, &run.id).await?;
        let Some(status) = self.end_of(&run.id).await? else {
            return Ok(Some("A run that was stopped went on."));
        };
        let is_charged = self.available().await? != before;
        Ok(match status {
            // It was quicker than whoever stopped it.
            RunStatus::Succeeded => is_waiting.then_some("A run that was stopped went on."),
            _ => is_charged.then_some("A run that was stopped was charged."),
        })
    }

    /// How a run ended; none when it does not.
    async fn end_of(&self, id: &RunId) -> anyhow::Result<Option<RunStatus>> {
        let begun = Instant::now();
        while begun.elapsed() < END {
            let run = actions::find_run(self.core, self.user, id).await?;
            if run.status.is_over() {
                return Ok(Some(run.status));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(None)
    }

    async fn afford_one(&self) -> anyhow::Result<()> {
        let price = offers::find(self.core, self.name).await?.price.amount;
        self.afford(price).await
    }

    /// Asks for a run without waiting for its end.
    async fn send(
        &self,
        key: &str,
        input: &Input,
        is_for_later: bool,
    ) -> crate::error::Result<Submitted> {
        let submission = Submission {
            key: key.to_owned(),
            input: input.clone(),
            patience: Patience::AtMost(Duration::ZERO),
            is_for_later,
        };
        self.run(submission).await
    }
}
