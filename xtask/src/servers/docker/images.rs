//! The images that a generated project builds on, made of Debian's packages where none can be pulled.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::{Docker, show};
use crate::process;

/// What a generated project's Dockerfile and compose.yml name.
const DEBIAN: &str = "debian:bookworm-slim";
const RUST: &str = "rust:1-slim-bookworm";
const POSTGRES: &str = "postgres:17-alpine";

/// Makes them all, with `folder` to work in.
pub fn make(docker: &Docker, folder: &Path) -> Result<()> {
    debian(docker, &folder.join("debian"))?;
    let toolchain = process::read(Command::new("rustc").args(["--print", "sysroot"]))?;
    let image = Image {
        name: RUST,
        script: include_str!("rust.sh"),
        settings: &[
            "ENV PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "ENV CARGO_HOME=/usr/local/cargo",
        ],
    };
    image.make(docker, &[&format!("{toolchain}:/mnt/toolchain:ro")])?;
    let image = Image {
        name: POSTGRES,
        script: include_str!("postgres.sh"),
        settings: &[
            "ENV PGDATA=/var/lib/postgresql/data",
            "ENTRYPOINT [\"entry\"]",
        ],
    };
    image.make(docker, &[])
}

/// Puts compose among the client's `plugins`.
pub fn compose(docker: &Docker, plugins: &Path) -> Result<()> {
    let mount = format!("{}:/mnt/plugins", show(plugins)?);
    script(
        docker,
        &["--rm", "--volume", &mount],
        include_str!("compose.sh"),
    )
}

/// The base of all others. It trusts whom this machine trusts, and so reaches what this machine reaches.
fn debian(docker: &Docker, folder: &Path) -> Result<()> {
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
    let mut import = docker.client(&["import", "-", DEBIAN]);
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
    fn make(&self, docker: &Docker, mounts: &[&str]) -> Result<()> {
        let container = format!("quickscale-{}", self.name.replace(':', "-"));
        let mut options = vec!["--name", &container];
        for mount in mounts {
            options.extend(["--volume", mount]);
        }
        script(docker, &options, self.script)?;
        let mut commit = docker.client(&["commit"]);
        for setting in ["CMD []"].iter().chain(self.settings) {
            commit.args(["--change", setting]);
        }
        process::read(commit.args([&container, self.name]))?;
        process::read(&mut docker.client(&["rm", &container]))?;
        Ok(())
    }
}

/// Runs `text` by the shell of a container of [`DEBIAN`].
fn script(docker: &Docker, options: &[&str], text: &str) -> Result<()> {
    let mut run = docker.client(&["run"]);
    run.args(options).args([DEBIAN, "sh", "-c", text]);
    process::read(&mut run).map(drop)
}
