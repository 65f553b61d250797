//! Feature flags: typed constants that gate routes and navigation alike.
//! A flag is set by the environment variable `FLAG_<NAME>` (`on` or `off`).

use std::collections::BTreeMap;

use crate::config::{Fault, Faults};

/// One switch of the application. Declared as a constant by the module that it belongs to.
#[derive(Debug, PartialEq, Eq)]
pub struct Flag {
    pub name: &'static str,
    pub summary: &'static str,
    pub default: bool,
}

impl Flag {
    pub const fn on(name: &'static str, summary: &'static str) -> Self {
        Self {
            name,
            summary,
            default: true,
        }
    }

    pub const fn off(name: &'static str, summary: &'static str) -> Self {
        Self {
            name,
            summary,
            default: false,
        }
    }

    /// The environment variable that sets this flag.
    pub fn variable(&self) -> String {
        format!("FLAG_{}", self.name.to_uppercase())
    }
}

/// The flags of a running application with their values.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    values: BTreeMap<&'static str, (bool, &'static Flag)>,
}

impl Flags {
    /// Settles each declared flag from `vars` (names of variables to their values).
    ///
    /// # Errors
    /// One fault for each `FLAG_…` variable that names no flag or holds neither `on` nor `off`.
    pub fn settle(
        declared: impl IntoIterator<Item = &'static Flag>,
        vars: &BTreeMap<String, String>,
    ) -> Result<Self, Faults> {
        let values = declared
            .into_iter()
            .map(|flag| (flag.name, (flag.default, flag)))
            .collect();
        let mut flags = Self { values };
        let mut faults = Vec::new();
        for (variable, value) in vars.iter().filter(|(name, _)| name.starts_with("FLAG_")) {
            if let Err(problem) = flags.set(variable, value) {
                let variable = variable.clone();
                faults.push(Fault { variable, problem });
            }
        }
        if faults.is_empty() {
            Ok(flags)
        } else {
            Err(Faults(faults))
        }
    }

    fn set(&mut self, variable: &str, value: &str) -> Result<(), String> {
        let mut entries = self.values.values_mut();
        let Some((on, _)) = entries.find(|(_, flag)| flag.variable() == variable) else {
            let all: Vec<_> = self.iter().map(|(flag, _)| flag.variable()).collect();
            let all = all.join(", ");
            return Err(format!(
                "names no feature flag; take it away, the flags are: {all}"
            ));
        };
        *on = match value.trim() {
            "on" | "true" | "1" => true,
            "off" | "false" | "0" => false,
            other => return Err(format!("is {other:?}; set it to on or off")),
        };
        Ok(())
    }

    /// Whether `flag` is on. A flag that no module declared is off.
    pub fn is_on(&self, flag: &Flag) -> bool {
        self.values.get(flag.name).is_some_and(|(on, _)| *on)
    }

    /// Every flag with its value, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Flag, bool)> + '_ {
        self.values.values().map(|(on, flag)| (*flag, *on))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static BETA: Flag = Flag::off("beta", "An unfinished page.");

    fn vars(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn a_variable_overrides_the_default() {
        let flags = Flags::settle([&BETA], &vars(&[("FLAG_BETA", "on")])).unwrap();
        assert!(flags.is_on(&BETA));
        assert!(!Flags::settle([&BETA], &vars(&[])).unwrap().is_on(&BETA));
    }

    #[test]
    fn unknown_flags_and_values_are_faults_and_all_are_reported() {
        let vars = vars(&[("FLAG_BETA", "maybe"), ("FLAG_BTEA", "on")]);
        let faults = Flags::settle([&BETA], &vars).unwrap_err().0;
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "FLAG_BETA: is \"maybe\"; set it to on or off",
                "FLAG_BTEA: names no feature flag; take it away, the flags are: FLAG_BETA",
            ]
        );
    }
}
