//! `up --docker` and what follows it: what is said where docker is missing, and the real thing where a daemon answers.

use crate::support::{Project, said};

#[test]
fn without_docker_it_says_so() {
    let project = Project::new();
    let nothing = tempfile::tempdir().unwrap();
    said(
        project
            .command(&["up", "--docker"])
            .env("PATH", nothing.path()),
    )
    .exits(1)
    .complains("error: docker is not installed")
    .complains("hint: install it: https://docs.docker.com/get-docker");
    assert!(!project.has_record());
}

#[cfg(unix)]
#[test]
fn without_compose_it_says_so() {
    let docker = crate::support::only_program(
        "docker",
        r#"case "$1" in --version) exit 0;; *) exit 1;; esac"#,
    );
    said(
        Project::new()
            .command(&["up", "--docker"])
            .env("PATH", docker.path()),
    )
    .exits(1)
    .complains("error: docker has no compose plugin")
    .complains("docker-compose-plugin");
}

#[cfg(unix)]
#[test]
fn without_a_daemon_it_says_so() {
    let table = [
        (
            "Cannot connect to the Docker daemon at unix:///x. Is it running?",
            "hint: start it: sudo systemctl start docker",
        ),
        (
            "permission denied while trying to connect to the daemon",
            "hint: let your user talk to it",
        ),
    ];
    for (complaint, hint) in table {
        let script = format!(
            r#"case "$1" in --version|compose) exit 0;; *) echo "{complaint}" >&2; exit 1;; esac"#
        );
        let docker = crate::support::only_program("docker", &script);
        said(
            Project::new()
                .command(&["up", "--docker"])
                .env("PATH", docker.path()),
        )
        .exits(1)
        .complains(&format!(
            "error: the docker daemon does not answer: {complaint}"
        ))
        .complains(hint);
    }
}

#[cfg(unix)]
#[test]
fn a_compose_file_that_is_not_taken_is_told() {
    let script =
        r#"case "$*" in *config*) echo "services.app.image must be a string" >&2; exit 15;; esac"#;
    let docker = crate::support::only_program("docker", script);
    said(
        Project::new()
            .command(&["up", "--docker"])
            .env("PATH", docker.path()),
    )
    .exits(1)
    .complains("docker compose does not take compose.yml: services.app.image must be a string")
    .complains("hint: mend compose.yml");
}

#[test]
fn an_app_that_runs_as_a_process_is_not_started_in_containers_too() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    let told = project.run(&["up", "--docker"]).exits(1);
    told.complains(&format!("runs already, as process {}", project.pid()))
        .complains("quickscale up --docker");
}

/// On the real docker, with an image of nothing but the app; such an image is made on Linux only.
#[cfg(target_os = "linux")]
mod real {
    use std::process::Command;

    use serde_json::json;

    use crate::support::Project;

    #[test]
    #[ignore = "needs a docker daemon with compose: `cargo xtask test docker`"]
    fn runs_the_app_in_containers() {
        let project = with_compose("serve");
        let told = project
            .run(&["up", "--docker"])
            .exits(0)
            .complains("in containers");
        assert_eq!(told.out, format!("{}\n", project.url()));
        let ps = project.ps();
        assert_eq!(
            (&ps["state"], &ps["mode"], &ps["port"]),
            (&json!("running"), &json!("docker"), &json!(project.port))
        );
        assert_eq!(ps["containers"][0]["service"], "app");
        assert!(project.get("/say/hello").starts_with("pid "));
        project.run(&["logs", "-n", "1"]).exits(0).prints("hello\n");
        let echo = project
            .run(&["manage", "echo", "--flag", "two words"])
            .exits(0);
        assert_eq!(echo.out, "--flag|two words\n");
        project.run(&["manage", "exit", "7"]).exits(7);
        project
            .run(&["shell"])
            .exits(1)
            .complains("no container with PostgreSQL runs");

        let first = ps["containers"][0]["id"].clone();
        project
            .run(&["up", "--docker"])
            .exits(0)
            .prints(&project.url());
        assert_eq!(
            project.ps()["containers"][0]["id"],
            first,
            "what has not changed is left alone"
        );
        project
            .run(&["up"])
            .exits(1)
            .complains("the app runs already, in containers");
        project.run(&["restart"]).exits(0).prints(&project.url());
        assert_ne!(project.ps()["containers"][0]["id"], first);

        // Another folder with the same name neither takes over these containers nor removes them.
        let other = with_compose("serve");
        other.write("compose.yml", &project.read("compose.yml"));
        other
            .run(&["up", "--docker"])
            .exits(1)
            .complains("have the compose project name")
            .complains("COMPOSE_PROJECT_NAME");
        assert_eq!(project.ps()["state"], "running");

        project
            .run(&["down", "--volumes"])
            .exits(2)
            .complains("Delete the data of the containers")
            .complains("--yes");
        project
            .run(&["down", "--volumes", "--yes"])
            .exits(0)
            .complains("Stopped the containers");
        assert_eq!(project.ps()["state"], "stopped");
        project.run(&["down"]).exits(0).complains("already");
    }

    #[test]
    #[ignore = "needs a docker daemon with compose: `cargo xtask test docker`"]
    fn a_container_that_fails_is_told_with_its_log() {
        let project = with_compose("unheard-of");
        let told = project.run(&["up", "--docker", "--timeout", "5"]).exits(1);
        told.complains("the end of the app's log")
            .complains("unknown command [\"unheard-of\"]");
        project.run(&["down"]).exits(0);
    }

    /// A project whose image holds nothing but the tiny app, linked so that it needs nothing else.
    fn with_compose(command: &str) -> Project {
        let project = Project::new();
        let mut cargo = project.command(&[]);
        let environment: Vec<_> = cargo
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        cargo = Command::new("cargo");
        cargo
            .args(["build", "--quiet", "--target", "x86_64-unknown-linux-gnu"])
            .current_dir(project.root());
        cargo
            .env_clear()
            .envs(environment)
            .env("RUSTFLAGS", "-C target-feature=+crt-static");
        assert!(cargo.status().unwrap().success());
        let built = project
            .root()
            .join("target/x86_64-unknown-linux-gnu/debug/tiny-app");
        std::fs::copy(built, project.root().join("tiny-app")).unwrap();
        project.write(".dockerignore", "*\n!tiny-app\n");
        project.write(
            "Dockerfile",
            "FROM scratch\nCOPY tiny-app /tiny-app\nENTRYPOINT [\"/tiny-app\"]\nCMD [\"serve\"]\n",
        );
        let name = format!("tiny-{}-{}", std::process::id(), project.port);
        project.write(
        "compose.yml",
        &format!(
            "name: {name}\nservices:\n  app:\n    build: .\n    command: [{command}]\n    environment: {{ PORT: \"8000\", HOST: 0.0.0.0, APP_URL: \"http://x\" }}\n    \
             ports: [\"127.0.0.1:${{APP_PORT:-8000}}:8000\"]\n"
        ),
    );
        project.write(".env", &format!("APP_PORT={}\n", project.port));
        project
    }
}
