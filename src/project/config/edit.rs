//! Edits of `quickscale.yml` that keep everything else in it: comments, layout, quotes, line endings.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use super::{Blame, DisplayName};
use crate::catalogue::option::OptionValue;
use crate::error::Fault;
use crate::project::CONFIG_FILE;
use crate::project::names::Word;
use crate::project::yaml::edit::{Editor, Value};
use crate::project::yaml::{self, Content, Document, Node};

/// One change of the file. What it asks for may be there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Turns a module on, with its defaults.
    AddModule(Word),
    /// Turns a module off, everywhere.
    RemoveModule(Word),
    /// Sets an option of a module that is on.
    SetOption {
        module: Word,
        option: Word,
        value: OptionValue,
    },
    /// Sets the theme.
    SetTheme(Word),
    /// Sets the project's name for people.
    SetName(DisplayName),
}

/// The text after `edits`, in their order.
///
/// # Errors
/// When the file cannot be read, or is written in a way that such an edit cannot keep; the hint says what to change by
/// hand.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String> {
    edits.iter().try_fold(text.to_owned(), edited)
}

fn edited(text: String, edit: &Edit) -> Result<String> {
    let by_hand = || {
        let message = format!("{CONFIG_FILE} is written in a way that quickscale cannot edit");
        Fault::new(message).hint(format!("by hand, {}", edit.told()))
    };
    let mut wish = Meaning::of(&read(&text)?.root);
    edit.grant(&mut wish);
    let text = edit.rewrite(text)?.with_context(by_hand)?;
    // What was written is read again: a layout nobody thought of ends in an error, not in a file that says something
    // else.
    if Meaning::of(&read(&text).with_context(by_hand)?.root) != wish {
        bail!(by_hand());
    }
    Ok(text)
}

fn read(text: &str) -> Result<Document> {
    let mistakes = match yaml::parse(text) {
        Ok(document) if document.mistakes.is_empty() => return Ok(document),
        Ok(document) => document.mistakes,
        Err(mistakes) => mistakes,
    };
    Err(super::fault(text, &mistakes, Blame::File).into())
}

/// The modules of the file, and those of each environment.
fn module_lists(document: &Document) -> Vec<Vec<String>> {
    let environments = document.root.entry("environments");
    let environments = environments.and_then(|entry| entry.value.entries());
    let path = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let overlays = environments.unwrap_or_default().iter();
    overlays
        .map(|entry| path(&["environments", &entry.key, "modules"]))
        .chain([path(&["modules"])])
        .collect()
}

fn at<'a>(root: &'a Node, path: &[&str]) -> Option<&'a Node> {
    path.iter()
        .try_fold(root, |node, key| Some(&node.entry(key)?.value))
}

/// What an option's value looks like in the file.
struct Written {
    text: String,
    is_word: bool,
}

impl Written {
    fn of(value: &OptionValue) -> Self {
        match value {
            OptionValue::Text(text) => Self {
                text: text.clone(),
                is_word: false,
            },
            OptionValue::Bool(_)
            | OptionValue::Integer(_)
            | OptionValue::Choice(_)
            | OptionValue::Credits(_)
            | OptionValue::List(_) => Self {
                text: value.to_string(),
                is_word: true,
            },
        }
    }

    fn value(&self) -> Value<'_> {
        if self.is_word {
            Value::Word(&self.text)
        } else {
            Value::Text(&self.text)
        }
    }
}

impl Edit {
    /// The text with this edit; none when it is not laid out for it.
    fn rewrite(&self, text: String) -> Result<Option<String>> {
        Ok(match self {
            Self::AddModule(module) => add_module(text, module)?,
            Self::RemoveModule(module) => remove_module(text, module)?,
            Self::SetOption {
                module,
                option,
                value,
            } => {
                let written = Written::of(value);
                let path = ["modules", module.as_str()];
                set(text, &path, option.as_str(), &written.value())?
            }
            Self::SetTheme(theme) => set(text, &[], "theme", &Value::Word(theme.as_str()))?,
            Self::SetName(name) => set(text, &["project"], "name", &Value::Text(name.as_str()))?,
        })
    }

    /// What a person would do, as an end of the sentence "by hand, …".
    fn told(&self) -> String {
        match self {
            Self::AddModule(module) => format!("add `{module}: {{}}` to `modules`"),
            Self::RemoveModule(module) => format!("remove `{module}` from `modules`"),
            Self::SetOption {
                module,
                option,
                value,
            } => {
                format!("set `{option}: {value}` below `{module}` in `modules`")
            }
            Self::SetTheme(theme) => format!("set `theme: {theme}`"),
            Self::SetName(name) => format!("set `name` below `project` to {name}"),
        }
    }

    /// Does to the meaning of a file what it should do to the text.
    fn grant(&self, wish: &mut Meaning) {
        match self {
            Self::AddModule(module) => {
                let modules = wish.child("modules");
                modules.child(module.as_str());
            }
            Self::RemoveModule(module) => {
                wish.child_if_there("modules", |modules| modules.remove(module.as_str()));
                wish.child_if_there("environments", |environments| {
                    for environment in environments.children() {
                        environment
                            .child_if_there("modules", |modules| modules.remove(module.as_str()));
                    }
                });
            }
            Self::SetOption {
                module,
                option,
                value,
            } => {
                let place = wish.child("modules").child(module.as_str());
                let text = Written::of(value).text;
                *place.child(option.as_str()) = match (value, yaml::parse(&text)) {
                    (OptionValue::List(_), Ok(list)) => Meaning::of(&list.root),
                    _ => Meaning::Scalar(text),
                };
            }
            Self::SetTheme(theme) => *wish.child("theme") = Meaning::Scalar(theme.to_string()),
            Self::SetName(name) => {
                *wish.child("project").child("name") = Meaning::Scalar(name.to_string());
            }
        }
    }
}

fn add_module(mut text: String, module: &Word) -> Result<Option<String>> {
    if read(&text)?.root.entry("modules").is_none() {
        match Editor::new(&text, &read(&text)?).insert(&[], "modules", "{}") {
            Some(with_modules) => text = with_modules,
            None => return Ok(None),
        }
    }
    let document = read(&text)?;
    if at(&document.root, &["modules", module.as_str()]).is_some() {
        return Ok(Some(text));
    }
    Ok(Editor::new(&text, &document).insert(&["modules"], module.as_str(), "{}"))
}

fn remove_module(mut text: String, module: &Word) -> Result<Option<String>> {
    for path in module_lists(&read(&text)?) {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let document = read(&text)?;
        let is_there =
            at(&document.root, &path).is_some_and(|n| n.entry(module.as_str()).is_some());
        if is_there {
            match Editor::new(&text, &document).remove(&path, module.as_str()) {
                Some(without) => text = without,
                None => return Ok(None),
            }
        }
    }
    Ok(Some(text))
}

fn set(text: String, path: &[&str], key: &str, value: &Value<'_>) -> Result<Option<String>> {
    let document = read(&text)?;
    let editor = Editor::new(&text, &document);
    let (Value::Word(wanted) | Value::Text(wanted)) = value;
    let stated = at(&document.root, path).and_then(|node| node.entry(key));
    Ok(match stated.map(|entry| &entry.value.content) {
        Some(Content::Scalar(stated)) if stated == wanted => Some(text),
        Some(_) => editor.replace(path, key, value),
        None => editor.insert(path, key, &value.fresh()),
    })
}

/// What a file says, whatever it looks like; nothing and an empty mapping say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    Scalar(String),
    List(Vec<Meaning>),
    Map(BTreeMap<String, Meaning>),
    Unusable,
}

impl Meaning {
    fn of(node: &Node) -> Self {
        match &node.content {
            Content::Null => Self::Map(BTreeMap::new()),
            Content::Scalar(text) => Self::Scalar(text.clone()),
            Content::List(items) => Self::List(items.iter().map(Self::of).collect()),
            Content::Map(entries) => Self::Map(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), Self::of(&entry.value)))
                    .collect(),
            ),
            Content::Unusable => Self::Unusable,
        }
    }

    /// What stands behind `key`, which is made when it is not there.
    fn child(&mut self, key: &str) -> &mut Self {
        let nothing = || Self::Map(BTreeMap::new());
        if !matches!(self, Self::Map(_)) {
            *self = nothing();
        }
        match self {
            Self::Map(entries) => entries.entry(key.to_owned()).or_insert_with(nothing),
            other @ (Self::Scalar(_) | Self::List(_) | Self::Unusable) => other,
        }
    }

    fn child_if_there(&mut self, key: &str, then: impl FnOnce(&mut Self)) {
        if let Self::Map(entries) = self
            && let Some(child) = entries.get_mut(key)
        {
            then(child);
        }
    }

    fn children(&mut self) -> impl Iterator<Item = &mut Self> {
        let entries = match self {
            Self::Map(entries) => Some(entries.values_mut()),
            Self::Scalar(_) | Self::List(_) | Self::Unusable => None,
        };
        entries.into_iter().flatten()
    }

    fn remove(&mut self, key: &str) {
        if let Self::Map(entries) = self {
            entries.remove(key);
        }
    }
}

#[cfg(test)]
#[path = "edit_random.rs"]
mod random;
#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
