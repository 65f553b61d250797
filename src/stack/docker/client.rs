//! The docker client: whether there is one, with compose and a daemon behind it, and what compose makes of the project.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::error::Fault;

/// A docker that answers, and the compose project of one folder.
pub struct Client {
    config: Config,
}

/// `docker compose config`, as far as it is of interest here. The rest of it holds secrets.
#[derive(Deserialize)]
struct Config {
    name: String,
    services: serde_json::Map<String, serde_json::Value>,
}

impl Client {
    /// Says exactly what is missing where docker cannot be used for the project in `root`.
    pub fn open(root: &Path) -> Result<Self> {
        availability()?;
        let output = run(compose_in(root).args(["config", "--format", "json"]))?;
        if !output.status.success() {
            return Err(Fault::new(format!(
                "docker compose does not take compose.yml: {}",
                said(&output)
            ))
            .hint("mend compose.yml, or .env that it takes its values from")
            .into());
        }
        let config = serde_json::from_slice(&output.stdout)
            .context("docker compose describes the project otherwise than expected")?;
        Ok(Self { config })
    }

    /// The name under which compose labels everything of this project.
    pub fn project(&self) -> &str {
        &self.config.name
    }

    /// The service that is built from this project: `app`, or the only one that is built.
    pub fn app_service(&self) -> Result<String> {
        let built = |service: &serde_json::Value| {
            service.get("build").is_some_and(|build| !build.is_null())
        };
        let mut services = self
            .config
            .services
            .iter()
            .filter(|(_, service)| built(service))
            .map(|(name, _)| name);
        let app = services
            .clone()
            .find(|name| *name == "app")
            .or_else(|| services.next());
        app.cloned().context(
            Fault::new("compose.yml builds no service")
                .hint("it must have a service with `build: .`"),
        )
    }

    pub fn docker(&self) -> Command {
        Command::new("docker")
    }

    /// `docker compose` for this project and no other.
    pub fn compose(&self, root: &Path) -> Command {
        let mut command = compose_in(root);
        command.args(["--project-name", &self.config.name]);
        command
    }
}

fn compose_in(root: &Path) -> Command {
    let mut command = Command::new("docker");
    command
        .arg("compose")
        .arg("--project-directory")
        .arg(root)
        .current_dir(root)
        .stdin(Stdio::null());
    command
}

/// Whether there is a client, a compose plugin and a daemon that answers; a fault that names the first that is not.
pub fn availability() -> Result<()> {
    run(Command::new("docker").arg("--version"))?;
    let compose = run(Command::new("docker").args(["compose", "version"]))?;
    if !compose.status.success() {
        return Err(Fault::new("docker has no compose plugin")
            .hint("install it: https://docs.docker.com/compose/install/linux (Debian: sudo apt-get install docker-compose-plugin)")
            .into());
    }
    let daemon = run(Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]))?;
    if daemon.status.success() {
        return Ok(());
    }
    let said = said(&daemon);
    let hint = if said.contains("permission denied") {
        "let your user talk to it: sudo usermod --append --groups docker $USER, then sign in again"
    } else {
        "start it: sudo systemctl start docker, or Docker Desktop"
    };
    Err(
        Fault::new(format!("the docker daemon does not answer: {said}"))
            .hint(hint)
            .into(),
    )
}

pub(super) fn run(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).output().context(
        Fault::new("docker is not installed")
            .hint("install it: https://docs.docker.com/get-docker, or run without --docker"),
    )
}

/// The last thing that a failed command said.
pub(super) fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(|| output.status.to_string(), |line| line.trim().to_owned())
}
