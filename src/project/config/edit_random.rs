//! Random edits of files in random layouts: the result says what was asked for, and everything else stands as it did.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::{Config, Environment, Options};
use super::{Edit, apply};
use crate::catalogue::{Catalogue, sample};
use crate::project::names::Word;

/// Choices that were made beforehand; the first ones again and again when they are used up, none is always 0.
struct Tape {
    choices: Vec<u8>,
    at: usize,
}

impl Tape {
    /// One of `count` numbers.
    fn pick(&mut self, count: usize) -> usize {
        let choice = self.choices.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(choice) % count
    }

    fn chance(&mut self) -> bool {
        self.pick(3) == 1
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.pick(of.len())].clone()
    }
}

/// A wish, and what it can become.
struct World<'a> {
    catalogue: &'a Catalogue,
    tape: Tape,
}

const VALUES: &[(&str, &str, &[&str])] = &[
    ("auth", "registration", &["open", "closed"]),
    ("auth", "remember", &["true", "false"]),
    (
        "auth",
        "greeting",
        &[
            "Hello", "Good day", "a: b # c", "It's", "\"\\", "", "7", "null",
        ],
    ),
    ("billing", "currency", &["eur", "usd"]),
    ("billing", "trial_days", &["0", "14", "90"]),
    ("billing", "bonus", &["0.001", "2.5", "1000"]),
];

impl World<'_> {
    fn options(&mut self, module: &str) -> Options {
        let mut options = Options::new();
        for (_, option, _) in VALUES.iter().filter(|(of, ..)| *of == module) {
            if self.tape.chance() {
                let (name, value) = self.value(module, option);
                options.insert(name, value);
            }
        }
        options
    }

    fn value(
        &mut self,
        module: &str,
        option: &str,
    ) -> (Word, crate::catalogue::option::OptionValue) {
        let (_, _, texts) = VALUES
            .iter()
            .find(|(m, o, _)| *m == module && *o == option)
            .unwrap();
        let options = &self.catalogue.module(module).unwrap().manifest.options;
        let text = self.tape.one(texts);
        (
            option.parse().unwrap(),
            options[option].kind.read(text).unwrap(),
        )
    }

    fn config(&mut self) -> Config {
        let sets: &[&[&str]] = &[
            &["auth"],
            &[],
            &["auth", "billing"],
            &["gifts", "auth"],
            &["auth", "billing", "services"],
        ];
        let on = self.tape.one(sets);
        let modules = |world: &mut Self, all: bool| {
            let chosen = on
                .iter()
                .filter(|_| all || world.tape.chance())
                .collect::<Vec<_>>();
            chosen
                .into_iter()
                .map(|m| (m.parse().unwrap(), world.options(m)))
                .collect()
        };
        Config {
            name: "My SaaS".parse().unwrap(),
            slug: "my-saas".parse().unwrap(),
            theme: "htmx".parse().unwrap(),
            modules: modules(self, true),
            environments: Environment::ALL
                .into_iter()
                .filter(|_| self.tape.chance())
                .collect::<Vec<_>>()
                .into_iter()
                .map(|environment| (environment, modules(self, false)))
                .collect(),
        }
    }

    /// An edit that leaves `config` valid, done to it as well.
    fn edit(&mut self, config: &mut Config) -> Edit {
        let on: BTreeSet<Word> = config.modules.keys().cloned().collect();
        let can_come = |module: &Word| {
            let with = on.iter().chain([module]).cloned().collect();
            self.catalogue.closure(&with).modules == with
                && self.catalogue.conflict(&with).is_none()
        };
        let can_go = |module: &Word| {
            let without: BTreeSet<Word> = on.iter().filter(|m| *m != module).cloned().collect();
            self.catalogue.closure(&without).modules == without
        };
        let names: Vec<Word> = self
            .catalogue
            .modules
            .iter()
            .map(|module| module.manifest.name.clone())
            .collect();
        let come: Vec<Word> = names
            .iter()
            .filter(|module| can_come(module))
            .cloned()
            .collect();
        let go: Vec<Word> = names.into_iter().filter(|module| can_go(module)).collect();
        match self.tape.pick(5) {
            0 if !on.is_empty() => {
                let settable: Vec<_> = VALUES.iter().filter(|(m, ..)| on.contains(*m)).collect();
                let (module, option, _) = *self.tape.one(&settable);
                let (option, value) = self.value(module, option);
                let module: Word = module.parse().unwrap();
                config
                    .modules
                    .get_mut(&module)
                    .unwrap()
                    .insert(option.clone(), value.clone());
                Edit::SetOption {
                    module,
                    option,
                    value,
                }
            }
            1 if !come.is_empty() => {
                let module = self.tape.one(&come);
                config.modules.entry(module.clone()).or_default();
                Edit::AddModule(module)
            }
            2 if !go.is_empty() => {
                let module = self.tape.one(&go);
                config.modules.remove(&module);
                config
                    .environments
                    .values_mut()
                    .for_each(|modules| drop(modules.remove(&module)));
                Edit::RemoveModule(module)
            }
            3 => {
                config.theme = self.tape.one(&["htmx", "react"]).parse().unwrap();
                Edit::SetTheme(config.theme.clone())
            }
            _ => {
                config.name = self
                    .tape
                    .one(&["Shop", "Bob's \"shop\"", "a: b", "null"])
                    .parse()
                    .unwrap();
                Edit::SetName(config.name.clone())
            }
        }
    }
}

/// A value of the file to write: a text, or keys with values.
enum Tree {
    Leaf(String, bool),
    Map(Vec<(String, Tree)>),
}

fn tree(config: &Config) -> Tree {
    let leaf = |text: &str, is_word| Tree::Leaf(text.to_owned(), is_word);
    let options = |options: &Options| {
        let entry = |(name, value): (&Word, _)| {
            let written = super::Written::of(value);
            (name.to_string(), Tree::Leaf(written.text, written.is_word))
        };
        Tree::Map(options.iter().map(entry).collect())
    };
    let modules = |modules: &std::collections::BTreeMap<Word, Options>| {
        Tree::Map(
            modules
                .iter()
                .map(|(name, of)| (name.to_string(), options(of)))
                .collect(),
        )
    };
    let overlay = |(environment, of): (&Environment, _)| {
        let map = Tree::Map(vec![("modules".to_owned(), modules(of))]);
        (environment.name().to_owned(), map)
    };
    let project = vec![
        ("name".to_owned(), leaf(config.name.as_str(), false)),
        ("slug".to_owned(), leaf(config.slug.as_str(), true)),
    ];
    Tree::Map(vec![
        ("version".to_owned(), leaf("1", true)),
        ("project".to_owned(), Tree::Map(project)),
        ("theme".to_owned(), leaf(config.theme.as_str(), true)),
        ("modules".to_owned(), modules(&config.modules)),
        (
            "environments".to_owned(),
            Tree::Map(config.environments.iter().map(overlay).collect()),
        ),
    ])
}

/// Writes a tree in a layout of its own, with comments that are numbered and belong to a module or to nobody.
struct Writer {
    tape: Tape,
    text: String,
    step: usize,
    comments: Vec<Option<String>>,
}

impl Writer {
    fn comment(&mut self, owner: Option<&str>) {
        self.text.push_str(&format!("# c{}.", self.comments.len()));
        self.comments.push(owner.map(str::to_owned));
    }

    fn comment_line(&mut self, indent: usize, owner: Option<&str>) {
        self.text.push_str(&" ".repeat(indent));
        self.comment(owner);
        self.text.push('\n');
    }

    fn end_of_line(&mut self, owner: Option<&str>) {
        if self.tape.chance() {
            let space = self.tape.one(&[" ", "   "]);
            self.text.push_str(space);
            self.comment(owner);
        }
        self.text.push('\n');
    }

    /// Above an entry: what belongs to nobody, a blank line, what belongs to it.
    fn above(&mut self, indent: usize, owner: Option<&str>, around: Option<&str>) {
        if self.tape.chance() {
            self.comment_line(indent, around);
            self.text.push('\n');
        }
        if self.tape.chance() {
            self.comment_line(indent, owner);
        }
    }

    fn key(&mut self, key: &str) {
        match self.tape.pick(6) {
            1 => self.text.push_str(&format!("'{key}':")),
            2 => self.text.push_str(&format!("\"{key}\" :")),
            _ => self.text.push_str(&format!("{key}:")),
        }
    }

    fn leaf(&mut self, text: &str, is_word: bool) {
        match self.tape.pick(4) {
            1 => self
                .text
                .push_str(&format!(" '{}'", text.replace('\'', "''"))),
            2 if is_word => self.text.push_str(&format!("   {text}")),
            _ if is_word => self.text.push_str(&format!(" {text}")),
            _ => self
                .text
                .push_str(&format!(" {}", crate::catalogue::option::quoted(text))),
        }
    }

    /// An entry's value in its line; an empty mapping has many looks.
    fn inline(&mut self, tree: &Tree) {
        match tree {
            Tree::Leaf(text, is_word) => self.leaf(text, *is_word),
            Tree::Map(entries) if entries.is_empty() => {
                let nothing = self.tape.one(&[" {}", "", " { }", " ~", " null"]);
                self.text.push_str(nothing);
            }
            Tree::Map(entries) => {
                let (open, comma, close) =
                    self.tape
                        .one(&[("{ ", ", ", " }"), ("{", ",", "}"), ("{ ", " , ", ", }")]);
                self.text.push(' ');
                self.text.push_str(open);
                for (index, (key, value)) in entries.iter().enumerate() {
                    self.text.push_str(if index > 0 { comma } else { "" });
                    self.text.push_str(&format!("{key}:"));
                    self.inline(value);
                }
                self.text.push_str(close);
            }
        }
    }

    /// Braces with a line for each entry.
    fn braces(
        &mut self,
        entries: &[(String, Tree)],
        indent: usize,
        owner: Option<&str>,
        is_list: bool,
    ) {
        self.text.push_str(" {");
        self.end_of_line(owner);
        for (index, (key, value)) in entries.iter().enumerate() {
            let own = if is_list { Some(key.as_str()) } else { owner };
            self.above(indent, own, owner);
            self.text.push_str(&" ".repeat(indent));
            self.key(key);
            self.inline(value);
            if index + 1 < entries.len() || self.tape.chance() {
                self.text.push(',');
            }
            self.end_of_line(own);
        }
        self.text.push_str(&" ".repeat(indent));
        self.text.push('}');
    }

    /// Lines of their own. With `is_list` the keys are modules, to which comments belong.
    fn block(
        &mut self,
        entries: &[(String, Tree)],
        indent: usize,
        owner: Option<&str>,
        is_list: bool,
    ) {
        for (key, value) in entries {
            let own = if is_list { Some(key.as_str()) } else { owner };
            self.above(indent, own, owner);
            self.text.push_str(&" ".repeat(indent));
            self.key(key);
            let (below, list) = (indent + self.step, key == "modules");
            match value {
                Tree::Map(entries) if !entries.is_empty() && self.tape.pick(3) != 1 => {
                    self.end_of_line(own);
                    self.block(entries, below, own, list);
                }
                Tree::Map(entries) if !entries.is_empty() && self.tape.chance() => {
                    self.braces(entries, below, own, list);
                    self.end_of_line(own);
                }
                _ => {
                    self.inline(value);
                    self.end_of_line(own);
                }
            }
            if own.is_some() && is_list && self.tape.chance() {
                self.comment_line(below, own);
            }
        }
    }
}

fn write(config: &Config, tape: Tape) -> (String, Vec<Option<String>>) {
    let mut writer = Writer {
        tape,
        text: String::new(),
        step: 2,
        comments: Vec::new(),
    };
    writer.step = writer.tape.one(&[2, 4, 1, 3]);
    let Tree::Map(entries) = tree(config) else {
        unreachable!("a file is a mapping")
    };
    writer.block(&entries, 0, None, false);
    if writer.tape.chance() {
        writer.comment_line(0, None);
    }
    let mut text = writer.text;
    if writer.tape.chance() {
        text.truncate(text.trim_end().len());
    }
    if writer.tape.chance() {
        text = text.replace('\n', "\r\n");
    }
    (text, writer.comments)
}

/// The numbers of the comments in a text, in its order.
fn comments(text: &str) -> Vec<usize> {
    let number = |rest: &str| rest.split('.').next().unwrap().parse().unwrap();
    text.split("# c")
        .skip(1)
        .filter(|rest| rest.contains('.'))
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        .map(number)
        .collect()
}

/// How many lines of `one` are not in `other`.
fn missing(one: &str, other: &str) -> usize {
    let mut lines: Vec<&str> = other.lines().collect();
    one.lines()
        .filter(|line| match lines.iter().position(|other| other == line) {
            Some(at) => {
                lines.swap_remove(at);
                false
            }
            None => true,
        })
        .count()
}

fn check(layout: Vec<u8>, wish: Vec<u8>, edits: usize) -> Result<(), TestCaseError> {
    let catalogue = sample::catalogue();
    let tape = |choices| Tape { choices, at: 0 };
    let mut world = World {
        catalogue: &catalogue,
        tape: tape(wish),
    };
    let mut config = world.config();
    let (mut text, owners) = write(&config, tape(layout));
    let read = |text: &str| Config::parse(text, &catalogue, None);
    prop_assert_eq!(
        read(&text),
        Ok(config.clone().normal(&catalogue)),
        "{}",
        &text
    );
    let mut gone = BTreeSet::new();
    for _ in 0..edits {
        let edit = world.edit(&mut config);
        let after = apply(&text, std::slice::from_ref(&edit));
        let after =
            after.map_err(|error| TestCaseError::fail(format!("{error:?}\n{edit:?}\n{text}")))?;
        let told = format!("{edit:?}\n--- before\n{text}\n--- after\n{after}");
        prop_assert_eq!(
            read(&after),
            Ok(config.clone().normal(&catalogue)),
            "{}",
            &told
        );
        if let Edit::RemoveModule(module) = &edit {
            let of = |owner: &Option<String>| owner.as_deref() == Some(module.as_str());
            gone.extend((0..owners.len()).filter(|number| of(&owners[*number])));
            prop_assert!(missing(&after, &text) <= 4, "{}", &told);
        } else {
            prop_assert!(missing(&text, &after) <= 1, "{}", &told);
        }
        let kept: Vec<usize> = (0..owners.len())
            .filter(|number| !gone.contains(number))
            .collect();
        prop_assert_eq!(comments(&after), kept, "{}", &told);
        prop_assert_eq!(text.contains('\r'), after.contains('\r'), "{}", &told);
        prop_assert_eq!(text.ends_with('\n'), after.ends_with('\n'), "{}", &told);
        prop_assert_eq!(
            after.matches('\n').count(),
            if after.contains('\r') {
                after.matches("\r\n").count()
            } else {
                after.lines().count() - usize::from(!after.ends_with('\n'))
            },
            "{}",
            &told
        );
        text = after;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn an_edit_changes_what_it_says_and_nothing_else(
        layout in prop::collection::vec(any::<u8>(), 0..200),
        wish in prop::collection::vec(any::<u8>(), 0..60),
        edits in 1..5_usize,
    ) {
        check(layout, wish, edits)?;
    }
}
