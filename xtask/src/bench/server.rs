//! A generated application's optimised binary, serving as in production.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::Signal;

use crate::process::{self, Background};
use crate::tools;

/// Where an application is, and what it works on.
pub struct Setting {
    pub folder: PathBuf,
    pub binary: PathBuf,
    pub database_url: String,
}

/// A running server. Dropping it stops it.
pub struct Server {
    process: Background,
    port: u16,
    /// From the start of the process to the first answer that it is ready.
    pub ready_after: Duration,
}

impl Setting {
    /// Brings the database to what the application needs.
    pub fn migrate(&self) -> Result<()> {
        process::read(self.command(8000).arg("migrate")).map(drop)
    }

    /// Starts the server; returns when it is ready.
    pub fn serve(&self) -> Result<Server> {
        self.serve_with(&[])
    }

    /// The same with other variables.
    pub fn serve_with(&self, variables: &[(&str, &str)]) -> Result<Server> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = fs_err::File::create(self.folder.join("bench.log"))?
            .into_parts()
            .0;
        let mut command = self.command(port);
        command.envs(variables.iter().copied());
        command.arg("serve").stdout(log.try_clone()?).stderr(log);
        let begun = Instant::now();
        let mut process = Background::start(&mut command, Signal::SIGTERM)?;
        while begun.elapsed() < Duration::from_secs(30) {
            if is_ready(port) {
                return Ok(Server {
                    process,
                    port,
                    ready_after: begun.elapsed(),
                });
            }
            ensure!(!process.is_gone()?, "the server ended: {}", self.log());
            std::thread::sleep(Duration::from_micros(500));
        }
        bail!("the server was not ready after 30 s: {}", self.log())
    }

    /// Runs SQL on a PostgreSQL; gives what it prints, columns with `|` between them.
    pub fn sql(&self, sql: &str) -> Result<String> {
        let folder = tools::postgres_binaries().context("PostgreSQL is not installed")?;
        let mut command = Command::new(folder.join("psql"));
        command.args(["--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        process::read(command.arg(&self.database_url))
    }

    fn log(&self) -> String {
        fs_err::read_to_string(self.folder.join("bench.log")).unwrap_or_default()
    }

    pub(super) fn command(&self, port: u16) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .current_dir(&self.folder)
            .env("APP_ENV", "production")
            .env("HOST", "127.0.0.1");
        command.env("APP_SECRET_KEY", "0123456789abcdefghijklmnopqrstuvwxyz");
        command
            .env("APP_URL", format!("http://127.0.0.1:{port}"))
            .env("PORT", port.to_string());
        command.env("DATABASE_URL", &self.database_url);
        command
    }
}

impl Server {
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The memory that it holds now, in bytes.
    pub fn memory(&mut self) -> Result<u64> {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.process.child().id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB"));
        let kibibytes: u64 = kibibytes.context("/proc tells no VmRSS")?.trim().parse()?;
        Ok(kibibytes * 1024)
    }
}

/// Asks once, without a client that would cost time of its own.
fn is_ready(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(
            b"GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        )?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

/// The address of a database in a file.
pub fn sqlite(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}
