//! The images that a generated project builds on, made of Debian's packages where none can be pulled.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::{Client, show};
use crate::process;

/// What a generated project's Dockerfile and compose.yml name.
const DEBIAN: &str = "debian:bookworm-slim";
const RUST: &str = "rust:1-slim-bookworm";
const POSTGRES: &str = "postgres:17-alpine";

/// Makes them all, with `folder` to work in.
pub fn make(client: &Client, folder: &Path) -> Result<()> {
    debian(client, &folder.join("debian"))?;
    let toolchain = process::read(Command::new("rustc").args(["--print", "sysroot"]))?;
    let image = Image {
        name: RUST,
        script: include_str!("rust.sh"),
        settings: &[
            "ENV PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "ENV CARGO_HOME=/usr/local/cargo",
        ],
    };
    image.make(client, &[&format!("{toolchain}:/mnt/toolchain:ro")])?;
    let image = Image {
        name: POSTGRES,
        script: include_str!("postgres.sh"),
        settings: &[
            "ENV PGDATA=/var/lib/postgresql/data",
            "ENTRYPOINT [\"entry\"]",
        ],
    };
    image.make(client, &[])
}

/// Puts compose among the client's `plugins`.
pub fn compose(client: &Client, plugins: &Path) -> Result<()> {
    let mount = format!("{}:/mnt/plugins", show(plugins)?);
    script(
        client,
        &["--rm", "--volume", &mount],
        include_str!("compose.sh"),
    )
}

/// The base of all others. It trusts whom this machine trusts, and so reaches what this machine reaches.
fn debian(client: &Client, folder: &Path) -> Result<()> {
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", "--include=ca-certificates", "bookworm"]);
    debootstrap.stdout(Stdio::null());
    process::run(debootstrap.arg(folder))?;
    let trusted = Path::new("etc/ssl/certs/ca-certificates.crt");
    let own = Path::new("/").join(trusted);
    if own.is_file() {
        fs_err::copy(own, folder.join(trusted))?;
    }
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(folder).args(["-c", "."]);
    let mut tar = tar
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run tar")?;
    let files = tar.stdout.take().context("the output is piped")?;
    let mut import = client.command(&["import", "-", DEBIAN]);
    let imported = import.stdin(files).stdout(Stdio::null()).status()?;
    ensure!(
        tar.wait()?.success() && imported.success(),
        "docker cannot import {DEBIAN}"
    );
    fs_err::remove_dir_all(folder)?;
    Ok(())
}

/// An image that a script makes of [`DEBIAN`].
struct Image {
    name: &'static str,
    script: &'static str,
    /// As the lines of a Dockerfile.
    settings: &'static [&'static str],
}

impl Image {
    fn make(&self, client: &Client, mounts: &[&str]) -> Result<()> {
        let container = format!("quickscale-{}", self.name.replace(':', "-"));
        let mut options = vec!["--name", &container];
        for mount in mounts {
            options.extend(["--volume", mount]);
        }
        script(client, &options, self.script)?;
        let mut commit = client.command(&["commit"]);
        for setting in ["CMD []"].iter().chain(self.settings) {
            commit.args(["--change", setting]);
        }
        process::read(commit.args([&container, self.name]))?;
        process::read(&mut client.command(&["rm", &container]))?;
        Ok(())
    }
}

/// Runs `text` by the shell of a container of [`DEBIAN`].
fn script(client: &Client, options: &[&str], text: &str) -> Result<()> {
    let mut run = client.command(&["run"]);
    run.args(options).args([DEBIAN, "sh", "-c", text]);
    process::read(&mut run).map(drop)
}
