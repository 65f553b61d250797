//! Single files and folders on disk, as staging needs them.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::project::owner::Mode;

/// How often a claim is repeated.
const ATTEMPTS: usize = 5;

/// Makes a folder in `around` whose name starts with `prefix` and is not taken.
fn make_folder(around: &Path, prefix: &str) -> io::Result<PathBuf> {
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

/// Makes a folder in `around` with a locked file at `lock` in it. Only whoever holds that lock may write to the folder.
pub fn claim_folder(around: &Path, prefix: &str, lock: &Path) -> io::Result<(PathBuf, File)> {
    for _ in 0..ATTEMPTS {
        let folder = make_folder(around, prefix)?;
        match lock_new(&folder.join(lock)) {
            Ok(Some(file)) => return Ok((folder, file)),
            // Somebody who clears up took it for an abandoned one.
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                drop(fs_err::remove_dir_all(&folder));
                return Err(error);
            }
        }
    }
    Err(io::Error::other(
        "somebody else keeps removing the new folder",
    ))
}

/// Makes and locks a file; none when somebody else was faster. The lock ends with the handle or the process.
fn lock_new(path: &Path) -> io::Result<Option<File>> {
    fs_err::create_dir(path.parent().unwrap_or(Path::new(".")))?;
    let file = fs_err::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?
        .into_file();
    match file.try_lock() {
        Ok(()) => Ok(path.exists().then_some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        // A file system without locks: there nothing is cleared up either.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            Ok(Some(file))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes over the lock of somebody who is gone; none when they are not, or the file cannot be opened.
pub fn take_over(path: &Path) -> Option<File> {
    let file = fs_err::OpenOptions::new()
        .write(true)
        .open(path)
        .ok()?
        .into_file();
    file.try_lock().ok().map(|()| file)
}
