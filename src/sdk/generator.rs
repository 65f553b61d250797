//! The programs that write clients, and how they are called.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Language;
use crate::error::Fault;

/// Where TypeScript begins: the generated types with the client that they are made for.
const CLIENT_TS: &str = r#"// A typed client: `const api = client(process.env.API_KEY!); await api.GET("/api/v1/me")`.
import createClient from "openapi-fetch";
import type { paths } from "./schema";

export function client(apiKey: string, baseUrl = BASE_URL) {
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${apiKey}` } });
}
"#;

impl Language {
    fn program(self) -> &'static str {
        match self {
            Self::Python => "openapi-python-client",
            Self::TypeScript => "openapi-typescript",
        }
    }

    /// Where in a project its language's package manager puts programs.
    fn places(self) -> &'static [&'static str] {
        match self {
            Self::Python => &[".venv/bin", "venv/bin", ".venv/Scripts"],
            Self::TypeScript => &["node_modules/.bin"],
        }
    }

    fn install(self) -> &'static str {
        match self {
            Self::Python => {
                "python3 -m venv .venv && .venv/bin/pip install openapi-python-client; or name it with --generator"
            }
            Self::TypeScript => {
                "npm install --save-dev openapi-typescript typescript@5; or name it with --generator"
            }
        }
    }
}

/// The generator's program: the one that was named, one of the project's own, or one on the PATH.
pub(super) fn find(language: Language, root: &Path, named: Option<PathBuf>) -> Result<PathBuf> {
    let name = language.program();
    if let Some(named) = named {
        if named.is_file() {
            return Ok(std::path::absolute(named)?);
        }
        let what = format!("{} is not there", named.display());
        return Err(Fault::new(what).hint(language.install()).into());
    }
    let own = language.places().iter().map(|place| root.join(place));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = std::env::split_paths(&path).collect();
    let mut places = own.chain(on_path);
    let found = places.find_map(|place| {
        let names = [
            name.to_owned(),
            format!("{name}.exe"),
            format!("{name}.cmd"),
        ];
        let mut files = names.into_iter().map(|name| place.join(name));
        files.find(|file| file.is_file())
    });
    found.ok_or_else(|| {
        Fault::new(format!("{name} is not installed"))
            .hint(language.install())
            .into()
    })
}

/// Writes the client of `document` to `folder`, which is not there yet.
pub(super) fn run(
    language: Language,
    generator: &Path,
    (document, folder): (&Path, &Path),
) -> Result<()> {
    match language {
        Language::Python => {
            let mut command = Command::new(generator);
            command.arg("generate").arg("--path").arg(document);
            command.arg("--output-path").arg(folder);
            // The program that it has format its work stands beside it, which no activated environment may tell it.
            if let Some(path) = with_neighbours(generator) {
                command.env("PATH", path);
            }
            call(command, language)
        }
        Language::TypeScript => {
            fs_err::create_dir(folder)?;
            let mut command = Command::new(generator);
            command
                .arg(document)
                .arg("--output")
                .arg(folder.join("schema.d.ts"));
            call(command, language)?;
            let url = base_url(&fs_err::read(document)?)?;
            let url = serde_json::Value::from(url).to_string();
            let client = CLIENT_TS.replace("BASE_URL", &url);
            Ok(fs_err::write(folder.join("client.ts"), client)?)
        }
    }
}

/// Where programs are looked for, with the folder of `program` first.
fn with_neighbours(program: &Path) -> Option<OsString> {
    let own = program.parent()?.to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path))).ok()
}

fn call(mut command: Command, language: Language) -> Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot start {}", language.program()))?;
    if output.status.success() {
        return Ok(());
    }
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let what = format!(
        "{} failed:\n{}",
        language.program(),
        said.concat().trim_end()
    );
    Err(Fault::new(what).hint("try a newer version of it").into())
}

/// Where the described app answers.
fn base_url(document: &[u8]) -> Result<String> {
    let document: serde_json::Value = serde_json::from_slice(document)?;
    let url = document["servers"][0]["url"].as_str();
    Ok(url.context("the description names no server")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_own_generator_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("node_modules/.bin");
        fs_err::create_dir_all(&bin).unwrap();
        let own = bin.join("openapi-typescript");
        fs_err::write(&own, "").unwrap();
        let found = find(Language::TypeScript, folder.path(), None).unwrap();
        assert_eq!(found, own);
        let missing = folder.path().join("nothing");
        let fault = find(Language::TypeScript, folder.path(), Some(missing)).unwrap_err();
        assert!(fault.to_string().contains("is not there"), "{fault}");
    }
}
