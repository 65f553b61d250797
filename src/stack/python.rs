//! The virtual environments of a project's Python programs: `.venv` in each folder of `services/python/`, made of its
//! `requirements.txt` by the system's Python.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result};

use super::Site;
use crate::digest::Digest;
use crate::error::Fault;
use crate::interrupt;

/// Where the programs stand.
const FOLDER: &str = "services/python";
/// What a program is run from.
const SOURCE: &str = "service.py";
/// The packages that it needs.
const REQUIREMENTS: &str = "requirements.txt";
const VENV: &str = ".venv";
/// In an environment: what it was made of. Written last, so that one that is half made has none.
const STAMP: &str = "made-of.txt";
/// How many lines of what a tool says tell why it failed.
const LAST_LINES: usize = 15;

#[cfg(windows)]
const SYSTEM: &str = "python";
#[cfg(not(windows))]
const SYSTEM: &str = "python3";

/// How Python comes to this machine.
pub const INSTALL: &str = "install Python 3 with venv, on Debian: apt install python3 python3-venv";

/// A Python program of the project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Program {
    /// The folder's name, which is the service's.
    pub name: String,
    folder: PathBuf,
}

/// The environment of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Environment {
    Ready,
    Missing,
    /// It was made of something else; of what, in words.
    Stale(&'static str),
}

/// The programs of the project in `root`, by name.
///
/// # Errors
/// When their folder cannot be read.
pub fn programs(root: &Path) -> Result<Vec<Program>> {
    let folder = root.join(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut programs = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        if entry.path().join(SOURCE).is_file() {
            programs.push(Program {
                name: entry.file_name().to_string_lossy().into_owned(),
                folder: entry.path(),
            });
        }
    }
    programs.sort();
    Ok(programs)
}

/// Makes the environments that are missing or stale.
///
/// # Errors
/// When Python is missing, or a package cannot be had.
pub fn prepare(site: &Site<'_>) -> Result<()> {
    for program in programs(site.root)? {
        if program.environment() != Environment::Ready {
            let place = format!("the Python environment of {}", program.name);
            site.ui.status("Preparing", &place);
            program.make()?;
        }
    }
    Ok(())
}

/// Whether the system's Python can make environments.
///
/// # Errors
/// When it cannot, with what is missing.
pub fn available() -> Result<String> {
    let mut command = Command::new(SYSTEM);
    command.args([
        "-I",
        "-c",
        "import ensurepip, platform, venv; print(platform.python_version())",
    ]);
    let output = run(&mut command)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let fault = Fault::new("Python 3 is there without venv, which makes environments for programs");
    Err(fault.hint(INSTALL).into())
}

impl Program {
    /// The files that it is made of.
    pub fn sources(&self) -> [PathBuf; 2] {
        [SOURCE, REQUIREMENTS].map(|file| self.folder.join(file))
    }

    /// Looks at the environment.
    pub fn environment(&self) -> Environment {
        let Ok(stamp) = fs_err::read_to_string(self.venv().join(STAMP)) else {
            return Environment::Missing;
        };
        let mut made_of = stamp.lines();
        if self
            .requirements()
            .is_none_or(|wanted| made_of.next() != Some(&wanted))
        {
            return Environment::Stale("requirements.txt has changed");
        }
        match self.version() {
            Ok(version) if made_of.next() == Some(&version) => Environment::Ready,
            Ok(_) | Err(_) => Environment::Stale("Python has changed"),
        }
    }

    fn make(&self) -> Result<()> {
        available()?;
        let requirements = self.requirements().with_context(|| {
            let fault = format!("{FOLDER}/{}/{REQUIREMENTS} is missing", self.name);
            Fault::new(fault).hint("an empty one says that the program needs no packages")
        })?;
        let mut venv = Command::new(SYSTEM);
        venv.args(["-I", "-m", "venv", "--clear", VENV]);
        self.succeed(&mut venv, "Python cannot make an environment")?;
        let mut pip = Command::new(self.python());
        pip.args([
            "-I",
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--no-input",
        ]);
        pip.args(["install", "--requirement", REQUIREMENTS]);
        self.succeed(
            &mut pip,
            "the packages of requirements.txt cannot be installed",
        )?;
        let stamp = format!("{requirements}\n{}\n", self.version()?);
        fs_err::write(self.venv().join(STAMP), stamp)?;
        Ok(())
    }

    /// Runs a tool in the program's folder; what it says last is in the fault.
    fn succeed(&self, command: &mut Command, fault: &str) -> Result<()> {
        // Ctrl-C reaches the tool, too.
        let deferred = interrupt::defer();
        let output = run(command.current_dir(&self.folder))?;
        deferred.check_after(output.status, "interrupted")?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
        let fault = format!("{fault}, for the service {}:\n\n{last}\n", self.name);
        let hint = format!(
            "mend {FOLDER}/{}/{REQUIREMENTS}, or the way to the packages",
            self.name
        );
        Err(Fault::new(fault).hint(hint).into())
    }

    fn venv(&self) -> PathBuf {
        self.folder.join(VENV)
    }

    fn python(&self) -> PathBuf {
        let inside = if cfg!(windows) {
            "Scripts/python.exe"
        } else {
            "bin/python"
        };
        self.venv().join(inside)
    }

    /// The digest of what it asks for; none when it does not say.
    fn requirements(&self) -> Option<String> {
        let bytes = fs_err::read(self.folder.join(REQUIREMENTS)).ok()?;
        Some(Digest::of(&bytes).to_string())
    }

    /// What the environment's Python says of itself, which is the system's: after an update of that the packages are
    /// where the new one does not look.
    fn version(&self) -> Result<String> {
        let output = run(Command::new(self.python()).args(["-I", "-VV"]))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

fn run(command: &mut Command) -> Result<Output> {
    let output = command.stdin(Stdio::null()).output();
    output.map_err(|error| {
        let name = Path::new(command.get_program()).display().to_string();
        match error.kind() {
            ErrorKind::NotFound => Fault::new(format!("{name} is not installed")),
            _ => Fault::new(format!("{name} cannot be run: {error}")),
        }
        .hint(INSTALL)
        .into()
    })
}
