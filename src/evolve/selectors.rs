//! What a plan is about beside what quickscale.yml says: modules on and off, options, a theme, owners. All but the last
//! become edits of quickscale.yml.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalogue::asked::{Setting, usage};
use crate::catalogue::manifest::ModuleManifest;
use crate::catalogue::{Catalogue, Closure};
use crate::error::Fault;
use crate::project::config::edit::Edit;
use crate::project::config::{AppliedConfig, Config};
use crate::project::names::Word;
use crate::project::owner::Owner;

/// The flags that `plan` and `apply` share, as they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selectors {
    /// Turn a module on, with those that it needs; may be repeated
    #[arg(long, value_name = "MODULE", value_delimiter = ',')]
    add: Vec<String>,
    /// Turn a module off; what it has in the database stays; may be repeated
    #[arg(long, value_name = "MODULE", value_delimiter = ',')]
    remove: Vec<String>,
    /// Set an option of a module; may be repeated
    #[arg(long = "set", value_name = "MODULE.OPTION=VALUE")]
    settings: Vec<String>,
    /// Take another theme
    #[arg(long)]
    theme: Option<String>,
    /// Only files of this owner (base, runtime, theme:NAME, module:NAME, service:NAME); may be repeated
    #[arg(long, value_name = "OWNER", conflicts_with_all = ["add", "remove", "settings", "theme"])]
    only: Vec<Owner>,
}

/// What the flags ask of quickscale.yml.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wish {
    pub edits: Vec<Edit>,
    /// What goes without having been said, for people.
    pub notes: Vec<String>,
}

impl Selectors {
    /// The owners that the plan is about; all when empty.
    pub fn only(&self) -> BTreeSet<Owner> {
        self.only.iter().cloned().collect()
    }

    /// Whether quickscale.yml is to be edited.
    pub fn is_wish(&self) -> bool {
        !(self.add.is_empty() && self.remove.is_empty() && self.settings.is_empty())
            || self.theme.is_some()
    }

    /// Whether everything that is named is there, and every value one of its option's.
    ///
    /// # Errors
    /// The first that is not ([`crate::error::Exit::Usage`]).
    pub fn names_are_known(&self, catalogue: &Catalogue) -> Result<(), Fault> {
        named(&self.add, catalogue)?;
        named(&self.remove, catalogue)?;
        for setting in &self.settings {
            catalogue.asked_setting(setting)?;
        }
        let mut theme = self.theme.iter();
        theme.try_for_each(|name| catalogue.asked_theme(name).map(drop))
    }

    /// The edits that bring `config` to what was asked. What was applied last says what modules that come back were.
    ///
    /// # Errors
    /// When a name is unknown or a value is none of its option's ([`crate::error::Exit::Usage`]), or modules do not go
    /// together.
    pub fn wish(
        &self,
        config: &Config,
        catalogue: &Catalogue,
        applied: Option<&AppliedConfig>,
    ) -> Result<Wish, Fault> {
        let added = named(&self.add, catalogue)?;
        let removed = named(&self.remove, catalogue)?;
        if let Some(both) = added.intersection(&removed).next() {
            return Err(usage(format!(
                "module {both} cannot be both added and removed"
            )));
        }
        let on: BTreeSet<Word> = config.modules.keys().cloned().collect();
        let chosen: BTreeSet<Word> = on.difference(&removed).chain(&added).cloned().collect();
        let closure = catalogue.closure(&chosen);
        fit_together(&closure, &chosen, &removed, catalogue)?;
        let mut wish = Wish::default();
        for module in &removed {
            if on.contains(module) {
                wish.edits.push(Edit::RemoveModule(module.clone()));
            } else {
                wish.notes.push(format!("Module {module} is not on."));
            }
        }
        for module in &catalogue.modules {
            let name = &module.manifest.name;
            if closure.modules.contains(name) && !on.contains(name) {
                wish.edits.push(Edit::AddModule(name.clone()));
                self.come_back(&module.manifest, applied, &mut wish);
            }
        }
        for (module, because) in &closure.added {
            let note = format!("Module {module} comes with {because}, which needs it.");
            wish.notes.push(note);
        }
        self.options(&closure.modules, catalogue, &mut wish)?;
        if let Some(theme) = &self.theme {
            let theme = catalogue.asked_theme(theme)?;
            wish.edits.push(Edit::SetTheme(theme.clone()));
        }
        Ok(wish)
    }

    /// A module that was on before has the options again that cannot change, unless the user names them.
    fn come_back(
        &self,
        manifest: &ModuleManifest,
        applied: Option<&AppliedConfig>,
        wish: &mut Wish,
    ) {
        let module = &manifest.name;
        for (option, known) in &manifest.options {
            let before =
                applied.and_then(|last| last.value(None, module.as_str(), option.as_str()));
            let value = before.and_then(|before| known.kind.read(before).ok());
            let (Some(reason), Some(value)) = (&known.fixed, value) else {
                continue;
            };
            let named = format!("{module}.{option}=");
            let is_named = self.settings.iter().any(|text| text.starts_with(&named));
            if is_named || value == known.default {
                continue;
            }
            wish.notes.push(format!(
                "Module {module} comes back with {option} `{value}`, which cannot change: {reason}."
            ));
            wish.edits.push(Edit::SetOption {
                module: module.clone(),
                option: option.clone(),
                value,
            });
        }
    }

    fn options(
        &self,
        on: &BTreeSet<Word>,
        catalogue: &Catalogue,
        wish: &mut Wish,
    ) -> Result<(), Fault> {
        for setting in &self.settings {
            let Setting {
                module,
                option,
                value,
            } = catalogue.asked_setting(setting)?;
            if !on.contains(&module) {
                let fault = usage(format!("--set {setting}: module {module} is not on"));
                return Err(fault.hint(format!("turn it on with --add {module}")));
            }
            wish.edits.push(Edit::SetOption {
                module,
                option,
                value,
            });
        }
        Ok(())
    }
}

impl fmt::Display for Selectors {
    /// The flags as they could have been typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            add,
            remove,
            settings,
            theme,
            only,
        } = self;
        let lists = [("--add", add), ("--remove", remove)];
        let lists = lists.into_iter().filter(|(_, names)| !names.is_empty());
        let flags = lists.map(|(flag, names)| format!("{flag} {}", names.join(",")));
        let flags = flags.chain(settings.iter().map(|setting| format!("--set {setting}")));
        let flags = flags.chain(theme.iter().map(|theme| format!("--theme {theme}")));
        let flags = flags.chain(only.iter().map(|owner| format!("--only {owner}")));
        f.write_str(&flags.collect::<Vec<_>>().join(" "))
    }
}

fn named(names: &[String], catalogue: &Catalogue) -> Result<BTreeSet<Word>, Fault> {
    let found = names.iter().map(|name| catalogue.asked_module(name));
    found
        .map(|module| Ok(module?.manifest.name.clone()))
        .collect()
}

/// Refuses to remove what others need, and modules that conflict.
fn fit_together(
    closure: &Closure,
    chosen: &BTreeSet<Word>,
    removed: &BTreeSet<Word>,
    catalogue: &Catalogue,
) -> Result<(), Fault> {
    if let Some(needed) = removed.intersection(&closure.modules).next() {
        let dependents = dependents(needed, chosen, catalogue);
        let verb = if dependents.len() == 1 {
            "needs"
        } else {
            "need"
        };
        let names = listed(&dependents);
        let all: Vec<&str> = removed.iter().map(Word::as_str).chain(dependents).collect();
        return Err(Fault::new(format!(
            "module {needed} cannot be removed, because {names} {verb} it"
        ))
        .hint(format!("remove them together: --remove {}", all.join(","))));
    }
    match catalogue.conflict(&closure.modules) {
        None => Ok(()),
        Some((one, other)) => Err(Fault::new(format!(
            "modules {one} and {other} cannot stand together"
        ))
        .hint(format!("remove one of them: --remove {other}"))),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(names: &[&str]) -> String {
    match names {
        [first @ .., one, last] => {
            let first: String = first.iter().map(|name| format!("{name}, ")).collect();
            format!("{first}{one} and {last}")
        }
        names => names.concat(),
    }
}

/// Which of the chosen modules need `needed`, themselves or through others, in the catalogue's order.
fn dependents<'a>(
    needed: &Word,
    chosen: &BTreeSet<Word>,
    catalogue: &'a Catalogue,
) -> Vec<&'a str> {
    let needs = |name: &Word| {
        let alone = BTreeSet::from([name.clone()]);
        name != needed && catalogue.closure(&alone).modules.contains(needed)
    };
    let modules = catalogue.modules.iter().map(|module| &module.manifest.name);
    let names = modules.filter(|name| chosen.contains(*name) && needs(name));
    names.map(Word::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::sample;
    use crate::error::Exit;

    fn config(modules: &str) -> Config {
        let text = format!(
            "version: 1\nproject: {{ name: My SaaS, slug: my-saas }}\ntheme: htmx\nmodules: {modules}\n"
        );
        Config::parse(&text, &sample::catalogue(), None).unwrap()
    }

    fn selectors(flags: &str) -> Selectors {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            selectors: Selectors,
        }
        let line = ["plan"].into_iter().chain(flags.split_whitespace());
        <Line as clap::Parser>::try_parse_from(line)
            .unwrap()
            .selectors
    }

    fn refused(modules: &str, flags: &str) -> (String, u8) {
        let fault = selectors(flags).wish(&config(modules), &sample::catalogue(), None);
        let error = anyhow::Error::new(fault.unwrap_err());
        let hint = crate::error::hint_of(&error).unwrap_or_default();
        let code = crate::error::exit_of(&error).code();
        (format!("{error} | {hint}"), code)
    }

    #[test]
    fn what_a_module_needs_comes_first_and_is_told() {
        let wish = selectors("--add services --set billing.trial_days=3").wish(
            &config("{}"),
            &sample::catalogue(),
            None,
        );
        let Wish { edits, notes } = wish.unwrap();
        let word = |text: &str| text.parse::<Word>().unwrap();
        let added = |text| Edit::AddModule(word(text));
        assert_eq!(
            edits[..edits.len() - 1],
            [added("auth"), added("billing"), added("services")]
        );
        assert!(
            matches!(&edits[edits.len() - 1], Edit::SetOption { option, .. } if option.as_str() == "trial_days")
        );
        assert_eq!(
            notes[0],
            "Module billing comes with services, which needs it."
        );
        let again = selectors("--add auth --remove services");
        let wish = again.wish(&config("{auth: {}}"), &sample::catalogue(), None);
        let Wish { edits, notes } = wish.unwrap();
        assert_eq!(
            (edits, notes),
            (vec![], vec!["Module services is not on.".into()])
        );
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_way_out() {
        let all = "{auth: {}, billing: {}, services: {}}";
        for (flags, told) in [
            (
                "--remove auth",
                "module auth cannot be removed, because billing and services need it | remove them together: --remove auth,billing,services",
            ),
            (
                "--remove billing",
                "module billing cannot be removed, because services needs it | remove them together: --remove billing,services",
            ),
            (
                "--add gifts",
                "modules billing and gifts cannot stand together | remove one of them: --remove gifts",
            ),
        ] {
            assert_eq!(
                refused(all, flags),
                (told.into(), Exit::Fault.code()),
                "{flags}"
            );
        }
        for (flags, told) in [
            (
                "--remove bilding",
                "unknown module `bilding` | did you mean `billing`?",
            ),
            (
                "--remove ..",
                "unknown module `..` | there is auth, billing, gifts, services",
            ),
            (
                "--remove=",
                "unknown module `` | there is auth, billing, gifts, services",
            ),
            (
                "--add /etc/passwd",
                "unknown module `/etc/passwd` | there is auth, billing, gifts, services",
            ),
            (
                "--add auth --remove auth",
                "module auth cannot be both added and removed | ",
            ),
            (
                "--theme htmlx",
                "unknown theme `htmlx` | did you mean `htmx`?",
            ),
            ("--set auth", "--set auth is not MODULE.OPTION=VALUE | "),
            (
                "--set auth.registration=opne",
                "--set auth.registration: `opne` is not one of open, closed | did you mean `open`?",
            ),
            (
                "--set gifts.x=1",
                "unknown option of gifts `x` | there is cards",
            ),
            (
                "--remove billing,services --set billing.trial_days=1",
                "--set billing.trial_days=1: module billing is not on | turn it on with --add billing",
            ),
        ] {
            assert_eq!(
                refused(all, flags),
                (told.into(), Exit::Usage.code()),
                "{flags}"
            );
        }
    }
}
