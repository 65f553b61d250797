//! The commands of the tutorial, run as they stand there.

use std::path::Path;

use super::project::{bash, succeed};

/// The commands of all ```console blocks of a page: what follows `$ `, in order.
fn commands(page: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (inside, line.trim_end()) {
            (false, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) => commands.extend(line.strip_prefix("$ ").map(str::to_owned)),
            (false, _) => {}
        }
    }
    commands
}

#[test]
fn the_first_steps_do_what_they_say() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial/first-steps.md");
    let page = std::fs::read_to_string(page).expect("the tutorial is there");
    let commands = commands(&page);
    assert!(
        commands.len() > 5,
        "the tutorial shows hardly a command: {commands:?}"
    );
    let scratch = tempfile::tempdir().expect("a scratch folder");
    // Whatever fails, what was started is stopped.
    let stop = "trap 'quickscale --quiet --project my-saas-app down || quickscale --quiet down || true' EXIT";
    let script = format!("set -eux\n{stop}\n{}\n", commands.join("\n"));
    succeed(&mut bash(&script, scratch.path()));
}

#[test]
fn commands_are_found_in_a_page() {
    let page = "```console\n$ a b\nout\n$ c\n```\n```rust\n$ no\n```\n";
    assert_eq!(commands(page), ["a b", "c"]);
}
