use std::borrow::Cow;
use std::collections::BTreeSet;

use walkdir::WalkDir;

use super::*;
use crate::error::Exit;
use crate::plan::{Choices, Input, plan};
use crate::project::owner::{Owner, Policy};
use crate::project::state::{FileState, kept_as};
use crate::project::tree::Tree;
use crate::render::{Desired, DesiredFile};

fn file(text: &str, mode: Mode) -> DesiredFile {
    DesiredFile {
        owner: Owner::Base,
        policy: Policy::Managed,
        mode,
        template: "project_templates/base/x".into(),
        moved_from: Vec::new(),
        bytes: Cow::Owned(text.as_bytes().to_vec()),
        digest: Some(Digest::of(text.as_bytes())),
    }
}

fn desired(files: &[(&str, &str)]) -> Desired {
    let files = files.iter().map(|(path, text)| {
        let mode = if path.ends_with(".sh") {
            Mode::Executable
        } else {
            Mode::Plain
        };
        (path.parse().unwrap(), file(text, mode))
    });
    Desired {
        files: files.collect(),
        ..Desired::default()
    }
}

/// A project to which `files` have been applied.
fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, State) {
    let folder = tempfile::tempdir().unwrap();
    let desired = desired(files);
    let known = desired
        .files
        .iter()
        .map(|(path, file)| (path.clone(), FileState::of(file)));
    let state = State::for_tests(known.collect());
    let disk = Disk::default();
    for (path, file) in &desired.files {
        disk.write(&path.under(folder.path()), &file.bytes, file.mode, None)
            .unwrap();
        if let Some(digest) = kept_as(file) {
            let kept = folder
                .path()
                .join(STATE_DIR)
                .join(BASE_DIR)
                .join(digest.to_string());
            disk.write_over(&kept, &file.bytes).unwrap();
        }
    }
    let path = folder.path().join(STATE_DIR).join(STATE_FILE);
    disk.write_over(&path, state.to_yaml().unwrap().as_bytes())
        .unwrap();
    (folder, state)
}

fn ready(root: &Path, state: &State, wanted: &Desired) -> ReadyPlan {
    let paths: BTreeSet<_> = state.files.keys().chain(wanted.files.keys()).collect();
    let tree = Tree::read(root, paths).unwrap();
    let pristine = BTreeMap::new();
    let only = BTreeSet::new();
    let input = Input {
        desired: wanted,
        state: Some(state),
        pristine: &pristine,
        tree: &tree,
        strays: &Tree::default(),
        only: &only,
    };
    let mut next = state.clone();
    next.serial += 1;
    plan(&input).resolve(wanted, next, &Choices::new()).unwrap()
}

/// Every file of the project with its mode, but not what belongs to transactions.
fn snapshot(root: &Path) -> BTreeMap<String, (Vec<u8>, u32)> {
    let inner = |name: &str| root.join(STATE_DIR).join(name);
    WalkDir::new(root)
        .into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().is_file())
        .filter(|entry| {
            [APPLY_DIR, UNDO_DIR, BASE_DIR]
                .iter()
                .all(|name| !entry.path().starts_with(inner(name)))
        })
        .map(|entry| {
            let name = entry
                .path()
                .strip_prefix(root)
                .unwrap()
                .display()
                .to_string();
            (
                name,
                (std::fs::read(entry.path()).unwrap(), mode(entry.path())),
            )
        })
        .collect()
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(not(unix))]
fn mode(_: &Path) -> u32 {
    0
}

const BEFORE: &[(&str, &str)] = &[
    ("Cargo.toml", "one\n"),
    ("gone/deep/old.rs", "old\n"),
    ("src/lib.rs", "lib\n"),
    ("src/same.rs", "same\n"),
    ("tool.sh", "echo 1\n"),
];
const AFTER: &[(&str, &str)] = &[
    ("Cargo.toml", "two\n"),
    ("new/deep/file.rs", "new\n"),
    ("src/lib.rs", "library\n"),
    ("src/same.rs", "same\n"),
    ("tool.sh", "echo 2\n"),
];

#[test]
fn an_apply_changes_everything_and_undo_takes_it_back() {
    let (folder, state) = project(BEFORE);
    let root = folder.path();
    let before = snapshot(root);
    let disk = Disk::default();
    let transaction = Transaction::new(root, &disk);
    transaction
        .apply(&ready(root, &state, &desired(AFTER)), &mut |_| Ok(()))
        .unwrap();
    let (whole, _) = project(AFTER);
    let files = |root: &Path| -> BTreeMap<_, _> {
        let state = format!("{STATE_DIR}/");
        snapshot(root)
            .into_iter()
            .filter(|(path, _)| !path.starts_with(&state))
            .collect()
    };
    assert_eq!(files(root), files(whole.path()));
    assert!(!root.join("gone").exists());
    assert_eq!(transaction.undo().unwrap().len(), 5);
    assert_eq!(snapshot(root), before);
    assert!(!root.join("new").exists());
    assert!(transaction.undo().is_err());
}

/// The plan of a first apply in an empty folder.
fn first(root: &Path) -> ReadyPlan {
    let wanted = desired(BEFORE);
    let input = Input {
        desired: &wanted,
        state: None,
        pristine: &BTreeMap::new(),
        tree: &Tree::read(root, wanted.files.keys()).unwrap(),
        strays: &Tree::default(),
        only: &BTreeSet::new(),
    };
    let next = State::for_tests(BTreeMap::new());
    plan(&input)
        .resolve(&wanted, next, &Choices::new())
        .unwrap()
}

/// Every point at which a kill can meet an undo, of a first apply and of a later one: afterwards everything is as before
/// or as after.
#[test]
fn a_kill_at_any_step_of_an_undo_ends_as_before_or_after() {
    let applied = |is_first: bool| {
        let (folder, plan) = if is_first {
            let folder = tempfile::tempdir().unwrap();
            let plan = first(folder.path());
            (folder, plan)
        } else {
            let (folder, state) = project(BEFORE);
            let plan = ready(folder.path(), &state, &desired(AFTER));
            (folder, plan)
        };
        let before = snapshot(folder.path());
        Transaction::new(folder.path(), &Disk::default())
            .apply(&plan, &mut |_| Ok(()))
            .unwrap();
        (folder, before)
    };
    for is_first in [true, false] {
        let (whole, before) = applied(is_first);
        let after = snapshot(whole.path());
        let disk = Disk::with_fuse(1000);
        Transaction::new(whole.path(), &disk).undo().unwrap();
        assert_eq!(snapshot(whole.path()), before);
        assert_eq!(before.is_empty(), is_first);
        let mut ends = [0, 0];
        for step in 0..1000 - disk.steps_left() {
            let (folder, _) = applied(is_first);
            let root = folder.path();
            Transaction::new(root, &Disk::with_fuse(step))
                .undo()
                .unwrap_err();
            Transaction::new(root, &Disk::default()).recover().unwrap();
            let now = snapshot(root);
            assert!(now == before || now == after, "killed at {step}: {now:?}");
            ends[usize::from(now == before)] += 1;
        }
        assert!(ends.iter().all(|count| *count > 5), "{ends:?}");
    }
}

#[test]
fn undo_refuses_when_a_file_has_changed_since() {
    let (folder, state) = project(BEFORE);
    let disk = Disk::default();
    let transaction = Transaction::new(folder.path(), &disk);
    transaction
        .apply(&ready(folder.path(), &state, &desired(AFTER)), &mut |_| {
            Ok(())
        })
        .unwrap();
    std::fs::write(folder.path().join("src/lib.rs"), "mine\n").unwrap();
    let after = snapshot(folder.path());
    assert!(
        transaction
            .undo()
            .unwrap_err()
            .to_string()
            .contains("src/lib.rs")
    );
    assert_eq!(snapshot(folder.path()), after);
}

/// Every point at which a kill can meet an apply: afterwards everything is as before or as after.
#[test]
fn a_kill_at_any_step_ends_as_before_or_after() {
    let (whole, state) = project(BEFORE);
    let plan = ready(whole.path(), &state, &desired(AFTER));
    let before = snapshot(whole.path());
    let disk = Disk::with_fuse(1000);
    Transaction::new(whole.path(), &disk)
        .apply(&plan, &mut |_| Ok(()))
        .unwrap();
    let steps = 1000 - disk.steps_left();
    let after = snapshot(whole.path());
    let mut ends = [0, 0];
    for step in 0..steps {
        let (folder, _) = project(BEFORE);
        let root = folder.path();
        Transaction::new(root, &Disk::with_fuse(step))
            .apply(&plan, &mut |_| Ok(()))
            .unwrap_err();
        let disk = Disk::default();
        Transaction::new(root, &disk).recover().unwrap();
        let now = snapshot(root);
        assert!(
            now == before || now == after,
            "killed at step {step} of {steps}: {now:?}"
        );
        ends[usize::from(now == after)] += 1;
        assert!(!root.join(STATE_DIR).join(APPLY_DIR).exists());
    }
    assert!(ends.iter().all(|count| *count > 5), "{ends:?}");
}

/// A second kill, while the first is being mended.
#[test]
fn a_kill_during_recovery_is_recovered_from() {
    let (whole, state) = project(BEFORE);
    let plan = ready(whole.path(), &state, &desired(AFTER));
    let before = snapshot(whole.path());
    Transaction::new(whole.path(), &Disk::default())
        .apply(&plan, &mut |_| Ok(()))
        .unwrap();
    let after = snapshot(whole.path());
    for first in 0..40 {
        for second in 0..12 {
            let (folder, _) = project(BEFORE);
            let root = folder.path();
            drop(Transaction::new(root, &Disk::with_fuse(first)).apply(&plan, &mut |_| Ok(())));
            drop(Transaction::new(root, &Disk::with_fuse(second)).recover());
            Transaction::new(root, &Disk::default()).recover().unwrap();
            let now = snapshot(root);
            assert!(
                now == before || now == after,
                "killed at {first}, then at {second}"
            );
        }
    }
}

#[test]
fn what_the_user_changed_after_a_kill_stays_and_is_merged_later() {
    let (whole, state) = project(BEFORE);
    let plan = ready(whole.path(), &state, &desired(AFTER));
    let disk = Disk::with_fuse(1000);
    Transaction::new(whole.path(), &disk)
        .apply(&plan, &mut |_| Ok(()))
        .unwrap();
    let steps = 1000 - disk.steps_left();
    let mut kept_once = false;
    for step in 0..steps {
        let (folder, _) = project(BEFORE);
        let root = folder.path();
        drop(Transaction::new(root, &Disk::with_fuse(step)).apply(&plan, &mut |_| Ok(())));
        std::fs::write(root.join("src/lib.rs"), "mine\n").unwrap();
        let recovered = Transaction::new(root, &Disk::default()).recover().unwrap();
        assert_eq!(
            std::fs::read(root.join("src/lib.rs")).unwrap(),
            b"mine\n",
            "step {step}"
        );
        if let Recovered::Finished { kept } = recovered
            && !kept.is_empty()
        {
            kept_once = true;
            let text = std::fs::read_to_string(root.join(STATE_DIR).join(STATE_FILE)).unwrap();
            let known = State::from_yaml(&text).unwrap();
            let path: RelPath = "src/lib.rs".parse().unwrap();
            assert_eq!(known.files[&path].digest, Some(Digest::of(b"lib\n")));
        }
    }
    assert!(kept_once);
}

#[test]
fn a_stale_plan_is_refused_before_anything_is_touched() {
    let (folder, state) = project(BEFORE);
    let root = folder.path();
    let plan = ready(root, &state, &desired(AFTER));
    std::fs::write(root.join("Cargo.toml"), "mine\n").unwrap();
    let before = snapshot(root);
    let error = Transaction::new(root, &Disk::default())
        .apply(&plan, &mut |_| Ok(()))
        .unwrap_err();
    assert_eq!(crate::error::exit_of(&error), Exit::Stale);
    assert!(error.to_string().contains("Cargo.toml"), "{error}");
    assert_eq!(snapshot(root), before);
}

#[test]
fn a_failure_under_way_puts_everything_back() {
    let (whole, state) = project(BEFORE);
    let plan = ready(whole.path(), &state, &desired(AFTER));
    let before = snapshot(whole.path());
    let disk = Disk::with_fuse(1000);
    Transaction::new(whole.path(), &disk)
        .apply(&plan, &mut |_| Ok(()))
        .unwrap();
    let after = snapshot(whole.path());
    let mut put_back = 0;
    for step in 0..1000 - disk.steps_left() {
        let (folder, _) = project(BEFORE);
        let root = folder.path();
        let disk = Disk::failing_once_after(step);
        let Err(error) = Transaction::new(root, &disk).apply(&plan, &mut |_| Ok(())) else {
            continue;
        };
        if snapshot(root) == before {
            put_back += usize::from(error.to_string().contains("as it was before"));
            assert!(
                !root.join(STATE_DIR).join(APPLY_DIR).exists(),
                "step {step}"
            );
        } else {
            // The files were in place already; what is left to do is the next command's.
            Transaction::new(root, &Disk::default()).recover().unwrap();
            assert_eq!(snapshot(root), after, "step {step}");
        }
    }
    assert!(put_back >= plan.operations.len(), "{put_back}");
}
