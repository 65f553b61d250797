//! A process that outlives ours and clears our staging folder away when ours is killed, which no code of ours survives.

use std::io::{Read as _, stdin};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::sweep::sweep;
use crate::stack::platform;

/// The hidden verb that [`wait_and_sweep`]s.
const VERB: &str = "__sweep";

/// How often what is left is looked at, a tenth of a second apart.
const PATIENCE: u32 = 50;

/// The other process. Dropping this dismisses it.
#[derive(Debug)]
pub struct Janitor(Child);

impl Janitor {
    /// Looks after `folder`, in which a staging folder is about to be made; none where no process can be had. The next
    /// staging in the same place sweeps, too.
    pub fn over(folder: &Path) -> Option<Self> {
        let mut command = Command::new(platform::own_program().ok()?);
        command.arg(VERB).arg(folder);
        // Its input ends when we do, however we do.
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        platform::own_group(&mut command);
        command.spawn().ok().map(Self)
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Waits until the process that started this one is gone, then clears away what it left in `folder`.
pub fn wait_and_sweep(folder: &Path) {
    drop(stdin().read_to_end(&mut Vec::new()));
    // A git that it started may be at work for a moment still, and others may be at theirs.
    for _ in 0..PATIENCE {
        if sweep(folder) == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
