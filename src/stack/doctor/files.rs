//! What must stand in a project's folder.

use std::path::Path;
use std::process::{Command, Stdio};

use super::Finding;
use crate::catalogue::Catalogue;
use crate::project::config::Config;
use crate::project::{CONFIG_FILE, Project};
use crate::stack::settings::ENV_FILE;
use crate::stack::{Site, platform};

/// As many characters of a secret as the app asks for.
const SECRET_LENGTH: usize = 32;

pub fn configuration(project: &Project) -> Finding {
    match Config::load(project, Catalogue::embedded()) {
        Ok(config) => Finding::ok(
            "configuration",
            format!("{CONFIG_FILE} is that of {}", config.slug.as_str()),
        ),
        Err(error) => Finding::fault("configuration", &error),
    }
}

/// The app is built on the runtime that stands in the project, with the versions in its lockfile.
pub fn runtime(root: &Path) -> Finding {
    let missing = [
        "vendor/quickscale-runtime/Cargo.toml",
        "Cargo.toml",
        "Cargo.lock",
    ]
    .into_iter()
    .find(|path| !root.join(path).is_file());
    match missing {
        Some(path) => Finding::error(
            "runtime",
            format!("{path} is missing"),
            format!("bring it back, for example: git checkout -- {path}"),
        ),
        None => Finding::ok(
            "runtime",
            "vendor/quickscale-runtime and Cargo.lock are there",
        ),
    }
}

/// `.env`: that it is there, complete, and nobody else's to read.
pub fn env(site: &Site<'_>) -> Vec<Finding> {
    let path = site.root.join(ENV_FILE);
    if !path.is_file() {
        return vec![Finding::error(
            "env",
            format!("{ENV_FILE} is missing"),
            format!(
                "cp .env.example {ENV_FILE} && chmod 600 {ENV_FILE}, then fill in APP_SECRET_KEY: openssl rand -hex 32"
            ),
        )];
    }
    let mut findings = Vec::new();
    findings.extend(unset(site));
    findings.extend(readable_by_others(&path));
    findings.extend(in_git(site.root));
    if findings.is_empty() {
        findings.push(Finding::ok(
            "env",
            format!("{ENV_FILE} is complete and private"),
        ));
    }
    findings
}

fn unset(site: &Site<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    match site.settings.get("APP_SECRET_KEY") {
        None => findings.push(Finding::error(
            "env",
            "APP_SECRET_KEY is not set",
            format!("put what `openssl rand -hex 32` prints into {ENV_FILE}"),
        )),
        Some(secret) if secret.chars().count() < SECRET_LENGTH => {
            let message = format!("APP_SECRET_KEY is shorter than {SECRET_LENGTH} characters");
            findings.push(Finding::error(
                "env",
                message,
                format!("put what `openssl rand -hex 32` prints into {ENV_FILE}"),
            ));
        }
        Some(_) => {}
    }
    if site.settings.get("DATABASE_URL").is_none() {
        let remedy = format!("put DATABASE_URL=sqlite://var/app.db into {ENV_FILE}");
        findings.push(Finding::error("env", "DATABASE_URL is not set", remedy));
    }
    findings
}

fn readable_by_others(path: &Path) -> Option<Finding> {
    match platform::mode_of(path) {
        Ok(Some(mode)) if mode & 0o077 != 0 => Some(Finding::warning(
            "env",
            format!("{ENV_FILE} holds secrets and has the mode {mode:04o}"),
            format!("chmod 600 {ENV_FILE}"),
        )),
        Ok(_) => None,
        Err(error) => Some(Finding::fault("env", &error)),
    }
}

/// Whether git would give the secrets to everybody who has the repository.
fn in_git(root: &Path) -> Option<Finding> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--error-unmatch", ENV_FILE])
        .current_dir(root);
    let tracked = git
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tracked.is_ok_and(|status| status.success()).then(|| {
        let remedy = format!("git rm --cached {ENV_FILE}, commit, and replace every secret in it");
        Finding::error(
            "env",
            format!("{ENV_FILE} holds secrets and is in git"),
            remedy,
        )
    })
}
