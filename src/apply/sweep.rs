//! What a kill left behind: staging folders that nobody holds any more are removed, or moved up if they were ready.

use std::io;
use std::path::Path;

use super::disk::take_over;
use super::staging::PREFIX;
use crate::project::{CONFIG_FILE, LOCK_FILE, STATE_DIR};

/// Stands in a staging folder from the moment when its entries are being moved up.
pub const READY_FILE: &str = ".ready";

/// Looks for staging folders directly in `folder`. What cannot be removed stays: it is hidden and hurts nobody.
/// Returns how many there are still.
pub fn sweep(folder: &Path) -> usize {
    let Ok(entries) = fs_err::read_dir(folder) else {
        return 0;
    };
    let mut left = 0;
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            clear(&entry.path(), folder);
            left += usize::from(entry.path().exists());
        }
    }
    left
}

/// Clears one staging folder away whose project belongs in `target`, unless somebody holds it.
fn clear(staging: &Path, target: &Path) {
    let lock = |folder: &Path| folder.join(STATE_DIR).join(LOCK_FILE);
    if staging.join(READY_FILE).exists() {
        // The lock may have been moved up already.
        if take_over(&lock(staging))
            .or_else(|| take_over(&lock(target)))
            .is_some()
        {
            drop(move_up(staging, target));
        }
    } else if let Some(held) = take_over(&lock(staging)) {
        drop(fs_err::remove_dir_all(staging));
        drop(held);
    } else {
        // Without a lock it is empty, and whoever is about to lock it makes another one.
        drop(fs_err::remove_dir(staging.join(STATE_DIR)));
        drop(fs_err::remove_dir(staging));
    }
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
