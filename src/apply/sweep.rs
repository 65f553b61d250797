//! What a kill left behind: staging folders that nobody holds any more are removed, or moved up if they were ready.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::disk::is_held;
use super::staging::PREFIX;
use crate::project::{CONFIG_FILE, LOCK_FILE, STATE_DIR};

/// Stands in a staging folder from the moment when its entries are being moved up.
pub const READY_FILE: &str = ".ready";

/// Younger staging folders without a lock may just be about to get one.
const TIME_TO_LOCK: Duration = Duration::from_secs(60);

/// Looks for staging folders directly in `folder`. What cannot be removed stays: it is hidden and hurts nobody.
pub fn sweep(folder: &Path) {
    let Ok(entries) = fs_err::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let staging = entry.path();
        let was_ready = staging.join(READY_FILE).exists();
        if was_ready && !is_in_use(&staging, folder) {
            drop(move_up(&staging, folder));
        } else if !is_in_use(&staging, folder) {
            drop(fs_err::remove_dir_all(&staging));
        }
    }
}

/// Whether another process writes to `staging`. Its lock may have been moved up to `target` already.
fn is_in_use(staging: &Path, target: &Path) -> bool {
    let lock = |folder: &Path| folder.join(STATE_DIR).join(LOCK_FILE);
    if lock(staging).exists() {
        return is_held(&lock(staging));
    }
    if staging.join(READY_FILE).exists() {
        return is_held(&lock(target));
    }
    let changed = fs_err::metadata(staging).and_then(|metadata| metadata.modified());
    changed.is_ok_and(|time| time.elapsed().is_ok_and(|age| age < TIME_TO_LOCK))
}

/// Moves every entry of `staging` to `target`, quickscale.yml last: what lacks it is no project. Entries that are there
/// already are those that an interrupted move took. An error moves back what was moved.
pub fn move_up(staging: &Path, target: &Path) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in fs_err::read_dir(staging)? {
        names.push(entry?.file_name());
    }
    names.retain(|name| name != READY_FILE);
    names.sort_by_key(|name| (name == CONFIG_FILE, name.clone()));
    for (index, name) in names.iter().enumerate() {
        if let Err(error) = fs_err::rename(staging.join(name), target.join(name)) {
            for name in &names[..index] {
                drop(fs_err::rename(target.join(name), staging.join(name)));
            }
            return Err(error);
        }
    }
    fs_err::remove_dir_all(staging)
}
