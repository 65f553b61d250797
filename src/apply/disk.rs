//! Single files and folders on disk, as staging and transactions need them.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::project::owner::Mode;

/// How often a claim is repeated.
const ATTEMPTS: usize = 5;

/// How many files are waited for at once.
const SYNCHRONISERS: usize = 8;

/// The steps of a transaction. Each is done or not; in tests a fuse stops them at any point, as a kill does.
#[derive(Debug, Default)]
pub struct Disk {
    #[cfg(test)]
    fuse: Option<std::cell::Cell<usize>>,
    /// Whether only the step after the fuse's last fails, as for a full disk, and the next ones do not.
    #[cfg(test)]
    fails_once: bool,
}

impl Disk {
    /// A disk that does `steps` steps and then no more.
    #[cfg(test)]
    pub fn with_fuse(steps: usize) -> Self {
        Self {
            fuse: Some(std::cell::Cell::new(steps)),
            fails_once: false,
        }
    }

    /// A disk on which the step after `steps` fails, and no other.
    #[cfg(test)]
    pub fn failing_once_after(steps: usize) -> Self {
        Self {
            fails_once: true,
            ..Self::with_fuse(steps)
        }
    }

    /// How many steps the fuse has left.
    #[cfg(test)]
    pub fn steps_left(&self) -> usize {
        self.fuse.as_ref().map_or(usize::MAX, std::cell::Cell::get)
    }

    #[cfg(test)]
    fn step(&self) -> Result<()> {
        if let Some(fuse) = &self.fuse {
            if fuse.get() == 0 {
                fuse.set(if self.fails_once { usize::MAX } else { 0 });
                anyhow::bail!("this step failed");
            }
            fuse.set(fuse.get() - 1);
        }
        Ok(())
    }

    #[cfg(not(test))]
    #[expect(clippy::unnecessary_wraps, reason = "in tests it fails")]
    fn step(&self) -> Result<()> {
        Ok(())
    }

    /// Writes a new file. With `like`, which it will replace, it has that one's permissions, as far as `mode` lets it.
    pub fn write(&self, path: &Path, bytes: &[u8], mode: Mode, like: Option<&Path>) -> Result<()> {
        self.step()?;
        write_new(path, bytes, mode)?;
        match like {
            Some(like) => Ok(set_mode_like(path, like, mode)?),
            None => Ok(()),
        }
    }

    /// Waits until files are on the disk. The system is told of many at once, which saves it most of the work.
    pub fn settle_files(&self, files: &[PathBuf]) -> Result<()> {
        self.step()?;
        if cfg!(test) {
            return Ok(());
        }
        std::thread::scope(|scope| {
            let share = files.len().div_ceil(SYNCHRONISERS).max(1);
            let synchronise = |files: &'_ [PathBuf]| -> io::Result<()> {
                let mut files = files.iter();
                files.try_for_each(|file| fs_err::File::open(file)?.sync_all())
            };
            let shares = files.chunks(share);
            let threads: Vec<_> = shares
                .map(|files| scope.spawn(move || synchronise(files)))
                .collect();
            let ends = threads.into_iter().map(|thread| thread.join());
            ends.into_iter()
                .try_for_each(|end| end.unwrap_or_else(|_| Err(io::Error::other("a panic"))))
        })?;
        Ok(())
    }

    /// Replaces a file in one step and waits until it is on the disk: a reader sees the old one or the new one.
    pub fn write_over(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.step()?;
        let folder = path.parent().unwrap_or(Path::new("."));
        fs_err::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new();
        with_permissions(&mut file, Mode::Plain);
        let mut file = file.tempfile_in(folder)?;
        file.write_all(bytes)?;
        if !cfg!(test) {
            file.as_file().sync_all()?;
        }
        self.step()?;
        file.persist(path).map_err(|error| error.error)?;
        sync_folder(folder)
    }

    /// Keeps a second name for a file; where the file system has none, a copy, which is then to be waited for.
    pub fn keep(&self, from: &Path, to: &Path) -> Result<Option<PathBuf>> {
        self.step()?;
        fs_err::create_dir_all(to.parent().unwrap_or(Path::new(".")))?;
        if fs_err::hard_link(from, to).is_ok() {
            return Ok(None);
        }
        fs_err::copy(from, to)?;
        Ok(Some(to.to_path_buf()))
    }

    /// Moves a file or a folder onto its place.
    pub fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.step()?;
        Ok(fs_err::rename(from, to)?)
    }

    /// Removes a file; one that is gone is no fault.
    pub fn remove(&self, path: &Path) -> Result<()> {
        self.step()?;
        match fs_err::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Removes a folder with all that is in it; one that is gone is no fault.
    pub fn remove_folder(&self, path: &Path) -> Result<()> {
        self.step()?;
        match fs_err::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub fn remove_empty_folder(&self, path: &Path) -> Result<()> {
        self.step()?;
        Ok(fs_err::remove_dir(path)?)
    }

    pub fn make_folders(&self, path: &Path) -> Result<()> {
        self.step()?;
        Ok(fs_err::create_dir_all(path)?)
    }

    /// Waits until the names in a folder are on the disk.
    pub fn settle(&self, folder: &Path) -> Result<()> {
        self.step()?;
        sync_folder(folder)
    }
}

/// Waits until the names in a folder are on the disk. Folders can be synchronised on Unix only; unit tests simulate
/// kills, not power cuts, and wait for nothing.
fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) && !cfg!(test) {
        fs_err::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Whether a disk or a quota is full.
pub fn is_full(error: &anyhow::Error) -> bool {
    let io = error.root_cause().downcast_ref::<io::Error>();
    io.is_some_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    })
}

/// The permissions of `like`; whether the file can be run is `mode`'s to say, and by whom, whoever reads it.
#[cfg(unix)]
fn set_mode_like(path: &Path, like: &Path, mode: Mode) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let bits = fs_err::symlink_metadata(like)?.permissions().mode() & 0o777;
    let bits = match mode {
        Mode::Executable => bits | (bits & 0o444) >> 2,
        Mode::Plain | Mode::Private => bits & !0o111,
    };
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(bits))
}

#[cfg(not(unix))]
fn set_mode_like(_path: &Path, _like: &Path, _mode: Mode) -> io::Result<()> {
    Ok(())
}

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

/// The same for a file that has no name yet.
#[cfg(unix)]
fn with_permissions(builder: &mut tempfile::Builder<'_, '_>, mode: Mode) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(std::fs::Permissions::from_mode(mode.bits()));
}

#[cfg(not(unix))]
fn with_permissions(_builder: &mut tempfile::Builder<'_, '_>, _mode: Mode) {}

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
