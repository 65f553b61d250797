//! The command line as a whole: help, versions, completions, wrong usage, colours.

use std::process::{Command, Output, Stdio};

fn quickscale(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickscale"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR"] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm").output().expect("the binary")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_version_is_told_to_people_and_programs() {
    let said = text(&quickscale(&["version"]).stdout);
    let json = quickscale(&["version", "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let (version, templates) = (&json["quickscale"], &json["templates"]);
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    assert_eq!(templates.as_str().unwrap().len(), 64);
    let lines = format!(
        "quickscale {}\ntemplates  {}\n",
        version.as_str().unwrap(),
        templates.as_str().unwrap()
    );
    assert_eq!(said, lines);
}

#[test]
fn every_command_has_help_that_names_it() {
    let help = text(&quickscale(&["--help"]).stdout);
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // A longer description goes on below itself.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        commands.contains(&"init") && commands.contains(&"up"),
        "{help}"
    );
    for command in commands.into_iter().filter(|command| *command != "help") {
        // `manage --help` asks the app.
        let output = quickscale(&["help", command]);
        assert_eq!(output.status.code(), Some(0), "{command}");
        let help = text(&output.stdout);
        assert!(
            help.contains(&format!("Usage: quickscale {command}")),
            "{help}"
        );
    }
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = quickscale(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(text(&output.stdout).contains("init"), "{shell}");
        assert_eq!(text(&output.stderr), "");
    }
}

/// Bash itself takes the script and completes with it.
#[cfg(unix)]
#[test]
fn bash_completes_with_its_script() {
    let script = quickscale(&["completions", "bash"]).stdout;
    let ask = "\nCOMP_WORDS=(quickscale ini) COMP_CWORD=1\n\
               _quickscale quickscale ini quickscale\necho \"${COMPREPLY[@]}\"";
    let bash = Command::new("bash")
        .args(["--norc", "-c"])
        .arg(text(&script) + ask)
        .output();
    let bash = bash.unwrap();
    assert_eq!(text(&bash.stdout), "init\n", "{}", text(&bash.stderr));
}

#[test]
fn wrong_usage_is_2_and_goes_to_stderr() {
    for arguments in [
        &["nope"][..],
        &["init"],
        &["init", "a", "--nope"],
        &[],
        &["-q", "-v", "version"],
    ] {
        let output = quickscale(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let scratch = tempfile::tempdir().unwrap();
    let colored = |flags: &[&str], no_color: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quickscale"));
        command
            .args(flags)
            .args(["init", ".."])
            .current_dir(scratch.path())
            .env_remove("NO_COLOR");
        if no_color {
            command.env("NO_COLOR", "1");
        }
        text(&command.output().unwrap().stderr).contains("\x1b[")
    };
    assert!(!colored(&[], false));
    assert!(!colored(&["--color", "auto"], false));
    assert!(colored(&["--color", "always"], false));
    assert!(colored(&["--color", "always"], true));
    assert!(!colored(&["--color", "never"], false));
}

/// `quickscale completions bash | head -0`.
#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_quickscale"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn modules_are_told_with_their_options() {
    let listed = text(&quickscale(&["modules"]).stdout);
    assert!(listed.contains("\ncredits "), "{listed}");
    assert!(listed.contains("(needs auth)"), "{listed}");
    let shown = text(&quickscale(&["modules", "show", "auth"]).stdout);
    for part in [
        "auth: ",
        "  needed by admin, api, credits",
        "  registration\n",
        "; default open\n",
    ] {
        assert!(shown.contains(part), "no {part:?} in\n{shown}");
    }
    let json = quickscale(&["modules", "show", "credits", "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["requires"], serde_json::json!(["auth"]));
    let options = json["options"].as_array().unwrap();
    let grant = options
        .iter()
        .find(|option| option["name"] == "signup_grant");
    let grant = grant.expect("credits has a grant for newcomers");
    assert_eq!(
        (&grant["type"], &grant["default"]),
        (&"credits".into(), &100.into())
    );
    assert_eq!(
        (&grant["mutable"], &json["on"]),
        (&true.into(), &serde_json::Value::Null)
    );
    let all = quickscale(&["modules", "--json"]).stdout;
    let all: serde_json::Value = serde_json::from_slice(&all).unwrap();
    assert!(all.as_array().unwrap().contains(&json));
}

#[test]
fn a_module_that_is_none_is_refused_with_the_nearest() {
    let said = quickscale(&["modules", "show", "credit"]);
    assert_eq!(said.status.code(), Some(2));
    let said = text(&said.stderr);
    assert_eq!(
        said,
        "error: unknown module `credit`\nhint: did you mean `credits`?\n"
    );
    let said = quickscale(&["modules", "show", ".."]);
    assert_eq!(said.status.code(), Some(2));
    let said = text(&said.stderr);
    assert!(said.contains("hint: there is auth, "), "{said}");
}

#[test]
fn the_schema_of_the_configuration_is_printed() {
    let schema = quickscale(&["config", "schema"]).stdout;
    let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    let registration =
        &schema["properties"]["modules"]["properties"]["auth"]["properties"]["registration"];
    assert_eq!(registration["default"], "open");
    assert_eq!(
        schema["required"],
        serde_json::json!(["version", "project", "theme"])
    );
}
