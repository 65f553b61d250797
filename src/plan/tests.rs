use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::project::owner::Mode;
use crate::project::state::FileState;
use crate::project::tree::FileOnDisk;

const PATH: &str = "src/lib.rs";

fn path(text: &str) -> RelPath {
    text.parse().unwrap()
}

fn wanted(text: &str) -> DesiredFile {
    wanted_bytes(text.as_bytes(), Mode::Plain)
}

fn wanted_bytes(bytes: &[u8], mode: Mode) -> DesiredFile {
    DesiredFile {
        owner: Owner::Base,
        policy: Policy::Managed,
        mode,
        template: "project_templates/base/src/lib.rs".into(),
        moved_from: Vec::new(),
        bytes: Cow::Owned(bytes.to_vec()),
        digest: Some(Digest::of(bytes)),
    }
}

fn on_disk(text: &str) -> Entry {
    Entry::File(FileOnDisk {
        bytes: text.as_bytes().to_vec(),
        mode: Mode::Plain,
    })
}

/// One path's three versions, and more paths where a case needs them.
#[derive(Default)]
struct Project {
    base: BTreeMap<RelPath, DesiredFile>,
    lost_pristine: bool,
    disk: BTreeMap<RelPath, Entry>,
    renamed: BTreeMap<RelPath, RelPath>,
    wanted: BTreeMap<RelPath, DesiredFile>,
    gone: BTreeMap<RelPath, String>,
}

impl Project {
    fn new(base: Option<&str>, disk: Option<&str>, template: Option<&str>) -> Self {
        let files = |file: Option<&str>| {
            file.into_iter()
                .map(|text| (path(PATH), wanted(text)))
                .collect::<BTreeMap<_, _>>()
        };
        Self {
            base: files(base),
            wanted: files(template),
            renamed: BTreeMap::new(),
            disk: disk
                .into_iter()
                .map(|text| (path(PATH), on_disk(text)))
                .collect(),
            lost_pristine: false,
            gone: BTreeMap::new(),
        }
    }

    fn state(&self) -> State {
        let files = self
            .base
            .iter()
            .map(|(path, file)| (path.clone(), FileState::of(file)));
        let mut files: BTreeMap<_, _> = files.collect();
        for (at, wanted) in &self.renamed {
            let known = files.remove(wanted).unwrap();
            files.insert(
                at.clone(),
                FileState {
                    renamed_from: Some(wanted.clone()),
                    ..known
                },
            );
        }
        State::for_tests(files)
    }

    fn pristine(&self) -> BTreeMap<Digest, Vec<u8>> {
        let files = self.base.values().filter(|_| !self.lost_pristine);
        files
            .map(|file| (Digest::of(&file.bytes), file.bytes.to_vec()))
            .collect()
    }

    fn plan_with(&self, only: &BTreeSet<Owner>) -> Plan {
        let desired = Desired {
            files: self.wanted.clone(),
            gone: self.gone.clone(),
        };
        let tree = self.disk.clone().into_iter().collect();
        let known =
            |path: &RelPath| self.base.contains_key(path) || self.renamed.contains_key(path);
        let strays = self
            .disk
            .clone()
            .into_iter()
            .filter(|(path, _)| !known(path))
            .collect();
        let (state, pristine) = (self.state(), self.pristine());
        plan(&Input {
            desired: &desired,
            state: Some(&state),
            pristine: &pristine,
            tree: &tree,
            strays: &strays,
            only,
        })
    }

    fn plan(&self) -> Plan {
        self.plan_with(&BTreeSet::new())
    }

    /// What is done at the one path, and what it then holds.
    fn verdict(&self) -> (String, Option<String>) {
        let plan = self.plan();
        let Some(change) = plan.changes.first() else {
            return ("nothing".into(), None);
        };
        let after = change.after.as_ref();
        let text = after.map(|after| String::from_utf8(after.bytes.to_vec()).unwrap());
        (change.action.name().into(), text)
    }

    /// Carries the plan out in memory and plans again.
    fn apply(&mut self, choices: &Choices) {
        let desired = Desired {
            files: self.wanted.clone(),
            ..Desired::default()
        };
        let ready = self
            .plan()
            .resolve(&desired, self.state(), choices)
            .unwrap();
        for operation in ready.operations {
            let before = match self.disk.get(&operation.path) {
                Some(Entry::File(file)) => Some(Digest::of(&file.bytes)),
                _ => None,
            };
            assert_eq!(
                before,
                operation.before.map(|before| before.digest),
                "{}",
                operation.path
            );
            match operation.after {
                None => drop(self.disk.remove(&operation.path)),
                Some(after) => {
                    let file = FileOnDisk {
                        bytes: after.bytes.to_vec(),
                        mode: after.mode,
                    };
                    self.disk.insert(operation.path, Entry::File(file));
                }
            }
        }
        self.base.clear();
        self.renamed.clear();
        for (at, known) in &ready.state.files {
            let wanted = known.renamed_from.as_ref().unwrap_or(at);
            let Some(file) = self.wanted.get(wanted) else {
                continue;
            };
            self.base.insert(wanted.clone(), file.clone());
            if wanted != at {
                self.renamed.insert(at.clone(), wanted.clone());
            }
        }
    }
}

#[test]
fn the_table_of_three_versions() {
    let (a, b, c) = (Some("a\n"), Some("b\n"), Some("c\n"));
    let cases = [
        // base, disk, template, action, contents
        (None, None, a, "create", a),
        (None, a, a, "adopt", None),
        (None, b, a, "conflict", None),
        (a, a, b, "update", b),
        (a, b, a, "keep_edit", None),
        (a, b, b, "adopt", None),
        (a, b, c, "conflict", None),
        (a, None, b, "keep_deleted", None),
        (a, None, a, "nothing", None),
        (a, a, a, "nothing", None),
        (a, a, None, "remove", None),
        (a, b, None, "forget", None),
        (a, None, None, "forget", None),
    ];
    for (base, disk, template, action, contents) in cases {
        let verdict = Project::new(base, disk, template).verdict();
        let expected = (action.to_owned(), contents.map(str::to_owned));
        assert_eq!(verdict, expected, "{base:?} {disk:?} {template:?}");
    }
}

#[test]
fn disjoint_edits_merge() {
    let project = Project::new(Some("a\nb\nc\n"), Some("A\nb\nc\n"), Some("a\nb\nC\n"));
    assert_eq!(
        project.verdict(),
        ("merge".into(), Some("A\nb\nC\n".into()))
    );
}

#[test]
fn both_modes_are_kept() {
    let mut project = Project::new(Some("a\n"), Some("a\n"), Some("a\n"));
    project
        .wanted
        .insert(path(PATH), wanted_bytes(b"a\n", Mode::Executable));
    let plan = project.plan();
    assert_eq!(
        plan.changes[0].after.as_ref().unwrap().mode,
        Mode::Executable
    );

    let mut project = Project::new(Some("a\n"), None, Some("b\n"));
    let script = FileOnDisk {
        bytes: b"a\n".to_vec(),
        mode: Mode::Executable,
    };
    project.disk.insert(path(PATH), Entry::File(script));
    assert_eq!(
        project.plan().changes[0].after.as_ref().unwrap().mode,
        Mode::Executable
    );
}

#[test]
fn a_mode_that_the_user_set_first_is_adopted() {
    let mut project = Project::new(Some("a\n"), None, Some("a\n"));
    let script = FileOnDisk {
        bytes: b"a\n".to_vec(),
        mode: Mode::Executable,
    };
    project.disk.insert(path(PATH), Entry::File(script));
    assert!(project.plan().is_quiet(), "it is the user's own");
    project
        .wanted
        .insert(path(PATH), wanted_bytes(b"a\n", Mode::Executable));
    assert_eq!(project.verdict(), ("adopt".into(), None));
}

#[test]
fn without_its_pristine_copy_what_differs_is_a_conflict() {
    let mut project = Project::new(Some("a\nb\nc\n"), Some("A\nb\nc\n"), Some("a\nb\nC\n"));
    project.lost_pristine = true;
    assert_eq!(project.verdict(), ("conflict".into(), None));
}

#[test]
fn nothing_is_written_through_a_link_or_over_a_folder() {
    let folder = || path("src");
    for entry in [
        Entry::Link,
        Entry::Special,
        Entry::Folder(vec![path("src/lib.rs/x")]),
        Entry::Blocked(folder()),
    ] {
        let mut project = Project::new(Some("a\n"), None, Some("b\n"));
        project.disk.insert(path(PATH), entry.clone());
        assert_eq!(project.verdict(), ("conflict".into(), None), "{entry:?}");
        let mut project = Project::new(None, None, Some("b\n"));
        project.disk.insert(path(PATH), entry.clone());
        assert_eq!(project.verdict(), ("conflict".into(), None), "{entry:?}");
    }
}

#[test]
fn an_edited_file_moves_with_its_template() {
    let mut project = Project::new(Some("a\nb\nc\n"), Some("A\nb\nc\n"), None);
    let file = DesiredFile {
        moved_from: vec![path(PATH)],
        ..wanted("a\nb\nC\n")
    };
    project.wanted.insert(path("src/new.rs"), file);
    let plan = project.plan();
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(plan.changes[0].from, Some(path(PATH)));
    project.apply(&Choices::new());
    assert_eq!(
        project.disk.keys().collect::<Vec<_>>(),
        [&path("src/new.rs")]
    );
    assert_eq!(project.disk[&path("src/new.rs")], on_disk("A\nb\nC\n"));
    assert!(project.plan().is_quiet());
}

#[test]
fn a_file_that_the_user_renamed_is_followed() {
    let mut project = Project::new(Some("a\nb\nc\n"), None, Some("a\nb\nC\n"));
    project
        .disk
        .insert(path("src/mine.rs"), on_disk("a\nb\nc\n"));
    let plan = project.plan();
    assert_eq!(plan.changes[0].action, Action::Update);
    assert_eq!(plan.changes[0].renamed_from, Some(path(PATH)));
    project.apply(&Choices::new());
    assert_eq!(
        project.disk.get(&path("src/mine.rs")),
        Some(&on_disk("a\nb\nC\n"))
    );
    assert!(!project.disk.contains_key(&path(PATH)));
    assert!(project.plan().is_quiet());
    // And on, with edits, at its new place.
    project
        .disk
        .insert(path("src/mine.rs"), on_disk("A\nb\nC\n"));
    project.wanted.insert(path(PATH), wanted("a\nb\nC\nd\n"));
    project.apply(&Choices::from([(path("src/mine.rs"), Choice::Markers)]));
    assert!(project.disk.keys().all(|at| *at == path("src/mine.rs")));
    let Entry::File(file) = &project.disk[&path("src/mine.rs")] else {
        panic!("a file")
    };
    assert!(file.bytes.ends_with(b"d\n") || file.bytes.windows(2).any(|two| two == b"d\n"));
}

#[test]
fn where_both_moved_a_file_the_users_place_counts() {
    let mut project = Project::new(Some("a\nb\nc\n"), None, None);
    let mine = path("src/mine.rs");
    project.disk.insert(mine.clone(), on_disk("a\nb\nc\n"));
    let mut file = wanted("a\nb\nC\n");
    file.moved_from = vec![path(PATH)];
    project.wanted.insert(path("src/new.rs"), file);
    project.apply(&Choices::new());
    assert_eq!(project.disk.keys().collect::<Vec<_>>(), [&mine]);
    assert_eq!(project.disk[&mine], on_disk("a\nb\nC\n"));
    assert!(project.plan().is_quiet());
}

#[test]
fn a_file_that_was_renamed_and_edited_is_asked_about() {
    let make = || {
        let mut project = Project::new(Some("a\nb\nc\nd\n"), None, Some("a\nb\nc\nD\n"));
        project
            .disk
            .insert(path("src/mine.rs"), on_disk("A\nb\nc\nd\n"));
        project
    };
    let at = path("src/mine.rs");
    assert!(matches!(
        make().plan().conflicts().next(),
        Some((
            _,
            Conflict {
                kind: ConflictKind::Renamed,
                ..
            }
        ))
    ));
    for (choice, mine, original) in [
        (Choice::Mine, "A\nb\nc\nd\n", None),
        (Choice::Theirs, "A\nb\nc\nd\n", Some("a\nb\nc\nD\n")),
        (Choice::Markers, "A\nb\nc\nD\n", None),
    ] {
        let mut project = make();
        project.apply(&Choices::from([(at.clone(), choice)]));
        assert_eq!(project.disk[&at], on_disk(mine), "{choice:?}");
        assert_eq!(
            project.disk.get(&path(PATH)).cloned(),
            original.map(on_disk),
            "{choice:?}"
        );
        assert!(
            project.plan().is_quiet(),
            "{choice:?}: {:?}",
            project.plan()
        );
    }
}

#[test]
fn a_file_that_changes_owner_keeps_its_edits() {
    let mut project = Project::new(Some("a\n"), Some("mine\n"), Some("a\n"));
    let theirs = project.wanted.get_mut(&path(PATH)).unwrap();
    theirs.owner = Owner::Module("credits".parse().unwrap());
    theirs.template = "project_templates/modules/credits/src/lib.rs".into();
    project.apply(&Choices::new());
    assert_eq!(project.disk[&path(PATH)], on_disk("mine\n"));
    assert_eq!(project.verdict().0, "keep_edit");
}

#[test]
fn a_plan_for_one_owner_touches_no_other_file() {
    let mut project = Project::new(Some("a\n"), Some("a\n"), Some("b\n"));
    let other = DesiredFile {
        owner: Owner::Runtime,
        ..wanted("new\n")
    };
    project.wanted.insert(path("vendor/x"), other);
    let plan = project.plan_with(&BTreeSet::from([Owner::Runtime]));
    let paths: Vec<_> = plan
        .changes
        .iter()
        .map(|change| change.path.as_str())
        .collect();
    assert_eq!(paths, ["vendor/x"]);
}

#[test]
fn a_file_written_once_is_the_users() {
    let mut project = Project::new(Some("a\n"), Some("mine\n"), Some("b\n"));
    for file in project.base.values_mut().chain(project.wanted.values_mut()) {
        file.policy = Policy::Once;
    }
    assert_eq!(project.verdict(), ("nothing".into(), None));
    project.disk.clear();
    assert_eq!(project.verdict(), ("nothing".into(), None));
    project.wanted.clear();
    assert_eq!(project.verdict().0, "forget");
    assert_eq!(
        project.plan().changes[0].reason,
        "it has been yours since it was written"
    );
    project.gone.insert(path(PATH), "move what is yours".into());
    assert_eq!(project.plan().changes[0].reason, "move what is yours");
}

#[test]
fn every_answer_to_a_conflict_settles_it() {
    for (choice, expected) in [
        (Choice::Mine, "mine\n".to_owned()),
        (Choice::Theirs, "new\n".to_owned()),
        (
            Choice::Markers,
            "<<<<<<< yours\nmine\n||||||| last applied\nold\n=======\nnew\n>>>>>>> template\n"
                .into(),
        ),
    ] {
        let mut project = Project::new(Some("old\n"), Some("mine\n"), Some("new\n"));
        let desired = Desired {
            files: project.wanted.clone(),
            ..Desired::default()
        };
        let unanswered = project
            .plan()
            .resolve(&desired, project.state(), &Choices::new());
        assert_eq!(unanswered.unwrap_err(), Unanswered(vec![path(PATH)]));
        project.apply(&Choices::from([(path(PATH), choice)]));
        assert_eq!(project.disk[&path(PATH)], on_disk(&expected), "{choice:?}");
        assert!(project.plan().is_quiet(), "{choice:?}");
    }
}

#[test]
fn an_unresolved_file_waits_until_its_markers_are_gone() {
    let project = Project::new(Some("old\n"), Some("mine\n"), Some("new\n"));
    let desired = Desired {
        files: project.wanted.clone(),
        ..Desired::default()
    };
    let choices = Choices::from([(path(PATH), Choice::Markers)]);
    let ready = project
        .plan()
        .resolve(&desired, project.state(), &choices)
        .unwrap();
    assert!(ready.state.files[&path(PATH)].unresolved);
    let marked = ready.operations[0].after.clone().unwrap();
    let newer = Desired {
        files: BTreeMap::from([(path(PATH), wanted("newer\n"))]),
        ..Desired::default()
    };
    let action = |text: &[u8]| {
        let entry = Entry::File(FileOnDisk {
            bytes: text.to_vec(),
            mode: Mode::Plain,
        });
        let tree = Tree::from_iter([(path(PATH), entry)]);
        let pristine = BTreeMap::from([(Digest::of(b"new\n"), b"new\n".to_vec())]);
        let only = BTreeSet::new();
        let state = Some(&ready.state);
        let input = Input {
            desired: &newer,
            state,
            pristine: &pristine,
            tree: &tree,
            strays: &Tree::default(),
            only: &only,
        };
        plan(&input).changes[0].action.clone()
    };
    let waiting = Conflict {
        kind: ConflictKind::Unresolved,
        marked: None,
    };
    assert_eq!(action(&marked.bytes), Action::Conflict(waiting));
    assert_eq!(action(b"new\n"), Action::Update);
}

/// A few lines that repeat, so that edits meet.
fn lines() -> impl Strategy<Value = Option<String>> {
    let text = proptest::collection::vec("[a-e]\n", 0..6).prop_map(|lines| lines.concat());
    proptest::option::weighted(0.85, text)
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::Mine),
        Just(Choice::Theirs),
        Just(Choice::Markers)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn planning_again_after_applying_is_quiet(
        base in lines(), disk in lines(), template in lines(), choice in choice(),
    ) {
        let mut project = Project::new(base.as_deref(), disk.as_deref(), template.as_deref());
        project.apply(&Choices::from([(path(PATH), choice)]));
        prop_assert!(project.plan().is_quiet(), "{:?}", project.plan());
    }

    #[test]
    fn no_line_of_the_user_is_dropped_without_an_answer(
        base in lines(), disk in lines(), template in lines(),
    ) {
        let mut project = Project::new(base.as_deref(), disk.as_deref(), template.as_deref());
        let asks = project.plan().conflicts().count() > 0;
        let Some(text) = disk.filter(|text| !asks && Some(text) != base.as_ref()) else { return Ok(()) };
        project.apply(&Choices::new());
        let Some(Entry::File(after)) = project.disk.get(&path(PATH)) else {
            return Err(TestCaseError::fail("the user's file is gone"));
        };
        let after = String::from_utf8(after.bytes.clone()).unwrap();
        let base = base.unwrap_or_default();
        for line in text.lines().filter(|line| !base.lines().any(|old| old == *line)) {
            prop_assert!(after.lines().any(|kept| kept == line), "{line} of {text:?} is gone");
        }
    }
}
