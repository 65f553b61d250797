//! Where a project may be born, and what a failure leaves there: nothing.

use std::process::Stdio;

use insta::assert_snapshot;

use crate::support::{QUICKSCALE, Scratch, names, read};

#[test]
fn an_empty_folder_is_filled() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("my-saas")).unwrap();
    scratch.init(&["my-saas"]).exits(0);
    assert!(scratch.path("my-saas/quickscale.yml").is_file());
    assert!(scratch.path("my-saas/.git").is_dir());
    assert!(
        !names(&scratch.path("my-saas"))
            .iter()
            .any(|name| name.starts_with(".quickscale-init"))
    );
}

#[test]
fn the_working_directory_can_be_the_project() {
    let scratch = Scratch::new();
    let said = scratch.init(&["my-saas", "--path", "."]).exits(0);
    assert!(said.err.ends_with("Next:\n  quickscale up\n"), "{said}");
    assert!(scratch.path("quickscale.yml").is_file());
}

#[test]
fn a_full_folder_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path("my-saas/.git")).unwrap();
    std::fs::write(scratch.path("my-saas/notes.txt"), "mine").unwrap();
    assert_snapshot!(scratch.init(&["my-saas"]).exits(1).err, @r"
    error: my-saas is not empty: .git, notes.txt
    hint: empty it, or choose another folder with --path
    ");
    assert_eq!(names(&scratch.path("my-saas")), [".git", "notes.txt"]);
    assert_eq!(scratch.names(), ["my-saas"]);
    assert_eq!(read(&scratch.path("my-saas/notes.txt")), "mine");
}

#[test]
fn a_long_list_of_what_is_in_the_way_is_cut() {
    let scratch = Scratch::new();
    for name in 1..=12 {
        std::fs::create_dir_all(scratch.path(&format!("x/{name:02}"))).unwrap();
    }
    assert_snapshot!(scratch.init(&["x"]).exits(1).err, @r"
    error: x is not empty: 01, 02, 03, 04, 05, 06, 07, 08 and 4 more
    hint: empty it, or choose another folder with --path
    ");
}

#[test]
fn a_project_is_not_overwritten() {
    let scratch = Scratch::new();
    scratch.init(&["x", "--no-git"]).exits(0);
    let state = read(&scratch.path("x/.quickscale/state.yml"));
    assert_snapshot!(scratch.init(&["x"]).exits(1).err, @r"
    error: x is a QuickScale project already
    hint: `quickscale up --project x` runs it; choose another folder with --path for a new one
    ");
    assert_eq!(read(&scratch.path("x/.quickscale/state.yml")), state);
}

#[cfg(unix)]
#[test]
fn a_project_that_does_not_build_is_there_all_the_same() {
    let scratch = Scratch::new();
    let programs = scratch.path("programs");
    std::fs::create_dir(&programs).unwrap();
    let cargo = programs.join("cargo");
    std::fs::write(
        &cargo,
        "#!/bin/sh\necho 'error: no space left' >&2\nexit 101\n",
    )
    .unwrap();
    let may_run = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&cargo, may_run).unwrap();
    let mut command = scratch.command(QUICKSCALE);
    command.args(["init", "x", "--module", "none", "--no-git", "--up"]);
    let said = scratch.run(command.env("PATH", &programs)).exits(5);
    for part in [
        "error: the project is made, but it does not run\n",
        "error: no space left",
        "hint: ",
    ] {
        assert!(said.err.contains(part), "{said}");
    }
    assert!(scratch.path("x/quickscale.yml").is_file());
}

#[test]
fn a_file_in_the_way_is_refused() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("x"), "mine").unwrap();
    assert_snapshot!(scratch.init(&["x"]).exits(1).err, @r"
    error: x exists and is no folder
    hint: choose another folder with --path
    ");
    let below = scratch.init(&["y", "--path", "x/y"]).exits(1);
    assert!(below.err.contains("cannot move the project to"), "{below}");
    assert_eq!(scratch.names(), ["x"]);
    assert_eq!(read(&scratch.path("x")), "mine");
}

#[test]
fn missing_folders_and_spaces_in_a_path_are_no_trouble() {
    let scratch = Scratch::new();
    let said = scratch
        .init(&["my-saas", "--path", "a folder/with spaces/my app"])
        .exits(0);
    assert!(
        said.err.contains("cd 'a folder/with spaces/my app'"),
        "{said}"
    );
    assert!(
        scratch
            .path("a folder/with spaces/my app/Cargo.toml")
            .is_file()
    );
    assert_eq!(names(&scratch.path("a folder/with spaces")), ["my app"]);
}

#[test]
fn inside_a_repository_there_is_no_second_one() {
    let scratch = Scratch::new();
    scratch
        .run(scratch.command("git").args(["init", "--quiet"]))
        .exits(0);
    let said = scratch.init(&["my-saas"]).exits(0);
    assert!(
        said.err
            .contains("It stands in a git repository already and gets none of its own."),
        "{said}"
    );
    assert!(!scratch.path("my-saas/.git").exists());
}

#[test]
fn a_repository_is_made_without_a_commit_and_keeps_secrets_out() {
    let scratch = Scratch::new();
    scratch.init(&["my-saas"]).exits(0);
    let git = |arguments: &[&str]| {
        let mut git = scratch.command("git");
        scratch.run(git.args(arguments).current_dir(scratch.path("my-saas")))
    };
    assert_eq!(git(&["rev-parse", "HEAD"]).code, Some(128));
    let untracked = git(&["status", "--porcelain", "--untracked-files=all"])
        .exits(0)
        .out;
    assert!(
        untracked.contains("?? .env.example") && untracked.contains("?? .quickscale/state.yml")
    );
    assert!(
        !untracked.contains("?? .env\n") && !untracked.contains("?? .quickscale/lock"),
        "{untracked}"
    );
}

#[test]
fn inside_a_cargo_workspace_the_project_is_its_own() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
    scratch.init(&["my-saas", "--no-git"]).exits(0);
    let mut cargo = scratch.command("cargo");
    cargo.args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]);
    let metadata = scratch
        .run(cargo.current_dir(scratch.path("my-saas")))
        .exits(0)
        .out;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    assert!(
        metadata["workspace_root"]
            .as_str()
            .unwrap()
            .ends_with("work/my-saas"),
        "{metadata}"
    );
}

#[test]
fn without_git_there_is_no_repository() {
    let scratch = Scratch::new();
    let mut command = scratch.command(QUICKSCALE);
    let said = scratch
        .run(
            command
                .args(["init", "x"])
                .env("PATH", scratch.path("nowhere")),
        )
        .exits(0);
    assert!(
        said.err
            .contains("warning: git is not installed; the project has no repository"),
        "{said}"
    );
    assert!(!scratch.path("x/.git").exists());
}

#[test]
fn without_a_home_it_works() {
    let scratch = Scratch::new();
    let mut command = scratch.command(QUICKSCALE);
    scratch
        .run(command.args(["init", "x"]).env_remove("HOME"))
        .exits(0);
    assert!(scratch.path("x/.git").is_dir());
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    let scratch = Scratch::new();
    let start = |name: &str| {
        let mut command = scratch.command(QUICKSCALE);
        command
            .args(["init", name, "--quiet", "--no-git"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = ["one", "two", "three", "four"].map(start).into();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_eq!(scratch.names(), ["four", "one", "three", "two"]);
}

/// Places that need a file system of their own, which Linux gives to a process and its children.
#[cfg(target_os = "linux")]
mod mounted {
    use super::*;
    use crate::support::Said;

    /// Mounts a tmpfs with `options` at `disk` and runs `quickscale init my-saas ARGUMENTS` in it; then lists it.
    fn init_on(scratch: &Scratch, options: &str, arguments: &str) -> Said {
        std::fs::create_dir(scratch.path("disk")).expect("a folder");
        let script = format!(
            "mount -t tmpfs -o {options} tmpfs disk && cd disk || exit 99\n\
             \"$0\" init my-saas {arguments}\ncode=$?\nls -A\nexit $code"
        );
        let mut command = scratch.command("unshare");
        scratch.run(command.args([
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            &script,
            QUICKSCALE,
        ]))
    }

    #[test]
    fn a_full_disk_is_told_and_nothing_is_left() {
        let said = init_on(&Scratch::new(), "size=1m", "--no-git").exits(1);
        assert_eq!(said.out, "", "{said}");
        for part in [
            "error: cannot write ",
            "; nothing is left of the new project\n  caused by: ",
            ": No space left on device",
            "\nhint: free some space, or choose another disk with --path\n",
        ] {
            assert!(said.err.contains(part), "{part:?}: {said}");
        }
    }

    #[test]
    fn a_disk_without_free_files_is_told_and_nothing_is_left() {
        let said = init_on(&Scratch::new(), "nr_inodes=20", "").exits(1);
        assert_eq!(said.out, "", "{said}");
        assert!(said.err.contains("hint: free some space"), "{said}");
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_told() {
        let scratch = Scratch::new();
        assert_snapshot!(init_on(&scratch, "ro", ""), @r"
        exit 1
        --- stdout
        --- stderr
        error: cannot create a project in [SCRATCH]/work/disk
          caused by: failed to create directory `[SCRATCH]/work/disk/[STAGING]`: Read-only file system (os error 30)
        hint: choose another folder with --path
        ");
    }
}

/// Closed, not empty: the first file that is opened would become it.
#[cfg(unix)]
#[test]
fn a_closed_stdin_is_no_trouble() {
    let scratch = Scratch::new();
    let mut command = scratch.command("sh");
    scratch
        .run(command.args(["-c", "exec \"$0\" init x <&-", QUICKSCALE]))
        .exits(0);
    assert!(scratch.path("x/.env").is_file());
}
