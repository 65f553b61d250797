//! Files that no template made, and that are to become templates: what stands for this project's values in them, and in
//! their names.

use super::draft::Draft;
use super::file::Sight;
use super::home::{Home, NewFile};
use super::hunk::{Choice, Hunk, HunkId, Question, Standing};
use super::proposal::FileEdit;
use super::values::{Occurrence, Values, variable};
use crate::catalogue::manifest::Rule;
use crate::catalogue::template::name_in_path;
use crate::project::owner::Mode;
use crate::project::tree::FileOnDisk;

/// A template that is made of a file.
#[derive(Debug, PartialEq, Eq)]
struct Made {
    /// The path in projects, with names for values.
    path: String,
    bytes: Vec<u8>,
    rendered: bool,
}

/// Makes a template of a file of the project, unless something has to be asked first.
///
/// # Errors
/// Why it cannot become one.
pub fn fresh(
    sight: Sight<'_>,
    new: &NewFile,
    file: &FileOnDisk,
    draft: &mut Draft<'_>,
) -> Result<FileEdit, String> {
    let id = HunkId::of(&new.path, b"", &file.bytes, 0);
    let answers = sight.answers.to(&id);
    let shown = String::from_utf8_lossy(&file.bytes);
    let mut template = new.home.template(new.path.as_str(), false);
    let standing = if sight.subject.secrets.are_in(&shown) {
        Standing::Refused("it holds a secret of this project".into())
    } else if answers.contains(&Choice::Skip) {
        Standing::Left
    } else {
        match made(&sight.subject.values, new, &file.bytes, answers) {
            Err(question) => Standing::Open(question),
            Ok(made) => {
                template = new.home.template(&made.path, made.rendered);
                if let (Some(template), true) = (&template, answers.contains(&Choice::Literal)) {
                    draft.allow_values(template);
                }
                add(new, made, file, draft)?;
                Standing::Placed
            }
        }
    };
    let hunk = Hunk {
        id,
        line: 1,
        removed: String::new(),
        added: shown.into_owned(),
        standing,
    };
    Ok(FileEdit {
        path: new.path.clone(),
        template: template.ok_or_else(|| no_place(new))?,
        owner: new.home.owner(),
        hunks: vec![hunk],
    })
}

fn no_place(new: &NewFile) -> String {
    format!("{} has no place for it", new.home)
}

fn add(new: &NewFile, made: Made, file: &FileOnDisk, draft: &mut Draft<'_>) -> Result<(), String> {
    let place = new.home.template(&made.path, made.rendered);
    let place = place.ok_or_else(|| no_place(new))?;
    if draft.has(&place) {
        return Err(format!("{place} is there already"));
    }
    draft.put(&place, Some(made.bytes));
    draft.expect(&new.path, Some(file));
    if file.mode == Mode::Plain {
        return Ok(());
    }
    let rule = Rule {
        mode: file.mode,
        ..Rule::default()
    };
    let path = made.path.parse().map_err(|_| no_place(new))?;
    draft.rule(&new.home, &path, &rule)
}

/// The template of a file.
///
/// # Errors
/// What has to be asked.
fn made(
    values: &Values,
    new: &NewFile,
    bytes: &[u8],
    answers: &[Choice],
) -> Result<Made, Question> {
    let found = |text: &str| !values.occurrences(text).is_empty();
    let as_it_is = |path: String| Made {
        path,
        bytes: bytes.to_vec(),
        rendered: false,
    };
    let text = str::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'));
    if new.home == Home::Runtime {
        let is_asked = !answers.contains(&Choice::Literal);
        let is_named = found(new.path.as_str()) || text.is_some_and(found);
        return match is_named && is_asked {
            true => Err(only_literal(
                "it holds a value of this project, and the runtime is the same in every one",
            )),
            false => Ok(as_it_is(new.path.to_string())),
        };
    }
    let path = with_names(values, new.path.as_str(), answers)?;
    let Some(text) = text else {
        return Ok(as_it_is(path));
    };
    let source = with_variables(values, text, answers)?;
    Ok(match source {
        Some(source) => Made {
            path,
            bytes: source.into_bytes(),
            rendered: true,
        },
        None => as_it_is(path),
    })
}

fn only_literal(reason: &str) -> Question {
    Question {
        reason: reason.into(),
        tag: None,
        choices: vec![Choice::Literal],
    }
}

/// A path in which names stand for the project's values.
pub fn with_names(values: &Values, path: &str, answers: &[Choice]) -> Result<String, Question> {
    let name = |found: &Occurrence<'_>| match variable(found, answers)? {
        None => Ok(None),
        Some(name) => match name_in_path(name) {
            Some(part) => Ok(Some(part.to_owned())),
            None => Err(only_literal(&format!(
                "its name holds {}",
                found.value.what
            ))),
        },
    };
    Ok(replaced(values, path, name, str::to_owned)?.0)
}

/// A text in which variables stand for the project's values; none when it holds none.
fn with_variables(
    values: &Values,
    text: &str,
    answers: &[Choice],
) -> Result<Option<String>, Question> {
    let name = |found: &Occurrence<'_>| {
        let name = variable(found, answers)?;
        Ok(name.map(|name| format!("<%= {name} %>")))
    };
    let escaped = |text: &str| text.replace("<%", "<%= \"<%\" %>");
    let (source, is_other) = replaced(values, text, name, escaped)?;
    Ok(is_other.then_some(source))
}

/// A text with something in the place of some values, and whether there were any.
fn replaced(
    values: &Values,
    text: &str,
    name: impl Fn(&Occurrence<'_>) -> Result<Option<String>, Question>,
    rest: impl Fn(&str) -> String,
) -> Result<(String, bool), Question> {
    let mut result = String::new();
    let mut done = 0;
    for found in values.occurrences(text) {
        if let Some(name) = name(&found)? {
            result.push_str(&rest(&text[done..found.range.start]));
            result.push_str(&name);
            done = found.range.end;
        }
    }
    result.push_str(&rest(&text[done..]));
    Ok((result, done > 0))
}
