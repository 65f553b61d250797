//! Case by case: what the user did, what the template did, and what must come of it.

use crate::support::Project;
use crate::templates::Evolving;

/// A page that every project has.
const PAGE: &str = "templates/about.html";

/// What the page was like before the template's newest change, which is at its end.
fn older(page: &str) -> String {
    let mut lines: Vec<_> = page.lines().collect();
    lines.pop();
    format!("{}\n<!-- as it ended before -->\n", lines.join("\n"))
}

fn aged() -> (Project, String) {
    let project = Project::new(&[]);
    let newest = project.read(PAGE);
    project.age(PAGE, older(&newest));
    (project, newest)
}

fn action_of(project: &Project, path: &str) -> Option<String> {
    project
        .plan()
        .into_iter()
        .find(|(at, _)| at == path)
        .map(|(_, action)| action)
}

#[test]
fn a_born_project_has_nothing_to_do() {
    let project = Project::new(&[]);
    assert_eq!(project.plan(), []);
    let before = project.snapshot();
    assert_eq!(project.apply(&[]).code, Some(0));
    assert_eq!(project.snapshot(), before);
}

#[test]
fn a_quickscale_yml_alone_becomes_what_init_makes() {
    let born = Project::new(&["--module", "credits"]);
    let applied = Project::scratch();
    applied.write("quickscale.yml", born.read("quickscale.yml"));
    assert_eq!(applied.apply(&[]).code, Some(0));
    let files = |project: &Project| -> Vec<(String, Vec<u8>)> {
        let own = |path: &str| [".env", ".quickscale/state.yml"].contains(&path);
        let files = project.snapshot().into_iter();
        files.filter(|(path, _)| !own(path)).collect()
    };
    assert_eq!(files(&applied), files(&born));
    // They differ in what is random: the project's id, and the secrets.
    let state = |project: &Project| {
        let state = project.read(".quickscale/state.yml");
        let lines = state.lines().filter(|line| !line.starts_with("project: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(state(&applied), state(&born));
    assert_ne!(applied.read(".env"), born.read(".env"));
    let kept = |project: &Project| project.names(".quickscale/base");
    assert_eq!(kept(&applied), kept(&born));
}

#[test]
fn an_untouched_file_follows_its_template() {
    let (project, newest) = aged();
    assert_eq!(action_of(&project, PAGE).as_deref(), Some("update"));
    assert_eq!(project.apply(&[]).code, Some(0));
    assert_eq!(project.read(PAGE), newest);
    assert_eq!(project.plan(), []);
}

#[test]
fn disjoint_edits_are_merged() {
    let (project, newest) = aged();
    let edited = format!("<!-- mine -->\n{}", project.read(PAGE));
    project.write(PAGE, edited);
    assert_eq!(action_of(&project, PAGE).as_deref(), Some("merge"));
    assert_eq!(project.apply(&[]).code, Some(0));
    assert_eq!(project.read(PAGE), format!("<!-- mine -->\n{newest}"));
    assert_eq!(action_of(&project, PAGE).as_deref(), Some("keep_edit"));
}

#[test]
fn line_endings_of_the_user_stay() {
    let (project, newest) = aged();
    let edited = format!("<!-- mine -->\n{}", project.read(PAGE)).replace('\n', "\r\n");
    project.write(PAGE, edited);
    assert_eq!(project.apply(&[]).code, Some(0));
    assert_eq!(
        project.read(PAGE),
        format!("<!-- mine -->\n{newest}").replace('\n', "\r\n")
    );
}

#[test]
fn a_conflict_without_a_terminal_exits_3_and_writes_nothing() {
    let (project, _) = aged();
    let edited = project
        .read(PAGE)
        .replace("<!-- as it ended before -->", "<!-- mine -->");
    project.write(PAGE, edited);
    let before = project.snapshot();
    for arguments in [&[][..], &["--on-conflict", "abort"], &["--yes"]] {
        let said = project.apply(arguments);
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(
            said.err.contains("because a conflict needs an answer:\n  templates/about.html\nhint: pass --on-conflict"),
            "{said:?}"
        );
        assert_eq!(project.snapshot(), before);
    }
}

#[test]
fn a_conflict_can_be_marked_resolved_and_is_left_alone_until_then() {
    let (project, newest) = aged();
    let edited = project
        .read(PAGE)
        .replace("<!-- as it ended before -->", "<!-- mine -->");
    project.write(PAGE, &edited);
    assert_eq!(project.apply(&["--on-conflict", "markers"]).code, Some(0));
    let marked = project.read(PAGE);
    assert!(
        marked.contains("<<<<<<< yours\n<!-- mine -->\n||||||| last applied\n"),
        "{marked}"
    );
    let status = project.run(&["status"]).out;
    assert!(status.contains(&format!(
        "With conflict markers to resolve, left alone until then:\n  {PAGE}\n"
    )));
    assert!(!status.contains("Nothing is pending"), "{status}");
    for command in ["plan", "status"] {
        assert_eq!(
            project.run(&[command, "--exit-code"]).code,
            Some(10),
            "{command}"
        );
    }
    // Another apply leaves it alone.
    let again = project.apply(&[]);
    assert_eq!(again.code, Some(0));
    assert!(
        again
            .err
            .contains("Nothing else to do.\nwarning: these files hold conflict markers"),
        "{again:?}"
    );
    assert_eq!(project.read(PAGE), marked);
    project.write(PAGE, format!("{newest}<!-- mine -->\n"));
    assert_eq!(project.apply(&[]).code, Some(0));
    assert_eq!(action_of(&project, PAGE).as_deref(), Some("keep_edit"));
    assert!(!project.run(&["status"]).out.contains("conflict markers"));
}

#[test]
fn mine_and_theirs_settle_a_conflict_for_good() {
    for (answer, mine) in [("mine", true), ("theirs", false)] {
        let (project, newest) = aged();
        let edited = project
            .read(PAGE)
            .replace("<!-- as it ended before -->", "<!-- mine -->");
        project.write(PAGE, &edited);
        assert_eq!(project.apply(&["--on-conflict", answer]).code, Some(0));
        assert_eq!(project.read(PAGE), if mine { edited } else { newest });
        assert_eq!(
            project.apply(&[]).code,
            Some(0),
            "asked again after {answer}"
        );
    }
}

#[test]
fn what_the_user_deleted_stays_deleted_and_is_said_once() {
    let (project, _) = aged();
    std::fs::remove_file(project.path(PAGE)).expect("removed");
    assert_eq!(action_of(&project, PAGE).as_deref(), Some("keep_deleted"));
    assert_eq!(project.apply(&[]).code, Some(0));
    assert!(!project.path(PAGE).exists());
    assert_eq!(project.plan(), []);
    assert!(project.run(&["status"]).out.contains(PAGE));
}

#[test]
fn what_the_template_drops_is_removed_or_the_users_from_then_on_which_is_said_once() {
    let it = Evolving::new(&[("edited.md", "1\n"), ("untouched.md", "1\n")]);
    it.project.write("edited.md", "mine\n");
    it.drop_base("edited.md");
    it.drop_base("untouched.md");
    let said = it.project.run(&["plan"]).out;
    assert!(
        said.contains("forget  edited.md     (you have changed it; it is yours now)"),
        "{said}"
    );
    it.applies(&[]);
    assert!(!it.project.path("untouched.md").exists());
    assert_eq!(it.project.plan(), []);
    // A template of that name that comes later is another file.
    it.base("edited.md", "2\n");
    it.refuses(&[], 3, "edited.md");
    assert_eq!(it.project.read("edited.md"), "mine\n");
}

#[test]
fn what_the_user_renamed_is_followed() {
    let (project, newest) = aged();
    std::fs::rename(project.path(PAGE), project.path("templates/us.html")).expect("renamed");
    assert_eq!(project.apply(&[]).code, Some(0));
    assert_eq!(project.read("templates/us.html"), newest);
    assert!(!project.path(PAGE).exists());
    assert_eq!(project.plan(), []);
}

#[test]
fn a_file_of_the_users_where_a_new_one_should_go_is_a_conflict() {
    let project = Project::new(&[]);
    // As if the page had never been applied.
    let state = project.read(".quickscale/state.yml");
    let start = state.find(&format!("  {PAGE}:\n")).expect("known");
    let end = state[start + 3..]
        .find("\n  ")
        .map(|_| next_entry(&state, start))
        .expect("more");
    project.write(
        ".quickscale/state.yml",
        format!("{}{}", &state[..start], &state[end..]),
    );
    project.write(PAGE, "mine\n");
    assert_eq!(action_of(&project, PAGE).as_deref(), Some("conflict"));
    assert_eq!(project.apply(&[]).code, Some(3));
    assert_eq!(project.read(PAGE), "mine\n");
}

/// Where the entry after the one at `start` begins.
fn next_entry(state: &str, start: usize) -> usize {
    let mut at = start;
    for line in state[start..].split_inclusive('\n') {
        if at > start && !line.starts_with("    ") {
            return at;
        }
        at += line.len();
    }
    state.len()
}

#[test]
fn a_damaged_pristine_copy_makes_a_conflict_and_overwrites_nothing() {
    let (project, _) = aged();
    let edited = format!("<!-- mine -->\n{}", project.read(PAGE));
    project.write(PAGE, &edited);
    for entry in std::fs::read_dir(project.path(".quickscale/base")).expect("a folder") {
        std::fs::write(entry.expect("an entry").path(), "damaged").expect("written");
    }
    assert_eq!(project.apply(&[]).code, Some(3));
    assert_eq!(project.read(PAGE), edited);
}

#[test]
fn binaries_are_taken_kept_or_a_conflict_with_the_new_one_beside() {
    const ICON: &str = "static/favicon.ico";
    let project = Project::new(&[]);
    let newest = std::fs::read(project.path(ICON)).expect("an icon");
    project.age(ICON, b"old\0icon");
    assert_eq!(action_of(&project, ICON).as_deref(), Some("update"));
    project.write(ICON, b"my\0icon");
    assert_eq!(action_of(&project, ICON).as_deref(), Some("conflict"));
    assert_eq!(project.apply(&["--on-conflict", "markers"]).code, Some(0));
    assert_eq!(
        std::fs::read(project.path(ICON)).expect("an icon"),
        b"my\0icon"
    );
    let beside = project.path(&format!("{ICON}.quickscale-new"));
    assert_eq!(std::fs::read(beside).expect("the new one"), newest);
}

#[cfg(unix)]
#[test]
fn nothing_leaves_the_project_through_a_symbolic_link() {
    let (project, _) = aged();
    let outside = tempfile::tempdir().expect("a folder");
    let text = project.read(PAGE);
    std::fs::write(outside.path().join("about.html"), &text).expect("written");
    // The file itself is a link.
    std::fs::remove_file(project.path(PAGE)).expect("removed");
    std::os::unix::fs::symlink(outside.path().join("about.html"), project.path(PAGE))
        .expect("linked");
    assert_eq!(project.apply(&[]).code, Some(3));
    assert_eq!(project.apply(&["--on-conflict", "theirs"]).code, Some(1));
    // Its folder is one.
    let moved = outside.path().join("templates");
    std::fs::rename(project.path("templates"), &moved).expect("moved");
    std::os::unix::fs::symlink(&moved, project.path("templates")).expect("linked");
    assert_eq!(project.apply(&[]).code, Some(3));
    assert_eq!(
        std::fs::read_to_string(outside.path().join("about.html")).expect("there"),
        text
    );
}

#[cfg(unix)]
#[test]
fn the_executable_bit_of_the_user_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let (project, newest) = aged();
    let script = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(project.path(PAGE), script).expect("changed");
    assert_eq!(project.apply(&[]).code, Some(0));
    assert_eq!(project.read(PAGE), newest);
    let mode = std::fs::metadata(project.path(PAGE))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn an_option_and_the_template_change_together() {
    const CODE: &str = "src/modules.rs";
    let project = Project::new(&[]);
    let newest = project.read(CODE);
    project.age(
        CODE,
        newest.replace("//! The modules", "//! In older times: the modules"),
    );
    let edited = format!("{}\n// mine\n", project.read(CODE));
    project.write(CODE, edited);
    let config = project
        .read("quickscale.yml")
        .replace("signup_grant: 100", "signup_grant: 7.5");
    project.write("quickscale.yml", config);
    assert_eq!(project.apply(&[]).code, Some(0));
    let expected = newest.replace("from_milli(100_000)", "from_milli(7_500)");
    assert_eq!(project.read(CODE), format!("{expected}\n// mine\n"));
}

#[test]
fn a_module_that_goes_takes_its_untouched_files_and_leaves_the_edited_ones() {
    let project = Project::new(&[]);
    project.write("templates/admin/users.html", "mine\n");
    let config = project.read("quickscale.yml").replace("  admin: {}\n", "");
    project.write("quickscale.yml", config);
    assert_eq!(project.apply(&[]).code, Some(0));
    assert!(!project.path("templates/admin/overview.html").exists());
    assert_eq!(project.read("templates/admin/users.html"), "mine\n");
    assert!(!project.read("Cargo.toml").contains("\"admin\""));
    assert!(!project.read("src/modules.rs").contains("admin::module"));
    assert_eq!(project.plan(), []);
}

#[test]
fn the_project_may_be_moved_and_needs_no_git() {
    let (project, newest) = aged();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let moved = elsewhere.path().join("with spaces & ünicode");
    std::fs::rename(project.root(), &moved).expect("moved");
    let mut command = std::process::Command::new(crate::support::QUICKSCALE);
    let status = command
        .args(["apply", "--project"])
        .arg(&moved)
        .current_dir(elsewhere.path())
        .stdin(std::process::Stdio::null())
        .output()
        .expect("quickscale can be started");
    assert!(status.status.success(), "{status:?}");
    assert_eq!(
        std::fs::read_to_string(moved.join(PAGE)).expect("there"),
        newest
    );
    std::fs::rename(moved, project.root()).expect("moved back");
}
