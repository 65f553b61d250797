//! What the machine does to an apply: other places, other people, full disks, files that cannot be written.

use quickscale::project::STATE_DIR;
use quickscale::project::lock::Lock;

use crate::templates::Evolving;

fn pending() -> Evolving {
    let it = Evolving::new(&[("a.md", "1\n"), ("docs/b.md", "1\n")]);
    for path in ["a.md", "docs/b.md"] {
        it.base(path, "2\n");
    }
    it
}

#[test]
fn a_clone_and_a_worktree_are_projects_like_any_other() {
    let it = pending();
    it.project.write("a.md", "1\nmine\n");
    it.base("a.md", "template\n1\n");
    it.git(&["init", "--quiet"]);
    it.git(&["add", "--all"]);
    it.git(&["commit", "--quiet", "--message", "all"]);
    it.git(&["clone", "--quiet", ".", "../clone"]);
    it.git(&["worktree", "add", "--quiet", "../tree"]);
    for name in ["clone", "tree"] {
        let folder = it.project.beside(name);
        let status = it
            .project
            .command(&["apply"])
            .current_dir(&folder)
            .status()
            .expect("started");
        assert_eq!(status.code(), Some(0), "{name}");
        let text = std::fs::read_to_string(folder.join("a.md")).expect("there");
        assert_eq!(text, "template\n1\nmine\n", "{name}");
    }
    // Git is left alone: nothing was added, nothing committed.
    let log = it.git(&["-C", "../clone", "log", "--oneline"]);
    assert_eq!(log.lines().count(), 1, "{log}");
    let staged = it.git(&["-C", "../clone", "diff", "--cached", "--name-only"]);
    assert_eq!(staged, "");
}

#[test]
fn the_holder_of_the_lock_is_named() {
    let it = pending();
    let lock = Lock::take(
        &it.project.path(STATE_DIR),
        "update",
        "is changing this project",
    )
    .expect("free");
    let holder = format!("`quickscale update` (process {})", std::process::id());
    it.refuses(&[], 4, &holder);
    drop(lock);
    it.applies(&[]);
}

#[test]
fn a_file_that_is_read_only_is_not_replaced() {
    let it = pending();
    let path = it.project.path("docs/b.md");
    let writable = std::fs::metadata(&path).expect("there").permissions();
    let mut read_only = writable.clone();
    read_only.set_readonly(true);
    std::fs::set_permissions(&path, read_only).expect("changed");
    it.refuses(&[], 1, "read-only, so nothing was changed: docs/b.md");
    std::fs::set_permissions(&path, writable).expect("changed");
    it.applies(&[]);
    assert_eq!(it.project.read("docs/b.md"), "2\n");
}

/// Folders that nobody may write to, which root may all the same: it becomes somebody else.
#[cfg(unix)]
#[test]
fn a_folder_that_is_read_only_leaves_all_as_it_was() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;

    const NOBODY: u32 = 65534;
    let it = pending();
    let set = |path: &str, bits| {
        let permissions = std::fs::Permissions::from_mode(bits);
        std::fs::set_permissions(it.project.path(path), permissions).expect("changed");
    };
    let is_root = nix::unistd::geteuid().is_root();
    if is_root {
        it.project.give_to(NOBODY);
    }
    let apply = || {
        let mut apply = it.project.command(&["apply"]);
        if is_root {
            apply.uid(NOBODY).gid(NOBODY);
        }
        apply.output().expect("started")
    };
    let before = it.project.snapshot();
    set("docs", 0o555);
    let output = apply();
    set("docs", 0o755);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("cannot write docs/b.md; everything is as it was before"),
        "{said}"
    );
    assert_eq!(it.project.snapshot(), before);
    let output = apply();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(it.project.read("docs/b.md"), "2\n");
}

/// A small disk of its own, which Linux gives to a process and its children.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_all_as_it_was() {
    use crate::support::QUICKSCALE;

    let it = Evolving::new(&[("a.md", "1\n"), ("big.md", "1\n")]);
    let big = |letter: &str| format!("{}\n", letter.repeat(79)).repeat(8000);
    it.base("a.md", "2\n");
    it.base("big.md", big("x"));
    std::fs::create_dir(it.project.beside("disk")).expect("a folder");
    // The second apply has room: what filled the disk is gone.
    let script = "mount -t tmpfs -o size=2m tmpfs ../disk && cp -a . ../disk/app && cd ../disk/app || exit 99\n\
                  head -c 1200000 /dev/zero > ../filling\n\
                  find . -type f | grep -v lock | sort | xargs sha256sum > /tmp/$$.before\n\
                  \"$0\" apply; echo first $?\n\
                  find . -type f | grep -v lock | sort | xargs sha256sum | cmp - /tmp/$$.before && echo same\n\
                  rm ../filling /tmp/$$.before\n\
                  \"$0\" apply -q; echo second $?; head -c 3 big.md";
    let mut unshare = std::process::Command::new("unshare");
    unshare.args(["--map-root-user", "--mount", "sh", "-c", script, QUICKSCALE]);
    unshare
        .current_dir(it.project.root())
        .env("QUICKSCALE_TEMPLATES", it.project.beside("templates"));
    let output = unshare.output().expect("unshare is there");
    let (out, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(out, "first 1\nsame\nsecond 0\nxxx", "{said}");
    for part in [
        "error: nothing was changed",
        "big.md",
        "No space left",
        "hint: free some space",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn an_apply_that_was_killed_before_it_began_is_undone_and_told() {
    let it = pending();
    let before = it.project.snapshot();
    std::fs::create_dir_all(it.project.path(".quickscale/apply/new")).expect("a folder");
    std::fs::write(it.project.path(".quickscale/apply/new/0"), "half").expect("written");
    let said = it.project.run(&["status"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.err
            .contains("an apply was interrupted before it changed anything; it was undone"),
        "{said:?}"
    );
    assert_eq!(it.project.snapshot(), before);
    it.applies(&[]);
}
