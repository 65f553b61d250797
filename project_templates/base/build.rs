//! Finds the services: every `src/services/NAME.rs` is a module, and needs no entry anywhere.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    // A path that is not there counts as changed each time.
    let watched = if Path::new("src/services").is_dir() {
        "src/services"
    } else {
        "src"
    };
    println!("cargo::rerun-if-changed={watched}");
    match generate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

fn generate() -> Result<(), String> {
    let variable = |name| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("src/services");
    let file = Path::new(&variable("OUT_DIR")?).join("services.rs");
    let code = code(&services(&folder)?);
    std::fs::write(&file, code).map_err(|error| format!("{}: {error}", file.display()))
}

/// The services' names and files, by name.
fn services(folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let fault = |error| format!("{}: {error}", folder.display());
    let mut services = Vec::new();
    if !folder.is_dir() {
        return Ok(services);
    }
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some(name) = name
            .strip_suffix(".rs")
            .filter(|name| !name.starts_with('.'))
        else {
            continue;
        };
        if name == "mod" {
            return Err(
                "src/services/mod.rs is not needed: services are found by their files".into(),
            );
        }
        if !is_service_name(name) {
            return Err(format!(
                "src/services/{name}.rs is no service: a name has lower-case letters, digits and `_`, a letter first, and is no word of Rust's"
            ));
        }
        services.push((name.to_owned(), path));
    }
    services.sort();
    Ok(services)
}

/// Words that Rust keeps for itself and that could be the name of a file.
const KEYWORDS: &str = "abstract as async await become box break const continue crate do dyn else enum \
    extern false final fn for gen if impl in let loop macro match mod move mut override priv pub ref \
    return self static struct super trait true try type typeof unsafe unsized use virtual where while yield";

fn is_service_name(name: &str) -> bool {
    !KEYWORDS.split_whitespace().any(|keyword| keyword == name)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The modules, and the function that offers every service under the name of its file.
fn code(services: &[(String, PathBuf)]) -> String {
    let mut code = String::new();
    let mut calls = String::new();
    for (name, path) in services {
        let _ = write!(code, "#[path = {path:?}]\npub mod {name};\n");
        let _ = write!(calls, "\n        .service({name:?}, {name}::service())");
    }
    let module = "quickscale_runtime::services::Services";
    let _ = write!(
        code,
        "\n/// Adds every service.\npub fn add(module: {module}) -> {module} {{\n    module{calls}\n}}\n"
    );
    code
}
