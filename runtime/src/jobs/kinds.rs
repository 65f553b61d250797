//! Which jobs there are and how each is done: what modules declared.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{bail, ensure};
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::Job;
use super::pace::Pace;
use super::rules::give_up;
use crate::app::Core;
use crate::config::{Faults, Vars};
use crate::error::Result;

type Run =
    Box<dyn for<'a> Fn(&'a Core, &'a str) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static>;

/// How the jobs of one name are done.
pub(crate) struct Kind {
    pub name: &'static str,
    /// None: work on the clock, which is tried until it succeeds.
    pub attempts: Option<u32>,
    pub time_limit: Duration,
    /// Leaves one place to others.
    pub is_long: bool,
    pub run: Run,
}

/// Work on the clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    pub name: &'static str,
    pub period: Duration,
}

/// Every kind of job, and the bell that wakes this process's worker.
#[derive(Default)]
pub(crate) struct Kinds {
    kinds: BTreeMap<&'static str, Kind>,
    schedules: Vec<Schedule>,
    bell: Arc<Notify>,
    pace: Pace,
    faults: Vec<String>,
}

impl Kinds {
    pub fn add<J: Job>(
        &mut self,
        handler: impl for<'a> Fn(&'a Core, J) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    ) {
        let run: Run = Box::new(
            move |core, payload| match serde_json::from_str::<J>(payload) {
                Ok(job) => handler(core, job),
                Err(fault) => Box::pin(async move { Err(give_up(fault)) }),
            },
        );
        self.insert(Kind {
            name: J::NAME,
            attempts: Some(J::ATTEMPTS),
            time_limit: J::TIME_LIMIT,
            is_long: J::IS_LONG,
            run,
        });
    }

    pub fn add_schedule(
        &mut self,
        schedule: Schedule,
        handler: impl for<'a> Fn(&'a Core) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    ) {
        self.schedules.push(schedule);
        self.insert(Kind {
            name: schedule.name,
            attempts: None,
            time_limit: schedule.period.max(Duration::from_secs(60)),
            is_long: false,
            run: Box::new(move |core, _| handler(core)),
        });
    }

    fn insert(&mut self, kind: Kind) {
        let name = kind.name;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'_';
        if name.is_empty() || !name.bytes().all(plain) {
            self.faults
                .push(format!("the job {name:?} is not named like module.verb"));
        }
        if self.kinds.insert(name, kind).is_some() {
            self.faults
                .push(format!("the job {name} is declared twice"));
        }
    }

    /// Takes in the environment once everything is declared.
    ///
    /// # Errors
    /// When what modules declared does not fit together, or a variable is set wrongly.
    pub fn settle(&mut self, vars: &Vars) -> anyhow::Result<()> {
        self.pace = Pace::from_vars(vars).map_err(Faults)?;
        if let Some(fault) = self.faults.first() {
            bail!("{fault}");
        }
        for schedule in &self.schedules {
            let (name, period) = (schedule.name, schedule.period);
            ensure!(
                !period.is_zero(),
                "the job {name} is to run without a pause"
            );
        }
        Ok(())
    }

    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.get(name)
    }

    /// Their names; those of long jobs only when `long` says so.
    pub fn names(&self, long: bool) -> impl Iterator<Item = &'static str> {
        let kinds = self.kinds.values();
        let kinds = kinds.filter(move |kind| long || !kind.is_long);
        kinds.map(|kind| kind.name)
    }

    pub fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Rings when there is work.
    pub fn bell(&self) -> Arc<Notify> {
        self.bell.clone()
    }
}
