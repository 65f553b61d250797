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

fn follow(page: &str) {
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
    run("quickscale init my-saas-app --no-git", scratch.path());
    let project = scratch.path().join("my-saas-app");
    let transcript = transcript(&page);
    assert!(transcript.len() > 1, "hardly a command");
    for (command, shown) in transcript {
        let said = run(&command, &project);
        let mut lines = said.lines();
        for line in shown.iter().filter(|line| !line.is_empty()) {
            let found = lines.any(|said| said.trim_start().starts_with(line.as_str()));
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
