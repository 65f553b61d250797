//! Where mails go that do not leave this machine: files in development, memory in tests.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;

use super::entity::Message;

/// Keeps mails instead of sending them. Clones share what is kept.
#[derive(Debug, Clone)]
pub enum Letterbox {
    /// One JSON file a mail, named by its identifier.
    Folder(PathBuf),
    Memory(Arc<Mutex<Vec<Message>>>),
}

/// How many mails the list shows.
const SHOWN: usize = 100;

impl Letterbox {
    pub fn in_memory() -> Self {
        Self::Memory(Arc::default())
    }

    pub(super) fn put(&self, message: &Message) -> anyhow::Result<()> {
        match self {
            Self::Folder(folder) => {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("cannot make {}", folder.display()))?;
                let file = folder.join(format!("{}.json", message.id));
                let json = serde_json::to_string_pretty(message)?;
                std::fs::write(&file, json)
                    .with_context(|| format!("cannot write {}", file.display()))?;
                let (to, subject) = (&message.to, &message.subject);
                tracing::info!(to, subject, file = %file.display(), "a mail is kept instead of being sent");
                tracing::info!("the mail says:\n{}", message.text);
            }
            Self::Memory(mails) => {
                let mut mails = mails.lock().unwrap_or_else(PoisonError::into_inner);
                mails.push(message.clone());
            }
        }
        Ok(())
    }

    /// What has come in: the oldest first in memory, the newest first in a folder.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn messages(&self) -> anyhow::Result<Vec<Message>> {
        match self {
            Self::Folder(folder) => read(folder),
            Self::Memory(mails) => Ok(mails.lock().unwrap_or_else(PoisonError::into_inner).clone()),
        }
    }
}

fn read(folder: &Path) -> anyhow::Result<Vec<Message>> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "json")
    });
    // Their names begin with the time.
    files.sort_by(|one, other| other.cmp(one));
    let read = |file: &PathBuf| -> anyhow::Result<Message> {
        let json = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_str(&json).with_context(|| format!("{} is no mail", file.display()))
    };
    files.iter().take(SHOWN).map(read).collect()
}
