//! Whether the disk holds what the steps build: where it does not, compilers and linkers fail in ways that do not say so.
//! And where tests write what nobody needs a moment later.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::{process, repo};

const GIGABYTE: u64 = 1_000_000_000;
/// All steps together leave about 12 GB in the folder of builds and 5 GB elsewhere, by `du` and `df`; and some more.
const ALL: u64 = 20 * GIGABYTE;

/// Fails where all steps would not find the room that they need.
pub fn require() -> Result<()> {
    let target = repo::target();
    fs_err::create_dir_all(&target)?;
    let free = fs4::available_space(&target)?;
    let used = process::read(Command::new("du").arg("-sk").arg(&target))?;
    let kibibytes = used.split_whitespace().next();
    let kibibytes: u64 = kibibytes.context("du tells no size")?.parse()?;
    let needed = needed(kibibytes * 1024);
    ensure!(
        free >= needed,
        "the tests need {} GB on the disk of {}, where {} GB are free\nhint: make room there, or name a folder on a \
         larger disk by CARGO_TARGET_DIR",
        needed.div_ceil(GIGABYTE),
        target.display(),
        free / GIGABYTE
    );
    Ok(())
}

/// How much more is needed where so much is built by now.
fn needed(built: u64) -> u64 {
    ALL.saturating_sub(built)
}

/// Linux's folder in memory.
const MEMORY: &str = "/dev/shm";
/// The databases of tests that run side by side take a tenth of it.
const SCRATCH: u64 = 2 * GIGABYTE;

/// A folder for the files of tests: in memory, where the system has a place there with room, so that no test waits for
/// a disk.
pub fn scratch() -> Result<TempDir> {
    let mut folder = tempfile::Builder::new();
    folder.prefix("quickscale-tests-");
    let memory = Path::new(MEMORY);
    match fs4::available_space(memory) {
        Ok(free) if free >= SCRATCH => Ok(folder.tempdir_in(memory)?),
        _ => Ok(folder.tempdir()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_needs_no_room_again() {
        assert_eq!(needed(0), ALL);
        assert_eq!(needed(ALL - 1), 1);
        assert_eq!(needed(ALL + 1), 0);
    }
}
