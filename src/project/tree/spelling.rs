//! How names are spelled on file systems that take `README.md` and `readme.md` for one, as those of Windows and macOS do:
//! there, what answers to a name need not have it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use crate::project::STATE_DIR;
use crate::project::names::RelPath;

/// Gives the names in a folder of the project.
type List<'a> = dyn Fn(&str) -> Vec<String> + 'a;

/// The spelling of a project's files. Folders are listed once, when they are asked for.
pub(super) struct Spelling<'a> {
    list: Box<List<'a>>,
    listed: RefCell<BTreeMap<String, Vec<String>>>,
}

impl<'a> Spelling<'a> {
    /// None where a name has one spelling only, and for what is no project.
    pub(super) fn of(root: &'a Path) -> Option<Self> {
        let upper = root.join(STATE_DIR.to_ascii_uppercase());
        let folds = same_file::is_same_file(root.join(STATE_DIR), upper).unwrap_or(false);
        folds.then(|| Self::new(move |folder| names(&root.join(folder))))
    }

    fn new(list: impl Fn(&str) -> Vec<String> + 'a) -> Self {
        Self {
            list: Box::new(list),
            listed: RefCell::default(),
        }
    }

    /// The path that answers to `path`, when it is spelled otherwise.
    pub(super) fn of_alias(&self, path: &RelPath) -> Option<RelPath> {
        let mut spelled = String::new();
        for part in path.as_str().split('/') {
            let name = self.name(&spelled, part);
            if !spelled.is_empty() {
                spelled.push('/');
            }
            spelled.push_str(&name);
        }
        spelled.parse().ok().filter(|spelled| spelled != path)
    }

    /// The name of `part` in `folder`; as it is where none is found, so that an unknown way to fold is none.
    fn name(&self, folder: &str, part: &str) -> String {
        let mut listed = self.listed.borrow_mut();
        let names = listed
            .entry(folder.to_owned())
            .or_insert_with(|| (self.list)(folder));
        let same = |name: &&String| name.to_lowercase() == part.to_lowercase();
        match names.iter().any(|name| name == part) {
            true => part.to_owned(),
            false => names.iter().find(same).cloned().unwrap_or(part.to_owned()),
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs_err::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_answers_to_a_name_is_told_by_its_own() {
        let spelling = Spelling::new(|folder| {
            let names: &[&str] = match folder {
                "" => &["Docs", "README.md"],
                "Docs" => &["Ünder.md", "über.md"],
                _ => &[],
            };
            names.iter().map(|name| (*name).to_owned()).collect()
        });
        for (asked, answers) in [
            ("README.md", None),
            ("readme.md", Some("README.md")),
            ("docs/über.md", Some("Docs/über.md")),
            ("Docs/ünder.MD", Some("Docs/Ünder.md")),
            ("Docs/other.md", None),
        ] {
            let path: RelPath = asked.parse().expect("a path");
            let alias = spelling.of_alias(&path);
            assert_eq!(alias.as_ref().map(RelPath::as_str), answers, "{asked}");
        }
    }
}
