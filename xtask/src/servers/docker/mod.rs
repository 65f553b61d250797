//! A docker engine: the one that answers, or one of ours with images of our own making.

mod images;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::Signal;
use nix::unistd::Uid;
use tempfile::TempDir;

use crate::process::{self, Background};
use crate::servers::said;
use crate::tools;

/// What an engine of ours is started by, beside the client.
const PROGRAMS: [&str; 2] = ["dockerd", "debootstrap"];

/// An engine that answers. One of ours ends when this is dropped, with its containers, images and volumes.
pub struct Docker {
    client: Client,
    /// One of ours; it ends before its folder goes.
    _engine: Option<(Background, TempDir)>,
}

impl Docker {
    /// The engine that answers by now, which pulls what it needs; or one of ours, which pulls nothing.
    pub fn find_or_start() -> Result<Self> {
        if answers() {
            return Ok(Self {
                client: Client::default(),
                _engine: None,
            });
        }
        ensure!(
            can_start(),
            "no docker engine answers, and only root can start one"
        );
        let folder = tempfile::Builder::new()
            .prefix("quickscale-docker-")
            .tempdir()?;
        let config = folder.path().join("client");
        let plugins = config.join("cli-plugins");
        fs_err::create_dir_all(&plugins)?;
        let client = Client {
            environment: vec![
                ("DOCKER_HOST", socket(folder.path())),
                ("DOCKER_CONFIG", show(&config)?),
            ],
        };
        let engine = start(&client, folder.path())?;
        images::make(&client, folder.path())?;
        if !client.succeeds(&["compose", "version"]) {
            images::compose(&client, &plugins)?;
        }
        Ok(Self {
            client,
            _engine: Some((engine, folder)),
        })
    }

    /// Lets `command`, and what it starts, use this engine.
    pub fn lend(&self, command: &mut Command) {
        self.client.lend(command);
    }
}

fn start(client: &Client, folder: &Path) -> Result<Background> {
    let binary = tools::find_program("dockerd").context("dockerd is not installed")?;
    let mut engine = process::tied(&binary, Signal::SIGTERM, None);
    // What containerd leaves when it is ended goes with the folder.
    engine
        .env("TMPDIR", folder)
        .arg("--host")
        .arg(socket(folder));
    for (option, name) in [
        ("--data-root", "data"),
        ("--exec-root", "run"),
        ("--pidfile", "pid"),
    ] {
        engine.arg(option).arg(folder.join(name));
    }
    let log = folder.join("log");
    let file = fs_err::File::create(&log)?.into_parts().0;
    engine.stdout(file.try_clone()?).stderr(Stdio::from(file));
    let mut engine = Background::start(&mut engine, Signal::SIGTERM)?;
    let deadline = Instant::now() + Duration::from_secs(60);
    while !client.succeeds(&["version"]) {
        if engine.is_gone()? || Instant::now() > deadline {
            bail!(said("the docker engine", &log));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(engine)
}

/// The `docker` of `PATH`, and how it finds an engine and its plugins; nothing, for the engine that it finds by itself.
#[derive(Default)]
struct Client {
    environment: Vec<(&'static str, String)>,
}

impl Client {
    fn lend(&self, command: &mut Command) {
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
    }

    /// `docker WORDS`.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("docker");
        self.lend(&mut command);
        command.args(words);
        command
    }

    fn succeeds(&self, words: &[&str]) -> bool {
        process::read(&mut self.command(words)).is_ok()
    }
}

/// Whether [`Docker::find_or_start`] has what it needs.
pub fn is_possible() -> bool {
    answers() || can_start()
}

fn answers() -> bool {
    [["compose", "version"], ["system", "info"]]
        .iter()
        .all(|words| process::read(Command::new("docker").args(words)).is_ok())
}

fn can_start() -> bool {
    let programs = ["docker"].iter().chain(&PROGRAMS);
    Uid::effective().is_root()
        && programs
            .into_iter()
            .all(|name| tools::find_program(name).is_some())
}

fn socket(folder: &Path) -> String {
    format!("unix://{}/socket", folder.display())
}

fn show(path: &Path) -> Result<String> {
    let text = path.to_str().context("a path that is not text")?;
    Ok(text.to_owned())
}
