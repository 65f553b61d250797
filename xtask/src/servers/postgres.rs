//! A PostgreSQL server of ours: fresh, in a temporary folder, on a free port of this machine.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::Signal;
use nix::unistd::{Uid, User};
use tempfile::TempDir;

use crate::process::{self, Background};
use crate::servers::said;
use crate::tools;

/// The system user that runs the server when we are root, which PostgreSQL refuses to be.
const SYSTEM_USER: &str = "postgres";

/// Whether a commit has to survive a loss of power.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// As the server comes, for measurements.
    Full,
    /// As quick as can be, for tests.
    None,
}

/// A running server. Dropping it stops the server and removes its data.
pub struct Postgres {
    port: u16,
    // The order matters: the server ends before its folder goes.
    _server: Background,
    folder: TempDir,
}

impl Postgres {
    /// Makes a cluster and starts it; returns when it answers.
    pub fn start(durability: Durability) -> Result<Self> {
        let binaries =
            tools::postgres_binaries().context("PostgreSQL's server is not installed")?;
        let folder = tempfile::Builder::new()
            .prefix("quickscale-postgres-")
            .tempdir()?;
        let user = Uid::effective().is_root().then_some(SYSTEM_USER);
        if let Some(user) = user {
            let user = User::from_name(user)?
                .with_context(|| format!("there is no system user {user}"))?;
            chown(
                folder.path(),
                Some(user.uid.as_raw()),
                Some(user.gid.as_raw()),
            )?;
        }
        let data = folder.path().join("data");
        let mut initdb = process::tied(&binaries.join("initdb"), Signal::SIGTERM, user);
        initdb.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]);
        process::read(initdb.arg("--pgdata").arg(&data).current_dir(folder.path()))?;

        let certificate = match durability {
            Durability::Full => Vec::new(),
            Durability::None => certify(folder.path(), user)?,
        };

        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = process::tied(&binaries.join("postgres"), Signal::SIGINT, user);
        server.current_dir(folder.path()).arg("-D").arg(&data);
        configure(&mut server, folder.path(), port, durability);
        for setting in certificate {
            server.arg("-c").arg(setting);
        }
        let log = folder.path().join("log");
        let file = fs_err::File::create(&log)?.into_parts().0;
        server.stdout(file.try_clone()?).stderr(Stdio::from(file));
        let mut server = Background::start(&mut server, Signal::SIGINT)?;
        wait(&mut server, &binaries, port).with_context(|| said("PostgreSQL", &log))?;
        Ok(Self {
            port,
            _server: server,
            folder,
        })
    }

    /// The address of `database`, which is not created by this.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// What the server has logged so far.
    pub fn log(&self) -> Result<String> {
        Ok(fs_err::read_to_string(self.folder.path().join("log"))?)
    }
}

fn configure(server: &mut Command, folder: &Path, port: u16, durability: Durability) {
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={}", folder.display()),
        "max_connections=300".to_owned(),
    ];
    if durability == Durability::None {
        let quick = [
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
        ];
        settings.extend(quick.map(str::to_owned));
    }
    for setting in settings {
        server.arg("-c").arg(setting);
    }
}

/// A certificate that nobody has signed but itself, and the settings with which the server encrypts by it whatever
/// client asks for that. Debian's packages of PostgreSQL bring `openssl` along.
fn certify(folder: &Path, user: Option<&str>) -> Result<Vec<String>> {
    let (key, certificate) = (folder.join("server.key"), folder.join("server.crt"));
    let mut openssl = process::tied(Path::new("openssl"), Signal::SIGTERM, user);
    openssl.args([
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
    ]);
    openssl
        .args(["-subj", "/CN=localhost", "-keyout"])
        .arg(&key);
    process::read(openssl.arg("-out").arg(&certificate).current_dir(folder))?;
    Ok(vec![
        "ssl=on".to_owned(),
        format!("ssl_key_file={}", key.display()),
        format!("ssl_cert_file={}", certificate.display()),
    ])
}

fn wait(server: &mut Background, binaries: &Path, port: u16) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        ensure!(!server.is_gone()?, "PostgreSQL ended right after its start");
        let mut ask = Command::new(binaries.join("pg_isready"));
        ask.args(["--quiet", "--host=127.0.0.1", &format!("--port={port}")]);
        if ask.status().context("cannot run pg_isready")?.success() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("PostgreSQL did not answer within a minute")
}
