//! Projects as a user makes them: by the real binary, in a scratch folder, in an environment that tests know.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use walkdir::WalkDir;

/// A generated project. Dropping it stops its app and removes it.
pub struct Project {
    scratch: TempDir,
    name: String,
}

impl Project {
    /// `quickscale init NAME ARGUMENTS`, in a fresh folder.
    pub fn init(name: &str, arguments: &[&str]) -> Self {
        let scratch = tempfile::Builder::new()
            .prefix("quickscale-generated-")
            .tempdir()
            .expect("a scratch folder");
        let project = Self {
            scratch,
            name: name.to_owned(),
        };
        let mut init = sealed(env!("CARGO_BIN_EXE_quickscale"), project.scratch.path());
        succeed(init.arg("init").arg(name).args(arguments));
        project.share_runtime();
        project
    }

    /// Makes the vendored runtime as old as the tool that brought it. Builds go by times: what another project with the
    /// same features has built of it in the folder that all share is then built for this one, too.
    fn share_runtime(&self) {
        let tool = std::fs::metadata(env!("CARGO_BIN_EXE_quickscale"));
        let made = tool.and_then(|tool| tool.modified());
        let made = made.expect("the tool is a file, and files have times");
        for entry in WalkDir::new(self.folder().join("vendor")) {
            let entry = entry.expect("init wrote it");
            if entry.file_type().is_file() {
                let file = File::options().append(true).open(entry.path());
                let aged = file.and_then(|file| file.set_modified(made));
                aged.expect("init wrote it for us");
            }
        }
    }

    /// The project's folder.
    pub fn folder(&self) -> PathBuf {
        self.scratch.path().join(&self.name)
    }

    /// `quickscale ARGUMENTS` in the project. It must succeed; what it writes to standard output, trimmed.
    pub fn quickscale(&self, arguments: &[&str]) -> String {
        let mut command = sealed(env!("CARGO_BIN_EXE_quickscale"), &self.folder());
        succeed(command.args(arguments))
    }

    /// `quickscale ARGUMENTS` in the project, which must succeed; all that it says, on both streams.
    pub fn quickscale_told(&self, arguments: &[&str]) -> String {
        let mut command = sealed(env!("CARGO_BIN_EXE_quickscale"), &self.folder());
        let output = command
            .args(arguments)
            .output()
            .expect("the program can be run");
        assert!(output.status.success(), "{}", told(&output));
        told(&output)
    }

    /// `cargo ARGUMENTS` in the project.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = sealed("cargo", &self.folder());
        command.args(arguments);
        command
    }

    /// Puts `NAME=value` into the project's `.env`, in the place of the line that is there.
    pub fn set_env(&self, name: &str, value: &str) {
        let path = self.folder().join(".env");
        let text = std::fs::read_to_string(&path).expect("init wrote .env");
        let others = text
            .lines()
            .filter(|line| !line.starts_with(&format!("{name}=")));
        let mut lines: Vec<String> = others.map(str::to_owned).collect();
        lines.push(format!("{name}={value}\n"));
        std::fs::write(&path, lines.join("\n")).expect(".env can be written");
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // Nothing runs in a project that was never started; `down` says so and succeeds.
        let mut down = sealed(env!("CARGO_BIN_EXE_quickscale"), &self.folder());
        let _ = down.args(["--quiet", "down"]).output();
    }
}

/// An empty database on the server of `GENERATED_DATABASE_URL`, as an address.
pub fn database(name: &str) -> String {
    let server = given("GENERATED_DATABASE_URL");
    let mut psql = sealed("psql", Path::new("."));
    psql.args(["--quiet", "--no-psqlrc", &server, "--command"]);
    succeed(psql.arg(format!("CREATE DATABASE {name}")));
    let (base, _) = server
        .rsplit_once('/')
        .expect("the address names a database");
    format!("{base}/{name}")
}

/// What `cargo xtask test` passes to these tests.
pub fn given(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run these tests by `cargo xtask test`, which starts what they need")
    })
}

/// Runs `command`, which must succeed; what it wrote to standard output, trimmed.
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("the program can be run");
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}",
        told(&output)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A script that finds `quickscale` as if it were installed.
pub fn bash(script: &str, folder: &Path) -> Command {
    let mut command = sealed("bash", folder);
    let ours = Path::new(env!("CARGO_BIN_EXE_quickscale"))
        .parent()
        .expect("a file is in a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = [ours.to_owned()]
        .into_iter()
        .chain(std::env::split_paths(&path));
    command.env(
        "PATH",
        std::env::join_paths(all).expect("no folder holds a colon"),
    );
    command.args(["-c", script]);
    command
}

fn told(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )
}

/// `program` in `folder`, without the variables that configure generated apps, and building where they share what they
/// build.
pub fn sealed(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", given("GENERATED_TARGET_DIR"));
    for (name, _) in std::env::vars_os() {
        let foreign = name.to_str().is_some_and(|name| {
            ["APP_", "CARGO_PKG_", "CARGO_MANIFEST_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
                || [
                    "DATABASE_URL",
                    "TEST_DATABASE_URL",
                    "PORT",
                    "HOST",
                    "RUST_LOG",
                ]
                .contains(&name)
        });
        if foreign {
            command.env_remove(name);
        }
    }
    command
}
