//! Where a project may be born: where nothing is, or in an empty folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::apply;
use crate::error::Fault;
use crate::project::CONFIG_FILE;

/// How many names a refusal lists.
const LISTED: usize = 8;

/// The absolute path of a place that is free. What a killed `init` left there is cleared away first.
pub fn vacant(path: &Path) -> Result<PathBuf> {
    let elsewhere = "choose another folder with --path";
    let target = std::path::absolute(path)
        .with_context(|| Fault::new("--path names no folder").hint(elsewhere))?;
    let shown = path.display();
    if !target.is_dir() {
        if target.symlink_metadata().is_ok() {
            return Err(Fault::new(format!("{shown} exists and is no folder"))
                .hint(elsewhere)
                .into());
        }
        return Ok(target);
    }
    apply::sweep(&target);
    let mut names = Vec::new();
    for entry in fs_err::read_dir(&target)
        .context(Fault::new(format!("cannot look into {shown}")).hint(elsewhere))?
    {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    if names.is_empty() {
        return Ok(target);
    }
    names.sort();
    let fault = if names.iter().any(|name| name == CONFIG_FILE) {
        Fault::new(format!("{shown} is a QuickScale project already")).hint(format!(
            "`quickscale up --project {shown}` runs it; {elsewhere} for a new one"
        ))
    } else {
        let more = names.len().saturating_sub(LISTED);
        names.truncate(LISTED);
        let rest = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let list = names.join(", ");
        Fault::new(format!("{shown} is not empty: {list}{rest}"))
            .hint(format!("empty it, or {elsewhere}"))
    };
    Err(fault.into())
}
