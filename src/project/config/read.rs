//! From the text of `quickscale.yml` to a [`Config`], or to everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::fixed::Fixed;
use super::{AppliedConfig, CONFIG_VERSION, Config, DisplayName, Environment, Options};
use crate::catalogue::list;
use crate::catalogue::option::{OptionKind, OptionValue};
use crate::catalogue::{Catalogue, Module, nearest};
use crate::project::names::{NameError, Slug, Word};
use crate::project::yaml::{self, Content, Entry, Mistake, Node, Span};

impl Config {
    /// Reads and checks the text. With what was applied before, options that cannot change later must be as they were.
    ///
    /// # Errors
    /// All mistakes, in the order of the file.
    pub fn parse(
        text: &str,
        catalogue: &Catalogue,
        applied: Option<&AppliedConfig>,
    ) -> Result<Self, Vec<Mistake>> {
        let document = yaml::parse(text)?;
        let mut reader = Reader {
            catalogue,
            mistakes: document.mistakes,
        };
        let config = reader.config(&document.root);
        let config = config.map(|config| config.normal(catalogue));
        if let (Some(config), Some(applied)) = (&config, applied) {
            let root = &document.root;
            let fixed = Fixed {
                config,
                applied,
                catalogue,
                root,
            };
            reader.mistakes.extend(fixed.mistakes());
        }
        let mut mistakes = reader.mistakes;
        mistakes.sort_by_key(|mistake| mistake.span.start);
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
    /// The place to complain at when one is missing.
    span: Span,
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    fn get(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl<'a> Reader<'a> {
    fn config(&mut self, root: &Node) -> Option<Config> {
        let known = ["version", "project", "theme", "modules", "environments"];
        // What is missing from the whole file is missing at its start.
        let fields = self.fields(root, 0..0, &known)?;
        self.version(&fields);
        let (name, slug) = self.names(&fields).unwrap_or_default();
        let theme = self.theme(&fields);
        let modules = fields
            .get("modules")
            .map_or_else(|| Some(BTreeMap::new()), |entry| self.modules(entry));
        let environments = match (&modules, fields.get("environments")) {
            (_, None) => BTreeMap::new(),
            (None, Some(_)) => return None,
            (Some(modules), Some(entry)) => self.environments(entry, modules)?,
        };
        Some(Config {
            name: name?,
            slug: slug?,
            theme: theme?,
            modules: modules?,
            environments,
        })
    }

    fn mistake(&mut self, span: &Span, message: impl Into<String>, label: impl Into<String>) {
        let mistake = Mistake::new(span.clone(), message);
        self.mistakes.push(mistake.label(label));
    }

    /// A mapping whose keys are known; strangers are mistakes.
    fn fields<'n>(&mut self, node: &'n Node, span: Span, known: &[&str]) -> Option<Fields<'n>> {
        let entries = self.entries(node)?;
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                self.unknown("key", &entry.key, &entry.key_span, known.iter().copied());
            }
        }
        Some(Fields { span, entries })
    }

    fn entries<'n>(&mut self, node: &'n Node) -> Option<&'n [Entry]> {
        if node.entries().is_none() && node.content != Content::Unusable {
            let first = node.span.start..node.span.end.min(node.span.start + 1);
            self.mistake(&first, "a mapping is wanted here", "write `key: value`");
        }
        node.entries()
    }

    fn required<'n>(&mut self, fields: &Fields<'n>, key: &str) -> Option<&'n Entry> {
        let entry = fields.get(key);
        if entry.is_none() {
            self.mistake(&fields.span, format!("`{key}` is missing"), "");
        }
        entry
    }

    fn text<'n>(&mut self, entry: &'n Entry) -> Option<&'n str> {
        match &entry.value.content {
            Content::Scalar(text) => return Some(text),
            Content::Unusable => {}
            Content::Null => {
                let message = format!("`{}` wants a value", entry.key);
                self.mistake(&entry.key_span, message, "nothing stands behind it");
            }
            Content::List(_) | Content::Map(_) => {
                let message = format!("`{}` wants a plain value", entry.key);
                self.mistake(&entry.key_span, message, "");
            }
        }
        None
    }

    fn version(&mut self, fields: &Fields<'_>) {
        let Some(entry) = self.required(fields, "version") else {
            return;
        };
        let Some(text) = self.text(entry) else { return };
        if text != CONFIG_VERSION.to_string() {
            let message = format!("version {text} of this file is not known");
            let label = format!("this quickscale knows version {CONFIG_VERSION}");
            self.mistake(&entry.value.span, message, label);
        }
    }

    fn names(&mut self, fields: &Fields<'_>) -> Option<(Option<DisplayName>, Option<Slug>)> {
        let entry = self.required(fields, "project")?;
        let project = self.fields(&entry.value, entry.key_span.clone(), &["name", "slug"])?;
        Some((self.name(&project, "name"), self.name(&project, "slug")))
    }

    fn name<T: FromStr<Err = NameError>>(&mut self, fields: &Fields<'_>, key: &str) -> Option<T> {
        let entry = self.required(fields, key)?;
        match self.text(entry)?.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                let error: NameError = error;
                let near = error
                    .proposal()
                    .map_or_else(String::new, |near| format!("`{near}` would do"));
                self.mistake(&entry.value.span, error.to_string(), near);
                None
            }
        }
    }

    fn theme(&mut self, fields: &Fields<'_>) -> Option<Word> {
        let entry = self.required(fields, "theme")?;
        let text = self.text(entry)?;
        let themes = &self.catalogue.themes;
        let found = themes.get_key_value(text).map(|(name, _)| name.clone());
        if found.is_none() {
            let names = themes.keys().map(Word::as_str);
            self.unknown("theme", text, &entry.value.span, names);
        }
        found
    }

    fn modules(&mut self, entry: &Entry) -> Option<BTreeMap<Word, Options>> {
        let entries = self.entries(&entry.value)?;
        let mut modules = BTreeMap::new();
        for entry in entries {
            if let Some(module) = self.module(entry) {
                let options = self.options(module, &entry.value);
                modules.insert(module.manifest.name.clone(), options);
            }
        }
        self.fit_together(entries, &modules.keys().cloned().collect());
        Some(modules)
    }

    fn module(&mut self, entry: &Entry) -> Option<&'a Module> {
        let catalogue = self.catalogue;
        let found = catalogue.module(&entry.key);
        if found.is_none() {
            let modules = catalogue.modules.iter();
            let names = modules.map(|module| module.manifest.name.as_str());
            self.unknown("module", &entry.key, &entry.key_span, names);
        }
        found
    }

    fn options(&mut self, module: &Module, node: &Node) -> Options {
        let manifest = &module.manifest;
        let mut options = Options::new();
        let mut lists = Vec::new();
        for entry in self.entries(node).unwrap_or_default() {
            let Some((name, option)) = manifest.options.get_key_value(entry.key.as_str()) else {
                let what = format!("option of {}", manifest.name);
                let names = manifest.options.keys().map(Word::as_str);
                self.unknown(&what, &entry.key, &entry.key_span, names);
                continue;
            };
            if let OptionKind::List(records) = &option.kind {
                lists.push((records, &entry.value));
                match records.read(&entry.value, &entry.key) {
                    Ok(list) => drop(options.insert(name.clone(), OptionValue::List(list))),
                    Err(mistakes) => self.mistakes.extend(mistakes),
                }
                continue;
            }
            let Some(text) = self.text(entry) else {
                continue;
            };
            match option.kind.read(text) {
                Ok(value) => drop(options.insert(name.clone(), value)),
                Err(wanted) => {
                    let near = option.kind.near(text);
                    let near =
                        near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
                    let message = format!("`{text}` is not {wanted}");
                    self.mistake(&entry.value.span, message, near);
                }
            }
        }
        self.mistakes.extend(list::twins(&lists));
        options
    }

    fn environments(
        &mut self,
        entry: &Entry,
        on: &BTreeMap<Word, Options>,
    ) -> Option<BTreeMap<Environment, BTreeMap<Word, Options>>> {
        let mut environments = BTreeMap::new();
        for entry in self.entries(&entry.value)? {
            let Some(environment) = Environment::named(&entry.key) else {
                let names = Environment::ALL.map(Environment::name);
                self.unknown(
                    "environment",
                    &entry.key,
                    &entry.key_span,
                    names.into_iter(),
                );
                continue;
            };
            let fields = self.fields(&entry.value, entry.key_span.clone(), &["modules"]);
            let modules = fields.and_then(|fields| fields.get("modules"));
            let overlay = modules.map(|entry| self.overlay(entry, on));
            environments.insert(environment, overlay.unwrap_or_default());
        }
        Some(environments)
    }

    fn overlay(&mut self, entry: &Entry, on: &BTreeMap<Word, Options>) -> BTreeMap<Word, Options> {
        let mut overlay = BTreeMap::new();
        for entry in self.entries(&entry.value).unwrap_or_default() {
            let Some(module) = self.module(entry) else {
                continue;
            };
            let name = &module.manifest.name;
            if !on.contains_key(name) {
                let message = format!("module {name} is not on, so it has no options here");
                let label = format!("add `{name}` to `modules`, or remove this");
                self.mistake(&entry.key_span, message, label);
            }
            overlay.insert(name.clone(), self.options(module, &entry.value));
        }
        overlay
    }

    fn fit_together(&mut self, entries: &[Entry], chosen: &BTreeSet<Word>) {
        let catalogue = self.catalogue;
        for entry in entries {
            let module = catalogue.module(&entry.key);
            let required = module
                .into_iter()
                .flat_map(|module| &module.manifest.requires);
            for missing in required.filter(|required| !chosen.contains(*required)) {
                let message = format!("module {} needs module {missing}", entry.key);
                self.mistake(&entry.key_span, message, format!("add `{missing}: {{}}`"));
            }
        }
        if let Some((one, other)) = catalogue.conflict(chosen) {
            let of = |name: &Word| entries.iter().find(|entry| entry.key == name.as_str());
            if let (Some(one), Some(other)) = (of(one), of(other)) {
                let message = format!(
                    "modules {} and {} cannot stand together",
                    one.key, other.key
                );
                let mistake = Mistake::new(one.key_span.clone(), message);
                self.mistakes
                    .push(mistake.related(other.key_span.clone(), "remove one of them"));
            }
        }
    }

    /// Says that a name is unknown, and which was probably meant, or which there are when nothing is near.
    fn unknown<'k>(
        &mut self,
        what: &str,
        wrong: &str,
        span: &Span,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        let label = match nearest(wrong, known.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let known: Vec<_> = known.collect();
                match known.as_slice() {
                    [] => "there is none".into(),
                    known => format!("there is {}", known.join(", ")),
                }
            }
        };
        self.mistake(span, format!("unknown {what} `{wrong}`"), label);
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
