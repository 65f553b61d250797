//! Walks a folder and writes tables of embedded files as Rust.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Result;

/// Names that no tree is embedded with: what builds and editors leave behind.
fn is_litter(name: &str) -> bool {
    matches!(name, "target" | ".DS_Store" | "Thumbs.db")
        || [".swp", ".orig", ".rej", ".snap.new", "~"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// The files below `folder`: the path inside it, with `/`, and the path on disk, in the order of their names. A folder
/// that does not exist has none.
pub fn walk(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    if folder.is_dir() {
        collect(folder, "", &mut files)?;
    }
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| format!("{name:?} is not UTF-8"))?;
        if is_litter(&name) {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.push((path, entry.path()));
        }
    }
    Ok(())
}

/// The generated Rust.
#[derive(Default)]
pub struct Table {
    code: String,
}

impl Table {
    /// Adds one tree as a static named `name`.
    pub fn tree(&mut self, name: &str, files: &[(String, PathBuf)]) -> Result<()> {
        writeln!(self.code, "pub(super) static {name}: &[Embedded] = &[")?;
        for (path, file) in files {
            let digest = hex(&Sha256::digest(std::fs::read(file)?));
            let file = file
                .to_str()
                .ok_or_else(|| format!("{} is not UTF-8", file.display()))?;
            let bytes = format!("include_bytes!({file:?})");
            writeln!(
                self.code,
                "    Embedded {{ path: {path:?}, bytes: {bytes}, digest: {digest:?} }},"
            )?;
        }
        writeln!(self.code, "];")?;
        Ok(())
    }

    /// The code of all tables.
    pub fn finish(self) -> String {
        self.code
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
