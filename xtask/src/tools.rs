//! Programs that tests and benchmarks need beside cargo: found, named with the command that installs them, installed
//! only when asked to.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};
use nix::unistd::Uid;

use crate::{process, servers};

/// A program that we do not bring ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    Git,
    Curl,
    Node,
    Postgres,
    Chromium,
    Chromedriver,
    Wrk,
    CargoDeny,
    Docker,
    Python,
    Poppler,
}

/// Who brings a tool.
enum Source {
    /// These packages of Debian's.
    Debian(&'static [&'static str]),
    /// `cargo install`.
    Crate(&'static str),
}

impl Tool {
    /// What it is called and what it is for.
    fn describe(self) -> &'static str {
        match self {
            Self::Git => "git (generated projects start as repositories)",
            Self::Curl => "curl (makes the calls that the API's page shows)",
            Self::Node => "Node.js 18 or newer with npm (fetches the front-end packages once)",
            Self::Postgres => "PostgreSQL's server programs (tests run on a server of their own)",
            Self::Chromium => "chromium (walks through generated applications)",
            Self::Chromedriver => "chromium-driver (steers chromium)",
            Self::Wrk => "wrk (makes the load of benchmarks)",
            Self::CargoDeny => "cargo-deny (checks licences and sources of dependencies)",
            Self::Docker => {
                "a docker engine that answers, with compose; or dockerd and debootstrap, for root (runs generated applications in containers)"
            }
            Self::Python => "Python 3 with venv (services whose work is a Python program)",
            Self::Poppler => "pdftotext of poppler-utils (reads receipts)",
        }
    }

    fn source(self) -> Source {
        Source::Debian(match self {
            Self::Git => &["git"],
            Self::Curl => &["curl"],
            Self::Node => &["nodejs", "npm"],
            Self::Postgres => &["postgresql"],
            // Without a font, screenshots hold no letters.
            Self::Chromium => &["chromium", "fonts-liberation"],
            Self::Chromedriver => &["chromium-driver"],
            Self::Wrk => &["wrk"],
            Self::CargoDeny => return Source::Crate("cargo-deny"),
            // Newer releases keep the client apart.
            Self::Docker => &["docker.io", "?exact-name(docker-cli)", "debootstrap"],
            Self::Python => &["python3", "python3-venv"],
            // The data is what it reads Chinese, Japanese and Korean with.
            Self::Poppler => &["poppler-utils", "poppler-data", "fonts-dejavu-core"],
        })
    }

    fn is_there(self) -> bool {
        let any = |names: &[&str]| names.iter().any(|name| find_program(name).is_some());
        match self {
            Self::Git => any(&["git"]),
            Self::Curl => any(&["curl"]),
            Self::Node => node_major().is_some_and(|major| major >= 18) && any(&["npm"]),
            Self::Postgres => postgres_binaries().is_some(),
            Self::Chromium => any(&["chromium", "google-chrome", "chrome"]),
            Self::Chromedriver => any(&["chromedriver"]),
            Self::Poppler => any(&["pdftotext"]),
            Self::Wrk => any(&["wrk"]),
            Self::CargoDeny => any(&["cargo-deny"]),
            // Debian's own Python comes without what makes environments.
            Self::Python => {
                let modules = ["-I", "-c", "import ensurepip, venv"];
                process::read(Command::new("python3").args(modules)).is_ok()
            }
            Self::Docker => servers::docker_is_possible(),
        }
    }
}

/// Makes sure that all of `tools` are there: installs what is missing when `install` says so, else fails and names it.
pub fn require(mut tools: Vec<Tool>, install: bool) -> Result<()> {
    tools.sort_unstable();
    tools.dedup();
    let mut lacking = missing(&tools);
    if install && !lacking.is_empty() {
        for command in commands(&lacking) {
            run(&command)?;
        }
        lacking = missing(&tools);
    }
    if lacking.is_empty() {
        return Ok(());
    }
    let mut lines = vec![String::from("tools are missing:")];
    lines.extend(
        lacking
            .iter()
            .map(|tool| format!("  - {}", tool.describe())),
    );
    if install {
        lines.push("hint: no package brings them; install them by hand".to_owned());
    } else {
        lines.push("hint: say --install, or run".to_owned());
        lines.extend(
            commands(&lacking)
                .iter()
                .map(|words| format!("  {}", typed(words))),
        );
    }
    bail!(lines.join("\n"))
}

fn missing(tools: &[Tool]) -> Vec<Tool> {
    tools
        .iter()
        .copied()
        .filter(|tool| !tool.is_there())
        .collect()
}

/// What installs `tools`, one command a line.
fn commands(tools: &[Tool]) -> Vec<Vec<&'static str>> {
    let root: &[&str] = if Uid::effective().is_root() {
        &[]
    } else {
        &["sudo"]
    };
    let mut packages = Vec::new();
    let mut commands = Vec::new();
    for tool in tools {
        match tool.source() {
            Source::Debian(names) => packages.extend_from_slice(names),
            // Unoptimised it is there in less than half the time, and quick enough.
            Source::Crate(name) => {
                commands.push(vec!["cargo", "install", "--locked", "--debug", name])
            }
        }
    }
    if !packages.is_empty() {
        let install = ["apt-get", "install", "--yes", "--no-install-recommends"];
        commands.insert(0, [root, &install, &packages].concat());
        commands.insert(0, [root, &["apt-get", "update"]].concat());
    }
    commands
}

/// `words` as one types them in a shell.
fn typed(words: &[&str]) -> String {
    let quoted = words.iter().map(|word| match word.contains('(') {
        true => format!("'{word}'"),
        false => (*word).to_owned(),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn run(words: &[&str]) -> Result<()> {
    ensure!(
        !words.contains(&"apt-get") || find_program("apt-get").is_some(),
        "--install knows Debian's apt-get only, which this system does not have; say `{}` in its words",
        typed(words)
    );
    let mut command = Command::new(words[0]);
    process::run(
        command
            .args(&words[1..])
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
    .map(drop)
}

/// Where `PATH` has the program called `name`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The folder with PostgreSQL's `initdb` and `postgres`, which Debian keeps out of `PATH`; the newest of several.
pub fn postgres_binaries() -> Option<PathBuf> {
    let holds_server = |folder: &Path| {
        ["initdb", "postgres", "pg_isready"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    // What PATH names may be a link into the folder that holds them all.
    let in_path = find_program("initdb").and_then(|file| file.canonicalize().ok());
    if let Some(folder) = in_path.as_deref().and_then(Path::parent)
        && holds_server(folder)
    {
        return Some(folder.to_owned());
    }
    let versions = fs_err::read_dir("/usr/lib/postgresql").ok()?;
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(Result::ok)
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, folder)| holds_server(folder))
        .collect();
    versions.sort();
    versions.pop().map(|(_, folder)| folder)
}

fn node_major() -> Option<u32> {
    let version = process::read(Command::new("node").arg("--version")).ok()?;
    version
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_command_installs_all_packages_and_another_each_crate() {
        let commands = commands(&[Tool::Git, Tool::CargoDeny, Tool::Chromium]);
        let last: Vec<_> = commands
            .iter()
            .map(|words| words[words.len() - 1])
            .collect();
        assert_eq!(last, ["update", "fonts-liberation", "cargo-deny"]);
        assert!(commands[1].contains(&"git"), "{commands:?}");
    }

    #[test]
    fn a_command_that_is_shown_can_be_typed() {
        let words = ["apt-get", "install", "?exact-name(docker-cli)"];
        assert_eq!(typed(&words), "apt-get install '?exact-name(docker-cli)'");
    }
}
