//! How much one process does at a time and how soon others take over from one that died: settings of the
//! environment.

use std::time::Duration;

use crate::config::{Fault, Vars};

/// The pace of one process's worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// How many jobs are done at a time (`JOBS_AT_ONCE`).
    pub at_once: usize,
    /// A worker that does not renew a lease for this long has died (`JOBS_LEASE`, in seconds).
    pub lease: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            at_once: 4,
            lease: Duration::from_secs(60),
        }
    }
}

impl Pace {
    /// # Errors
    /// Every variable that does not hold what it should.
    pub fn from_vars(vars: &Vars) -> Result<Self, Vec<Fault>> {
        let (mut pace, mut faults) = (Self::default(), Vec::new());
        let mut number = |name: &str, range: std::ops::RangeInclusive<u16>| {
            let text = vars.get(name).map(|text| text.trim())?;
            let number = text.parse().ok().filter(|number| range.contains(number));
            if number.is_none() && !text.is_empty() {
                let problem = format!(
                    "{text:?} is no number from {} to {}",
                    range.start(),
                    range.end()
                );
                faults.push(Fault {
                    variable: name.into(),
                    problem,
                });
            }
            number
        };
        if let Some(number) = number("JOBS_AT_ONCE", 1..=256) {
            pace.at_once = number.into();
        }
        if let Some(seconds) = number("JOBS_LEASE", 3..=3600) {
            pace.lease = Duration::from_secs(seconds.into());
        }
        if faults.is_empty() {
            Ok(pace)
        } else {
            Err(faults)
        }
    }

    /// How often a lease is renewed: it bears two failures.
    pub fn renewal(&self) -> Duration {
        self.lease / 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Pace, Vec<Fault>> {
        let vars = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        Pace::from_vars(&vars.collect())
    }

    #[test]
    fn the_environment_may_set_the_pace() {
        assert_eq!(read(&[("JOBS_LEASE", "")]), Ok(Pace::default()));
        let pace = read(&[("JOBS_AT_ONCE", "8"), ("JOBS_LEASE", "30")]).unwrap();
        assert_eq!((pace.at_once, pace.renewal().as_secs()), (8, 10));
    }

    #[test]
    fn every_fault_is_reported() {
        let faults = read(&[("JOBS_AT_ONCE", "0"), ("JOBS_LEASE", "soon")]).unwrap_err();
        let names: Vec<_> = faults.iter().map(|fault| &*fault.variable).collect();
        assert_eq!(names, ["JOBS_AT_ONCE", "JOBS_LEASE"]);
    }
}
