//! A project with a tiny app, in a folder of its own, and `quickscale` as a user would run it there. Whatever a test
//! leaves running ends with the project.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

const APP: &str = include_str!("tiny_app.rs");
const NAME: &str = "tiny-app";

pub struct Project {
    folder: tempfile::TempDir,
    pub port: u16,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// It exited with `code`; everything it said is in the failure otherwise.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    #[track_caller]
    pub fn complains(self, text: &str) -> Self {
        assert!(self.err.contains(text), "no {text:?} in {self:#?}");
        self
    }

    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(self.out.contains(text), "no {text:?} in {self:#?}");
        self
    }
}

impl Project {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("a project ")
            .tempdir()
            .unwrap();
        let project = Self {
            folder,
            port: free_port(),
        };
        project.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"{NAME}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
                 [profile.dev]\ndebug = false\nincremental = false\n"
            ),
        );
        project.write("src/main.rs", APP);
        project.write(
            "quickscale.yml",
            &format!("version: 1\nproject: {{ name: Tiny, slug: {NAME} }}\ntheme: htmx\n"),
        );
        project.write(
            ".env",
            &format!(
                "APP_URL=http://127.0.0.1:8000\nPORT={}\nDATABASE_URL=sqlite://var/app.db\n",
                project.port
            ),
        );
        project
    }

    pub fn behaving(behaviour: &str) -> Self {
        let project = Self::new();
        project.write("behaviour", behaviour);
        project
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap()
    }

    pub fn read_bytes(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.root().join(path)).unwrap()
    }

    pub fn log(&self) -> String {
        self.read(".quickscale/run/app.log")
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `quickscale ARGS` in the project, in an environment of which nothing is left to chance.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quickscale"));
        command
            .args(args)
            .current_dir(self.root())
            .env_clear()
            .stdin(Stdio::null());
        for name in [
            "PATH",
            "HOME",
            "CARGO_HOME",
            "RUSTUP_HOME",
            "RUSTUP_TOOLCHAIN",
            "SYSTEMROOT",
            "TEMP",
            "TMP",
            "DOCKER_HOST",
            "DOCKER_CONFIG",
        ] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        said(&mut self.command(args))
    }

    /// Starts `quickscale ARGS` and does not wait for it.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// `quickscale ps --json`.
    pub fn ps(&self) -> Value {
        serde_json::from_str(&self.run(&["ps", "--json"]).exits(0).out).unwrap()
    }

    pub fn pid(&self) -> u32 {
        u32::try_from(self.ps()["pid"].as_u64().expect("a pid")).unwrap()
    }

    pub fn record(&self) -> Value {
        serde_json::from_str(&self.read(".quickscale/run/app.json")).unwrap()
    }

    pub fn write_record(&self, record: &Value) {
        self.write(".quickscale/run/app.json", &record.to_string());
    }

    pub fn has_record(&self) -> bool {
        self.root().join(".quickscale/run/app.json").exists()
    }

    /// Asks the app for a path and returns what it answers.
    pub fn get(&self, path: &str) -> String {
        let url = self.ps()["url"].as_str().expect("a url").to_owned();
        ureq::get(format!("{url}{path}"))
            .call()
            .unwrap()
            .body_mut()
            .read_to_string()
            .unwrap()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = self
            .command(&["down"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

pub fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Ends what `spawn` started and returns what it said.
pub fn ended(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A port that nothing listens on and that no other test of this process gets; below those that systems give to clients.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let own = u16::try_from(std::process::id() % 1000).unwrap() * 10;
        let port = 20_000 + (own + NEXT.fetch_add(7, Ordering::SeqCst)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits until `condition` holds, at most a minute.
#[track_caller]
pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{what} did not happen"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process lives and is not only waiting to be reaped.
pub fn lives(pid: u32) -> bool {
    quickscale::stack::platform::Identity::of(pid).is_some()
}

/// A folder that stands alone in the PATH, with `name` as a shell script; the script finds the usual tools.
#[cfg(unix)]
pub fn only_program(name: &str, script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    folder
}
