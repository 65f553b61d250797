//! The containers of one compose project in one folder, as `docker inspect` tells them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{self, Client};
use crate::error::Fault;

const PROJECT: &str = "com.docker.compose.project";
const FOLDER: &str = "com.docker.compose.project.working_dir";
const SERVICE: &str = "com.docker.compose.service";

/// One container, as `quickscale ps --json` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Container {
    pub id: String,
    pub name: String,
    pub service: String,
    pub image: String,
    /// docker's own word: `running`, `exited`, `restarting`, ….
    pub state: String,
    /// `healthy`, `unhealthy`, `starting`; null where nothing checks it.
    pub health: Option<String>,
    /// The ports of this machine that lead to it.
    pub ports: Vec<u16>,
    /// When it was started the last time.
    #[serde(skip)]
    pub started_at: Option<Timestamp>,
    /// What it runs.
    #[serde(skip)]
    pub program: Option<String>,
}

impl Container {
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }

    /// The port of this machine that leads to it, while it runs.
    pub fn published(&self) -> Option<u16> {
        self.ports.first().copied().filter(|_| self.is_running())
    }

    pub fn is_postgres(&self) -> bool {
        self.image.contains("postgres")
    }
}

/// The containers that carry exactly the labels of this project. Containers with its name that are of another folder
/// are refused: two folders share the name, and each would take the other's for its own.
pub fn of(client: &Client, root: &Path) -> Result<Vec<Container>> {
    let all = inspect(&ids(client)?)?;
    let root = root.to_string_lossy();
    let mut own = Vec::new();
    for one in all {
        match one.config.labels.get(FOLDER) {
            Some(folder) if *folder == root => own.push(one.into()),
            other => return Err(foreign(client.project(), other).into()),
        }
    }
    Ok(own)
}

fn foreign(project: &str, folder: Option<&String>) -> Fault {
    let folder = folder.map_or("another folder", String::as_str);
    Fault::new(format!(
        "containers of {folder} have the compose project name {project:?} too"
    ))
    .hint(
        "give this project another one: COMPOSE_PROJECT_NAME=… in .env, or remove those containers",
    )
}

fn ids(client: &Client) -> Result<Vec<String>> {
    let filter = format!("label={PROJECT}={}", client.project());
    let mut command = client.docker();
    let output =
        client::run(command.args(["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter]))?;
    if !output.status.success() {
        bail!("docker cannot list containers: {}", client::said(&output));
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .map(str::to_owned)
        .collect())
}

fn inspect(ids: &[String]) -> Result<Vec<Inspected>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let output = client::run(
        std::process::Command::new("docker")
            .args(["inspect", "--type", "container"])
            .args(ids),
    )?;
    // A container that was removed in between makes docker fail and tell the others all the same.
    serde_json::from_slice(&output.stdout)
        .context("docker describes containers otherwise than expected")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: String,
    name: String,
    state: State,
    config: Config,
    network_settings: Network,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    status: String,
    /// Long before there was docker for what never started.
    started_at: Option<Timestamp>,
    health: Option<Health>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    image: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Network {
    #[serde(default)]
    ports: BTreeMap<String, Option<Vec<Binding>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Binding {
    host_port: String,
}

impl From<Inspected> for Container {
    fn from(one: Inspected) -> Self {
        let bindings = one.network_settings.ports.into_values().flatten().flatten();
        let mut ports: Vec<_> = bindings
            .filter_map(|binding| binding.host_port.parse::<u16>().ok())
            .collect();
        ports.sort_unstable();
        // The same port on IPv4 and IPv6.
        ports.dedup();
        let start = one
            .config
            .entrypoint
            .filter(|start| !start.is_empty())
            .or(one.config.cmd);
        Self {
            id: one.id,
            name: one.name.trim_start_matches('/').to_owned(),
            service: one.config.labels.get(SERVICE).cloned().unwrap_or_default(),
            image: one.config.image,
            state: one.state.status,
            started_at: one
                .state
                .started_at
                .filter(|moment| *moment > Timestamp::UNIX_EPOCH),
            health: one
                .state
                .health
                .map(|health| health.status)
                .filter(|health| health != "none"),
            ports,
            program: start.and_then(|start| start.into_iter().next()),
        }
    }
}
