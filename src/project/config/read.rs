//! From the text of `quickscale.yml` to a [`Config`], or to everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::{CONFIG_VERSION, Config, DisplayName};
use crate::catalogue::option::OptionValue;
use crate::catalogue::{Catalogue, Module, nearest};
use crate::project::names::{NameError, Slug, Word};
use crate::project::yaml::{self, Content, Entry, Mistake, Node, Place};

impl Config {
    /// Reads and checks the text; the mistakes come in the order of the file.
    pub fn parse(text: &str, catalogue: &Catalogue) -> Result<Self, Vec<Mistake>> {
        let root = yaml::parse(text).map_err(|mistake| vec![mistake])?;
        let mut reader = Reader {
            catalogue,
            mistakes: Vec::new(),
        };
        let config = reader.config(&root);
        let mut mistakes = reader.mistakes;
        mistakes.sort_by_key(|mistake| mistake.place);
        match config {
            Some(config) if mistakes.is_empty() => Ok(config),
            _ => Err(mistakes),
        }
    }
}

struct Reader<'a> {
    catalogue: &'a Catalogue,
    mistakes: Vec<Mistake>,
}

/// The entries of a mapping that has a fixed set of keys.
struct Fields<'n> {
    place: Place,
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    fn get(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl<'a> Reader<'a> {
    fn config(&mut self, root: &Node) -> Option<Config> {
        let fields = self.fields(root, &["version", "project", "theme", "modules"])?;
        self.version(&fields);
        let project = self
            .required(&fields, "project")
            .and_then(|entry| self.fields(&entry.value, &["name", "slug"]));
        let (name, slug) = match &project {
            Some(project) => (
                self.name::<DisplayName>(project, "name"),
                self.name::<Slug>(project, "slug"),
            ),
            None => (None, None),
        };
        let theme = self.theme(&fields);
        let modules = fields
            .get("modules")
            .map_or_else(|| Some(BTreeMap::new()), |entry| self.modules(&entry.value));
        Some(Config {
            name: name?,
            slug: slug?,
            theme: theme?,
            modules: modules?,
        })
    }

    fn mistake(&mut self, place: Place, message: impl Into<String>) {
        self.mistakes.push(Mistake::new(place, message));
    }

    /// A mapping whose keys are known; strangers are mistakes.
    fn fields<'n>(&mut self, node: &'n Node, known: &[&str]) -> Option<Fields<'n>> {
        let entries = self.entries(node)?;
        for entry in entries
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            let message = unknown("key", &entry.key, known.iter().copied());
            self.mistake(entry.place, message);
        }
        Some(Fields {
            place: node.place,
            entries,
        })
    }

    fn entries<'n>(&mut self, node: &'n Node) -> Option<&'n [Entry]> {
        match &node.content {
            Content::Map(entries) => Some(entries),
            Content::Null => Some(&[]),
            Content::Scalar(_) | Content::List(_) => {
                self.mistake(node.place, "a mapping (`key: value`) is wanted here");
                None
            }
        }
    }

    fn required<'n>(&mut self, fields: &Fields<'n>, key: &str) -> Option<&'n Entry> {
        let entry = fields.get(key);
        if entry.is_none() {
            self.mistake(fields.place, format!("`{key}` is missing"));
        }
        entry
    }

    fn text<'n>(&mut self, entry: &'n Entry) -> Option<&'n str> {
        if let Content::Scalar(text) = &entry.value.content {
            return Some(text);
        }
        self.mistake(
            entry.value.place,
            format!("`{}` wants a plain value", entry.key),
        );
        None
    }

    fn version(&mut self, fields: &Fields<'_>) {
        let Some(entry) = self.required(fields, "version") else {
            return;
        };
        let Some(text) = self.text(entry) else { return };
        if text != CONFIG_VERSION.to_string() {
            let message =
                format!("version {text} of this file is not known, only {CONFIG_VERSION}");
            self.mistake(entry.value.place, message);
        }
    }

    fn name<T: FromStr<Err = NameError>>(&mut self, fields: &Fields<'_>, key: &str) -> Option<T> {
        let entry = self.required(fields, key)?;
        match self.text(entry)?.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                let error: NameError = error;
                let near = error
                    .proposal()
                    .map_or_else(String::new, |near| format!("; `{near}` would do"));
                self.mistake(entry.value.place, format!("{error}{near}"));
                None
            }
        }
    }

    fn theme(&mut self, fields: &Fields<'_>) -> Option<Word> {
        let entry = self.required(fields, "theme")?;
        let text = self.text(entry)?;
        let found = self
            .catalogue
            .themes
            .get_key_value(text)
            .map(|(name, _)| name.clone());
        if found.is_none() {
            let message = unknown(
                "theme",
                text,
                self.catalogue.themes.keys().map(Word::as_str),
            );
            self.mistake(entry.value.place, message);
        }
        found
    }

    fn modules(&mut self, node: &Node) -> Option<BTreeMap<Word, BTreeMap<Word, OptionValue>>> {
        let entries = self.entries(node)?;
        let catalogue = self.catalogue;
        let mut modules = BTreeMap::new();
        for entry in entries {
            let Some(module) = catalogue.module(&entry.key) else {
                let names = catalogue
                    .modules
                    .iter()
                    .map(|module| module.manifest.name.as_str());
                self.mistake(entry.place, unknown("module", &entry.key, names));
                continue;
            };
            let options = self.options(module, &entry.value).unwrap_or_default();
            modules.insert(module.manifest.name.clone(), options);
        }
        self.fit_together(entries, &modules.keys().cloned().collect());
        Some(modules)
    }

    fn options(&mut self, module: &Module, node: &Node) -> Option<BTreeMap<Word, OptionValue>> {
        let mut options = BTreeMap::new();
        for entry in self.entries(node)? {
            let manifest = &module.manifest;
            let Some((name, option)) = manifest.options.get_key_value(entry.key.as_str()) else {
                let what = format!("option of {}", manifest.name);
                self.mistake(
                    entry.place,
                    unknown(&what, &entry.key, manifest.options.keys().map(Word::as_str)),
                );
                continue;
            };
            let Some(text) = self.text(entry) else {
                continue;
            };
            match option.kind.read(text) {
                Ok(value) => drop(options.insert(name.clone(), value)),
                Err(wanted) => {
                    let near = option
                        .kind
                        .near(text)
                        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                    self.mistake(entry.value.place, format!("`{text}` is not {wanted}{near}"));
                }
            }
        }
        Some(options)
    }

    fn fit_together(&mut self, entries: &[Entry], chosen: &BTreeSet<Word>) {
        let catalogue = self.catalogue;
        let place = |name: &Word| {
            let entry = entries.iter().find(|entry| entry.key == name.as_str());
            entry.map_or(Place { line: 1, column: 1 }, |entry| entry.place)
        };
        for name in chosen {
            let required = catalogue
                .module(name.as_str())
                .map(|module| &module.manifest.requires);
            for missing in required
                .into_iter()
                .flatten()
                .filter(|required| !chosen.contains(*required))
            {
                let message =
                    format!("module {name} needs module {missing}; add `{missing}: {{}}`");
                self.mistake(place(name), message);
            }
        }
        if let Some((one, other)) = catalogue.conflict(chosen) {
            self.mistake(
                place(one),
                format!("modules {one} and {other} cannot stand together"),
            );
        }
    }
}

/// `unknown key `x`; did you mean `y`?`, or what there is when nothing is near.
fn unknown<'a>(what: &str, wrong: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(wrong, known.clone()) {
        Some(near) => format!("unknown {what} `{wrong}`; did you mean `{near}`?"),
        None => {
            let known: Vec<_> = known.collect();
            let known = if known.is_empty() {
                "there is none".into()
            } else {
                format!("there is {}", known.join(", "))
            };
            format!("unknown {what} `{wrong}`; {known}")
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn mistakes(text: &str) -> String {
        let mistakes = Config::parse(text, Catalogue::embedded()).expect_err("it holds a mistake");
        let line = |mistake: &Mistake| format!("{}: {}\n", mistake.place, mistake.message);
        mistakes.iter().map(line).collect()
    }

    #[test]
    fn every_mistake_is_told_at_once_with_its_place_and_what_was_meant() {
        let text = "\
version: 2
project: { name: My SaaS, slug: My-SaaS, colour: red }
them: htmx
theme: htxm
modules:
  auth: { registration: opne, verification: true }
  credit: {}
  credits:
    signup_grant: -1
  services: [1]
";
        assert_snapshot!(mistakes(text), @r"
        1:10: version 2 of this file is not known, only 1
        2:33: `My-SaaS` cannot be the name of a package: it holds `M`; `my-saas` would do
        2:42: unknown key `colour`; there is name, slug
        3:1: unknown key `them`; did you mean `theme`?
        4:8: unknown theme `htxm`; did you mean `htmx`?
        6:25: `opne` is not one of open, closed; did you mean `open`?
        6:31: unknown option of auth `verification`; there is registration
        7:3: unknown module `credit`; did you mean `credits`?
        9:19: `-1` is not an amount of credits with at most three places from 0 to 1000000
        10:13: a mapping (`key: value`) is wanted here
        ");
    }

    #[test]
    fn a_module_without_what_it_needs_is_a_mistake() {
        let text =
            "version: 1\nproject: { name: A, slug: a }\ntheme: htmx\nmodules:\n  services: {}\n";
        assert_snapshot!(mistakes(text), @"5:3: module services needs module credits; add `credits: {}`");
    }

    #[test]
    fn what_is_missing_is_told() {
        assert_snapshot!(mistakes(""), @r"
        1:1: `version` is missing
        1:1: `project` is missing
        1:1: `theme` is missing
        ");
        assert_snapshot!(mistakes("version: 1\nproject:\n  name: A\ntheme: [htmx]\n"), @r"
        3:3: `slug` is missing
        4:8: `theme` wants a plain value
        ");
    }

    #[test]
    fn a_file_that_is_no_yaml_is_told_with_its_place() {
        assert_snapshot!(mistakes("version: 1\n  project: x\n"), @"2:10: mapping values are not allowed in this context");
        assert_snapshot!(mistakes("- a\n- b\n"), @"1:1: a mapping (`key: value`) is wanted here");
    }

    #[test]
    fn modules_may_be_left_out_and_options_have_defaults() {
        let catalogue = Catalogue::embedded();
        let head = "version: 1\nproject: { name: A, slug: a }\ntheme: htmx\n";
        assert!(Config::parse(head, catalogue).unwrap().modules.is_empty());
        let config = Config::parse(&format!("{head}modules: {{ auth: }}\n"), catalogue).unwrap();
        let value = config.option(catalogue, "auth", "registration").unwrap();
        assert_eq!(value.to_string(), "open");
    }
}
