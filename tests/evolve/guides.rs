//! The guides' transcripts: their commands are run as they stand there, and say what is shown.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::QUICKSCALE;

/// A command with the lines that it is shown to print, in order; other lines may stand between them.
type Transcript = Vec<(String, Vec<String>)>;

fn transcript(page: &str) -> Transcript {
    let mut transcript = Transcript::new();
    let mut inside = false;
    for line in page.lines() {
        match (inside, line.trim_end()) {
            (false, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) => match (line.strip_prefix("$ "), transcript.last_mut()) {
                (Some(command), _) => transcript.push((command.to_owned(), Vec::new())),
                (None, Some((_, lines))) => lines.push(line.trim_start().to_owned()),
                (None, None) => panic!("a transcript begins with a command: {line}"),
            },
            (false, _) => {}
        }
    }
    transcript
}

/// A line without the number that it gives to a line of quickscale.yml: each option that a module gets moves those below.
fn unnumbered(line: &str) -> String {
    const PLACE: &str = "--> quickscale.yml:";
    let is_digit = |c: char| c.is_ascii_digit();
    match (line.split_once(PLACE), line.split_once(" |")) {
        (Some((head, rest)), _) => format!("{head}{PLACE}{}", rest.trim_start_matches(is_digit)),
        (None, Some((number, rest))) if !number.is_empty() && number.chars().all(is_digit) => {
            format!(" |{rest}")
        }
        (None, _) => line.to_owned(),
    }
}

fn follow(page: &str) {
    follow_beside(page, |_| {});
}

/// Follows a page in a new project, beside what `prepare` makes.
fn follow_beside(page: &str, prepare: impl FnOnce(&Path)) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/guides")
        .join(page);
    let page = std::fs::read_to_string(page).expect("the guide is there");
    let scratch = tempfile::tempdir().expect("a folder");
    let bin = Path::new(QUICKSCALE)
        .parent()
        .expect("a folder")
        .display()
        .to_string();
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap_or_default());
    let run = |command: &str, folder: &Path| {
        let output = Command::new("bash")
            .args(["-c", &format!("{command} 2>&1")])
            .current_dir(folder)
            .env("PATH", &path)
            .env("HOME", scratch.path())
            .env("COLUMNS", "100")
            .stdin(Stdio::null())
            .output()
            .expect("bash can be started");
        String::from_utf8(output.stdout).expect("text")
    };
    let transcript = transcript(&page);
    assert!(transcript.len() > 1, "hardly a command");
    prepare(scratch.path());
    let mut folder = scratch.path().to_path_buf();
    if !transcript[0].0.starts_with("quickscale init") {
        run("quickscale init my-saas-app --no-git", &folder);
        folder.push("my-saas-app");
    }
    for (command, shown) in transcript {
        if let Some(next) = command.strip_prefix("cd ") {
            folder.push(next);
            continue;
        }
        let said = run(&command, &folder);
        let mut lines = said.lines().map(|line| unnumbered(line.trim_start()));
        for line in shown.iter().filter(|line| !line.is_empty()) {
            let wanted = unnumbered(line);
            let found = lines.any(|said| said.starts_with(&wanted));
            assert!(
                found,
                "`{command}` does not say {line:?} (any more, or at this place):\n{said}"
            );
        }
    }
}

#[test]
fn changing_a_project_is_as_the_guide_tells() {
    follow("changing-a-project.md");
}

#[test]
fn safe_updates_are_as_the_guide_tells() {
    follow("safe-updates.md");
}

#[test]
fn adding_a_service_is_as_the_guide_tells() {
    follow("adding-a-service.md");
}

#[test]
fn python_programs_are_as_the_guide_tells() {
    follow("python-services.md");
}

#[test]
fn language_models_are_as_the_guide_tells() {
    follow("language-models.md");
}

#[test]
fn working_on_templates_is_as_the_guide_tells() {
    follow_beside("working-on-templates.md", |scratch| {
        let checkout = scratch.join("quickscale");
        std::fs::create_dir(&checkout).expect("a folder");
        for tree in ["project_templates", "service_templates", "runtime"] {
            let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join(tree);
            let mut copy = Command::new("cp");
            copy.arg("-r").arg(tree).arg(&checkout);
            assert!(copy.status().expect("cp is there").success());
        }
    });
}
