//! A scratch folder with a home of its own, and `quickscale` as a user would run it there.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The binary under test.
pub const QUICKSCALE: &str = env!("CARGO_BIN_EXE_quickscale");

/// How the names of staging folders start.
pub const PREFIX: &str = ".quickscale-init-";

/// A folder that nobody else uses.
pub struct Scratch {
    folder: TempDir,
}

/// What a command said and how it ended. Shown as snapshots want it.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Scratch {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("quickscale-init-")
            .tempdir()
            .expect("a folder");
        std::fs::create_dir(folder.path().join("work")).expect("a folder");
        std::fs::create_dir(folder.path().join("home")).expect("a folder");
        Self { folder }
    }

    /// The working directory.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// A path below the working directory.
    pub fn path(&self, path: &str) -> PathBuf {
        self.work().join(path)
    }

    /// The names in the working directory.
    pub fn names(&self) -> Vec<String> {
        names(&self.work())
    }

    /// `program`, about to run in the working directory with nothing of this process's environment but PATH.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.work())
            .env_clear()
            .stdin(Stdio::null());
        for name in ["PATH", "CARGO_HOME", "RUSTUP_HOME", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // cargo and rustup find themselves through HOME unless told otherwise.
        if let Some(home) = std::env::home_dir() {
            for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
                if std::env::var_os(name).is_none() {
                    command.env(name, home.join(folder));
                }
            }
        }
        command
            .env("HOME", self.folder.path().join("home"))
            .env("TERM", "xterm")
            .env("COLUMNS", "100");
        command
    }

    /// `quickscale init ARGUMENTS`.
    pub fn init(&self, arguments: &[&str]) -> Said {
        let mut command = self.command(QUICKSCALE);
        self.run(command.arg("init").args(arguments))
    }

    /// Runs a command; the scratch folder's own path is `[SCRATCH]` in what it said.
    pub fn run(&self, command: &mut Command) -> Said {
        let output: Output = command.output().expect("the program can be started");
        let scratch = self.folder.path().to_str().expect("a path of text");
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).replace(scratch, "[SCRATCH]");
            // The names of staging folders hold the number of the process.
            let Some(start) = text.find(PREFIX) else {
                return text;
            };
            let number =
                text[start + PREFIX.len()..].find(|c: char| !(c.is_ascii_digit() || c == '-'));
            let end = number.map_or(text.len(), |length| start + PREFIX.len() + length);
            text.replace(&text[start..end], "[STAGING]")
        };
        Said {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

/// The names in a folder, in order.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name of text")
    };
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Said {
    /// It exited with `code`; what it said is in the failure otherwise.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or("killed".into(), |code| code.to_string());
        write!(
            f,
            "exit {code}\n--- stdout\n{}--- stderr\n{}",
            self.out, self.err
        )
    }
}
