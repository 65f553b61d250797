//! Single files and folders on disk, as staging needs them.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::project::owner::Mode;

/// Makes a folder in `around` whose name starts with `prefix` and is not taken.
pub fn make_folder(around: &Path, prefix: &str) -> io::Result<PathBuf> {
    let process = std::process::id();
    for attempt in 0.. {
        let folder = around.join(format!("{prefix}{process}-{attempt}"));
        match fs_err::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("every name is taken"))
}

/// Writes a file that does not exist, with the folders that it needs and the permissions of `mode`.
pub fn write_new(path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create_new(true);
    with_mode(&mut options, mode);
    let mut file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs_err::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            options.open(path)?
        }
        opened => opened?,
    };
    file.write_all(bytes)
}

/// The permissions from the first moment on; the user's umask may take some away.
#[cfg(unix)]
fn with_mode(options: &mut fs_err::OpenOptions, mode: Mode) {
    use fs_err::os::unix::fs::OpenOptionsExt;
    options.mode(mode.bits());
}

/// Elsewhere a file has the permissions of its folder.
#[cfg(not(unix))]
fn with_mode(_options: &mut fs_err::OpenOptions, _mode: Mode) {}

/// Makes a file and locks it; the lock ends with the handle or the process.
pub fn lock_new(path: &Path) -> io::Result<File> {
    let file = fs_err::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?
        .into_file();
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::other("somebody else locked the new project"))
        }
        // A file system without locks: then nothing is swept there either.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether another process holds the lock, or may hold it.
pub fn is_held(path: &Path) -> bool {
    let Ok(file) = fs_err::OpenOptions::new().write(true).open(path) else {
        return false;
    };
    file.into_file().try_lock().is_err()
}
