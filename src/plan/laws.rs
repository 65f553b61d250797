//! The laws that hold for every plan, tried on random projects of several files: users who edit, delete, rename and add,
//! templates that come, change, move and go, on file systems of both kinds.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::project::owner::Mode;
use crate::project::tree::FileOnDisk;

/// Names that get in each other's way: a file and a folder, the same in other letters.
const NAMES: [&str; 9] = [
    "a.md", "A.md", "b.md", "c.md", "d", "d/x.md", "d/y.md", "D/x.md", "e/z.md",
];

/// A project's disk, in memory.
#[derive(Debug, Clone, Default)]
struct Disk {
    files: BTreeMap<String, String>,
    /// Whether `a` and `A` are one name.
    folds: bool,
}

impl Disk {
    fn same(&self, one: &str, other: &str) -> bool {
        one == other || self.folds && one.eq_ignore_ascii_case(other)
    }

    fn file(&self, path: &str) -> Option<&String> {
        self.files.keys().find(|file| self.same(file, path))
    }

    /// The files in a folder, and how the folder is spelled.
    fn inside(&self, folder: &str) -> (Vec<&str>, Option<&str>) {
        let is_inside = |file: &&String| {
            file.get(..folder.len())
                .is_some_and(|start| self.same(start, folder))
                && file[folder.len()..].starts_with('/')
        };
        let files: Vec<_> = self
            .files
            .keys()
            .filter(is_inside)
            .map(String::as_str)
            .collect();
        let spelled = files.first().map(|file| &file[..folder.len()]);
        (files, spelled)
    }

    /// How `path` would be spelled if it were written.
    fn spelled(&self, path: &str) -> String {
        if let Some(file) = self.file(path) {
            return file.clone();
        }
        let ends = path.match_indices('/').map(|(end, _)| end);
        let folder = ends
            .rev()
            .find_map(|end| Some((end, self.inside(&path[..end]).1?)));
        folder.map_or(path.to_owned(), |(end, folder)| {
            format!("{folder}{}", &path[end..])
        })
    }

    /// Writes a file as a user may: not over a folder, not below a file.
    fn write(&mut self, path: &str, text: String) {
        if self.is_writable(path) {
            self.files.insert(self.spelled(path), text);
        }
    }

    fn is_writable(&self, path: &str) -> bool {
        let blocked = path
            .match_indices('/')
            .any(|(end, _)| self.file(&path[..end]).is_some());
        !blocked && self.inside(path).0.is_empty()
    }

    /// As [`Tree::read`] has it.
    fn entry(&self, path: &RelPath) -> Entry {
        let rel = |text: &str| text.parse::<RelPath>().expect("a path");
        let is_file = |folder: &RelPath| self.file(folder.as_str()).is_some();
        if let Some(folder) = path.folders().find(is_file) {
            return Entry::Blocked(folder);
        }
        let there = match self.file(path.as_str()) {
            Some(file) => Some(file.clone()),
            None => {
                let (files, spelled) = self.inside(path.as_str());
                if spelled == Some(path.as_str()) {
                    return Entry::Folder(files.into_iter().map(rel).collect());
                }
                spelled.map(str::to_owned)
            }
        };
        match there {
            None => Entry::Missing,
            Some(there) if there != path.as_str() => Entry::Alias(rel(&there)),
            Some(there) => Entry::File(FileOnDisk {
                bytes: self.files[&there].clone().into_bytes(),
                mode: Mode::Plain,
            }),
        }
    }
}

/// A project with what its templates want.
#[derive(Clone)]
struct World {
    disk: Disk,
    state: State,
    pristine: BTreeMap<Digest, Vec<u8>>,
    desired: Desired,
}

/// What matters of it, where a law is broken.
impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = |file: &FileState| {
            let base = file.digest.and_then(|digest| self.pristine.get(&digest));
            let text = base.map(|text| String::from_utf8_lossy(text));
            format!("{text:?} {} {:?}", file.owner, file.renamed_from)
        };
        writeln!(f, "folds: {}", self.disk.folds)?;
        for (path, text) in &self.disk.files {
            writeln!(f, "disk    {path} {text:?}")?;
        }
        for (path, file) in &self.state.files {
            writeln!(f, "known   {path} {}", known(file))?;
        }
        for (path, file) in &self.desired.files {
            let text = String::from_utf8_lossy(&file.bytes);
            writeln!(
                f,
                "wanted  {path} {text:?} {} {:?}",
                file.owner, file.moved_from
            )?;
        }
        let plan = self.plan(&BTreeSet::new());
        for change in &plan.changes {
            let Change {
                path,
                from,
                renamed_from,
                action,
                ..
            } = change;
            writeln!(
                f,
                "change  {path} {} {from:?} {renamed_from:?}",
                action.name()
            )?;
        }
        Ok(())
    }
}

impl World {
    fn born(desired: Desired, folds: bool) -> Self {
        let state = State::for_tests(BTreeMap::new());
        let ready =
            ReadyPlan::from_nothing(&desired, state.clone()).expect("nothing is in the way");
        let disk = Disk {
            folds,
            files: BTreeMap::new(),
        };
        let mut world = Self {
            disk,
            state,
            pristine: BTreeMap::new(),
            desired,
        };
        world.carry_out(ready);
        world
    }

    fn plan(&self, only: &BTreeSet<Owner>) -> Plan {
        let known = self.state.files.keys();
        let former = self
            .desired
            .files
            .values()
            .flat_map(|file| &file.moved_from);
        let paths = known.chain(self.desired.files.keys()).chain(former);
        let tree = paths
            .map(|path| (path.clone(), self.disk.entry(path)))
            .collect();
        let files = self
            .disk
            .files
            .keys()
            .map(|file| file.parse().expect("a path"));
        let unknown = files.filter(|path: &RelPath| !self.state.files.contains_key(path));
        let strays = unknown
            .map(|path| (path.clone(), self.disk.entry(&path)))
            .collect();
        plan(&Input {
            desired: &self.desired,
            state: Some(&self.state),
            pristine: &self.pristine,
            tree: &tree,
            strays: &strays,
            only,
        })
    }

    /// The plan with every conflict answered by `choice`, or by `Mine` where nothing else can be.
    fn ready(&self, plan: &Plan, choice: Choice) -> ReadyPlan {
        let answer = |(change, conflict): (&Change, &Conflict)| {
            let is_file = matches!(change.before, Some(Entry::File(_)));
            let can = is_file || conflict.kind != ConflictKind::InTheWay;
            (change.path.clone(), if can { choice } else { Choice::Mine })
        };
        let choices = plan.conflicts().map(answer).collect();
        plan.resolve(&self.desired, self.state.clone(), &choices)
            .expect("all is answered")
    }

    /// What the transaction does, and what it demands.
    fn carry_out(&mut self, ready: ReadyPlan) {
        for Operation {
            path,
            before,
            after,
        } in ready.operations
        {
            let found = match self.disk.entry(&path) {
                Entry::File(file) => Some(Digest::of(&file.bytes)),
                Entry::Missing => None,
                entry => panic!("{entry:?} is in the way of {path}"),
            };
            assert_eq!(found, before.map(|before| before.digest), "{path}");
            match after {
                None => drop(self.disk.files.remove(path.as_str())),
                Some(after) => {
                    let text = String::from_utf8(after.bytes.to_vec()).expect("text");
                    self.disk
                        .files
                        .insert(self.disk.spelled(path.as_str()), text);
                }
            }
        }
        self.state = ready.state;
        let kept = ready
            .pristine
            .into_iter()
            .map(|(digest, bytes)| (digest, bytes.to_vec()));
        self.pristine.extend(kept);
    }

    /// The words that only the user wrote, with the file that each stands in.
    fn words(&self) -> BTreeSet<(String, String)> {
        let words = self.disk.files.iter().flat_map(|(file, text)| {
            let own = text.lines().filter(|line| line.starts_with("user"));
            own.map(|line| (line.to_owned(), file.clone()))
        });
        words.collect()
    }
}

/// Something that a user does; the numbers choose from what is there.
#[derive(Debug, Clone)]
enum Act {
    Edit(prop::sample::Index, usize),
    Delete(prop::sample::Index),
    Rename(prop::sample::Index, &'static str),
    Add(&'static str),
}

fn act() -> impl Strategy<Value = Act> {
    let file = any::<prop::sample::Index>;
    let name = || prop::sample::select(&NAMES[..]);
    prop_oneof![
        3 => (file(), 0..6usize).prop_map(|(file, line)| Act::Edit(file, line)),
        1 => file().prop_map(Act::Delete),
        2 => (file(), name()).prop_map(|(file, name)| Act::Rename(file, name)),
        1 => name().prop_map(Act::Add),
    ]
}

fn act_out(disk: &mut Disk, acts: &[Act]) {
    for (number, act) in acts.iter().enumerate() {
        let word = format!("user {number}\n");
        let pick = |index: &prop::sample::Index| {
            let files: Vec<_> = disk.files.keys().cloned().collect();
            (!files.is_empty()).then(|| files[index.index(files.len())].clone())
        };
        match act {
            Act::Add(name) if disk.file(name).is_none() => disk.write(name, word),
            Act::Add(_) => {}
            Act::Delete(index) => drop(pick(index).and_then(|file| disk.files.remove(&file))),
            Act::Edit(index, line) => {
                if let Some(text) = pick(index).and_then(|file| disk.files.get_mut(&file)) {
                    let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
                    lines.insert((*line).min(lines.len()), word);
                    *text = lines.concat();
                }
            }
            Act::Rename(index, name) => {
                let Some(file) = pick(index) else { continue };
                let text = disk.files.remove(&file).expect("picked");
                let is_free = disk.is_writable(name) && disk.file(name).is_none();
                disk.write(if is_free { name } else { &file }, text);
            }
        }
    }
}

/// Templates at some of the names: a text, an owner, and a place that it may have moved from.
fn desired() -> impl Strategy<Value = Desired> {
    let text = proptest::collection::vec("[a-e]\n", 3..7).prop_map(|lines| lines.concat());
    let file = (
        text,
        0..3usize,
        prop::option::weighted(0.4, prop::sample::select(&NAMES[..])),
    );
    let files = proptest::collection::vec(prop::option::weighted(0.5, file), NAMES.len());
    files.prop_map(|files| {
        let mut disk = Disk {
            folds: true,
            files: BTreeMap::new(),
        };
        let mut desired = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for (name, file) in NAMES.into_iter().zip(files) {
            let Some((text, owner, from)) = file.filter(|_| disk.file(name).is_none()) else {
                continue;
            };
            // No catalogue has a file where another has a folder, nor one name in two spellings.
            if !disk.is_writable(name) || disk.spelled(name) != name {
                continue;
            }
            disk.write(name, text.clone());
            let from = from.filter(|from| *from != name && taken.insert(*from));
            let owner = ["base", "runtime", "module:one"][owner]
                .parse()
                .expect("an owner");
            let wanted = DesiredFile {
                owner,
                policy: Policy::Managed,
                mode: Mode::Plain,
                template: format!("project_templates/{name}"),
                moved_from: from
                    .into_iter()
                    .map(|from| from.parse().expect("a path"))
                    .collect(),
                digest: Some(Digest::of(text.as_bytes())),
                bytes: Cow::Owned(text.into_bytes()),
            };
            desired.insert(name.parse().expect("a path"), wanted);
        }
        Desired {
            files: desired,
            ..Desired::default()
        }
    })
}

/// A born project that its user has changed, with newer templates.
fn world() -> impl Strategy<Value = World> {
    let acts = proptest::collection::vec(act(), 0..5);
    (desired(), acts, desired(), any::<bool>()).prop_map(|(old, acts, new, folds)| {
        let mut world = World::born(old, folds);
        act_out(&mut world.disk, &acts);
        world.desired = new;
        world
    })
}

fn choice() -> impl Strategy<Value = Choice> {
    prop::sample::select(vec![Choice::Mine, Choice::Theirs, Choice::Markers])
}

// As many projects as `PROPTEST_CASES` says; `cargo xtask test` says 10,000.
proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn planning_again_after_applying_is_quiet(mut world in world(), choice in choice()) {
        let all = BTreeSet::new();
        let ready = world.ready(&world.plan(&all), choice);
        world.carry_out(ready);
        prop_assert!(world.plan(&all).is_quiet(), "not quiet: {world:?}");
    }

    #[test]
    fn no_word_of_the_user_is_lost_without_an_answer(mut world in world(), choice in choice()) {
        let plan = world.plan(&BTreeSet::new());
        let asked: BTreeSet<String> = plan
            .conflicts()
            .map(|(change, _)| change.from.as_ref().unwrap_or(&change.path).to_string())
            .collect();
        let before = world.words();
        let ready = world.ready(&plan, choice);
        world.carry_out(ready);
        let after: BTreeSet<String> = world.words().into_iter().map(|(word, _)| word).collect();
        for (word, file) in before {
            let answered = choice == Choice::Theirs && asked.contains(&file);
            prop_assert!(answered || after.contains(&word), "{word} of {file} is lost");
        }
    }

    #[test]
    fn a_plan_for_one_owner_touches_no_other_owners_files(
        mut world in world(), choice in choice(), owner in 0..3usize,
    ) {
        let owner: Owner = ["base", "runtime", "module:one"][owner].parse().expect("an owner");
        let plan = world.plan(&BTreeSet::from([owner.clone()]));
        let (disk, state) = (world.disk.clone(), world.state.clone());
        let ready = world.ready(&plan, choice);
        world.carry_out(ready);
        let is_others = |path: &str| {
            let path: RelPath = path.parse().expect("a path");
            let wanted = world.desired.files.get(&path).map(|file| &file.owner);
            let known = state.files.get(&path).map(|file| &file.owner);
            [wanted, known].into_iter().flatten().all(|other| *other != owner)
                && (wanted.is_some() || known.is_some())
        };
        for (file, text) in disk.files.iter().filter(|(file, _)| is_others(file)) {
            prop_assert_eq!(world.disk.files.get(file), Some(text), "{}", file);
        }
        for (path, known) in state.files.iter().filter(|(path, _)| is_others(path.as_str())) {
            prop_assert_eq!(world.state.files.get(path), Some(known), "{}", path);
        }
    }
}
