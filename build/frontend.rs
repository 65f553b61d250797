//! Fetches the browser packages once with `npm ci`, checked against the lockfile's integrity, or takes them from
//! `QUICKSCALE_FRONTEND_DIR`, and picks the files that `frontend/files.json` names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Result;
use crate::embed::hex;

/// Names a folder of already fetched packages, laid out as `node_modules`.
const VARIABLE: &str = "QUICKSCALE_FRONTEND_DIR";

/// What npm needs to repeat the installation.
const INPUTS: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// The files to embed: the path below `static/vendor/` and where the file is.
pub fn files(frontend: &Path, out: &Path) -> Result<Vec<(String, PathBuf)>> {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    for name in INPUTS.into_iter().chain(["files.json", "licences"]) {
        println!("cargo::rerun-if-changed={}", frontend.join(name).display());
    }
    let packages = match std::env::var_os(VARIABLE) {
        Some(folder) => given(Path::new(&folder), frontend)?,
        None => fetched(frontend, out)?,
    };
    let wanted: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_slice(&fs::read(frontend.join("files.json"))?)?;
    let mut files = Vec::new();
    for (folder, picked) in &wanted {
        for (from, to) in picked {
            let file = packages.join(from);
            if !file.is_file() {
                return Err(
                    format!("the front-end package file {} is missing", file.display()).into(),
                );
            }
            files.push((format!("{folder}/{to}"), file));
        }
        // A package that ships no licence of its own.
        let licence = frontend.join("licences").join(folder);
        if licence.is_file() {
            files.push((format!("{folder}/LICENSE"), licence));
        }
    }
    files.sort();
    Ok(files)
}

/// A folder that somebody filled; it must hold the versions of the lockfile.
fn given(folder: &Path, frontend: &Path) -> Result<PathBuf> {
    let folder = fs::canonicalize(folder)
        .map_err(|error| format!("{VARIABLE}={}: {error}", folder.display()))?;
    let lock: Value = serde_json::from_slice(&fs::read(frontend.join("package-lock.json"))?)?;
    let packages = lock["packages"]
        .as_object()
        .ok_or("package-lock.json lists no packages")?;
    for (path, package) in packages {
        let Some(name) = path.strip_prefix("node_modules/") else {
            continue;
        };
        let manifest = folder.join(name).join("package.json");
        let text = fs::read(&manifest)
            .map_err(|error| format!("{VARIABLE}: {}: {error}", manifest.display()))?;
        let found: Value = serde_json::from_slice(&text)?;
        if found["version"] != package["version"] {
            let (found, wanted) = (&found["version"], &package["version"]);
            return Err(
                format!("{VARIABLE} holds {name} {found}, the lockfile wants {wanted}").into(),
            );
        }
    }
    Ok(folder)
}

/// `npm ci` in the build's own folder, unless that was done for these very inputs.
fn fetched(frontend: &Path, out: &Path) -> Result<PathBuf> {
    let folder = out.join("frontend");
    let packages = folder.join("node_modules");
    let stamp = folder.join("installed");
    let mut digest = Sha256::new();
    for name in INPUTS {
        digest.update(fs::read(frontend.join(name))?);
    }
    let digest = hex(&digest.finalize());
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == digest) {
        return Ok(packages);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for name in INPUTS {
        fs::copy(frontend.join(name), folder.join(name))?;
    }
    npm_ci(&folder)?;
    fs::write(stamp, digest)?;
    Ok(packages)
}

fn npm_ci(folder: &Path) -> Result<()> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let flags = [
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
        "--loglevel=error",
    ];
    let remedy = format!(
        "Building QuickScale from source needs Node.js 18 or newer, once, to fetch Bulma, htmx, Alpine and a typeface.\n\
         Install it (Debian: apt install nodejs npm), or set {VARIABLE} to a folder of already fetched packages."
    );
    let output = Command::new(npm)
        .args(flags)
        .current_dir(folder)
        .output()
        .map_err(|error| format!("cannot run npm: {error}\n{remedy}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "npm ci failed ({}):\n{}\n{remedy}",
            output.status,
            said.trim()
        )
        .into());
    }
    Ok(())
}
