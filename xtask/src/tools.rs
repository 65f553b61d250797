//! Programs that tests and benchmarks need beside cargo: found, named with the package that brings them, installed only
//! when asked to.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use nix::unistd::Uid;

use crate::process;

/// A program that we do not bring ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    Git,
    Node,
    Postgres,
    Chromium,
    Chromedriver,
    Tmux,
    Wrk,
}

impl Tool {
    /// What it is called and what it is for.
    fn describe(self) -> &'static str {
        match self {
            Self::Git => "git (generated projects start as repositories)",
            Self::Node => "Node.js 18 or newer with npm (fetches the front-end packages once)",
            Self::Postgres => "PostgreSQL's server programs (tests run on a server of their own)",
            Self::Chromium => "chromium (walks through generated applications)",
            Self::Chromedriver => "chromium-driver (steers chromium)",
            Self::Tmux => "tmux (tests of menus need a terminal)",
            Self::Wrk => "wrk (makes the load of benchmarks)",
        }
    }

    /// The Debian packages that bring it.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Git => &["git"],
            Self::Node => &["nodejs", "npm"],
            Self::Postgres => &["postgresql"],
            // Without a font, screenshots hold no letters.
            Self::Chromium => &["chromium", "fonts-liberation"],
            Self::Chromedriver => &["chromium-driver"],
            Self::Tmux => &["tmux"],
            Self::Wrk => &["wrk"],
        }
    }

    fn is_there(self) -> bool {
        match self {
            Self::Git => find_program("git").is_some(),
            Self::Node => {
                node_major().is_some_and(|major| major >= 18) && find_program("npm").is_some()
            }
            Self::Postgres => postgres_binaries().is_some(),
            Self::Chromium => ["chromium", "google-chrome", "chrome"]
                .iter()
                .any(|name| find_program(name).is_some()),
            Self::Chromedriver => find_program("chromedriver").is_some(),
            Self::Tmux => find_program("tmux").is_some(),
            Self::Wrk => find_program("wrk").is_some(),
        }
    }
}

/// Makes sure that all of `tools` are there: installs what is missing when `install` says so, else fails and names it.
pub fn require(mut tools: Vec<Tool>, install: bool) -> Result<()> {
    tools.sort_unstable();
    tools.dedup();
    let missing = |tools: &[Tool]| -> Vec<Tool> {
        tools
            .iter()
            .copied()
            .filter(|tool| !tool.is_there())
            .collect()
    };
    let mut lacking = missing(&tools);
    if !lacking.is_empty() && install {
        apt_install(&lacking)?;
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
    lines.push(format!(
        "hint: run `{}`",
        install_command(&lacking).join(" ")
    ));
    if !install {
        lines.push("      or say --install, which does that first".to_owned());
    }
    bail!(lines.join("\n"))
}

fn install_command(tools: &[Tool]) -> Vec<&'static str> {
    let sudo = (!Uid::effective().is_root()).then_some("sudo");
    let command = ["apt-get", "install", "--yes", "--no-install-recommends"];
    let packages = tools.iter().flat_map(|tool| tool.packages()).copied();
    sudo.into_iter().chain(command).chain(packages).collect()
}

fn apt_install(tools: &[Tool]) -> Result<()> {
    if find_program("apt-get").is_none() {
        bail!("--install knows Debian's apt-get only, and this system has none");
    }
    let install = install_command(tools);
    let update: Vec<_> = install
        .iter()
        .copied()
        .take_while(|word| *word != "install")
        .chain(["update"])
        .collect();
    for words in [update, install] {
        let mut command = Command::new(words[0]);
        process::run(
            command
                .args(&words[1..])
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )?;
    }
    Ok(())
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
