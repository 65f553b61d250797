//! Files in one archive, written while they come (PKWARE's APPNOTE 6.3.10): stored as they are, named in UTF-8. Archives
//! of 4 GiB and more are refused: they would need another format. Written here because the crate `zip`, with every feature
//! off, takes seconds of CPU of a new project's first build; the sum is `crc32fast`'s, which is built in any case.

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::personal::PersonalFile;

const FILE_HEADER: u32 = 0x0403_4b50;
const DIRECTORY_HEADER: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// 2.0, as every reader knows.
const VERSION: u16 = 20;
/// Names are UTF-8.
const FLAGS: u16 = 0x0800;

/// What the directory at the end of an archive needs to know.
pub(super) struct Archive {
    /// When every file was made, as MS-DOS writes it: time, date.
    stamp: (u16, u16),
    written: u64,
    directory: Vec<u8>,
    count: u16,
}

impl Archive {
    pub fn new(at: Timestamp) -> Self {
        Self {
            stamp: dos(at),
            written: 0,
            directory: Vec::new(),
            count: 0,
        }
    }

    /// The part of the archive that holds `file`.
    ///
    /// # Errors
    /// When the archive gets too large.
    pub fn add(&mut self, file: &PersonalFile) -> Result<Vec<u8>> {
        let common = self.common(file)?;
        let offset = number::<u32>(self.written)?;
        let mut part = FILE_HEADER.to_le_bytes().to_vec();
        part.extend(&common);
        part.extend(file.path.as_bytes());
        part.extend(&file.bytes);

        let entry = &mut self.directory;
        entry.extend(DIRECTORY_HEADER.to_le_bytes());
        entry.extend(VERSION.to_le_bytes());
        entry.extend(&common);
        // No comment, first disk, no attributes.
        entry.extend([0; 10]);
        entry.extend(offset.to_le_bytes());
        entry.extend(file.path.as_bytes());
        self.count = self.count.checked_add(1).ok_or_else(too_large)?;
        self.written += part.len() as u64;
        Ok(part)
    }

    /// What both headers of a file share.
    fn common(&self, file: &PersonalFile) -> Result<Vec<u8>> {
        let size = number::<u32>(file.bytes.len() as u64)?;
        let (time, date) = self.stamp;
        let mut common = Vec::new();
        // Stored, not compressed.
        for field in [VERSION, FLAGS, 0, time, date] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc32fast::hash(&file.bytes), size, size] {
            common.extend(field.to_le_bytes());
        }
        let name = number::<u16>(file.path.len() as u64)?;
        common.extend(name.to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        Ok(common)
    }

    /// The end of the archive.
    ///
    /// # Errors
    /// When the archive got too large.
    pub fn finish(self) -> Result<Vec<u8>> {
        let size = number::<u32>(self.directory.len() as u64)?;
        let offset = number::<u32>(self.written)?;
        let mut end = self.directory;
        end.extend(END.to_le_bytes());
        end.extend([0; 4]);
        end.extend(self.count.to_le_bytes());
        end.extend(self.count.to_le_bytes());
        end.extend(size.to_le_bytes());
        end.extend(offset.to_le_bytes());
        end.extend([0; 2]);
        Ok(end)
    }
}

fn too_large() -> Error {
    Error::internal(anyhow::anyhow!("an archive of more than 4 GiB"))
}

fn number<T: TryFrom<u64>>(value: u64) -> Result<T> {
    T::try_from(value).map_err(|_| too_large())
}

/// Two seconds are the smallest step; the years begin with 1980.
fn dos(at: Timestamp) -> (u16, u16) {
    let text = at.rfc3339();
    let part = |from: usize, to: usize| -> u16 {
        text.get(from..to)
            .and_then(|digits| digits.parse().ok())
            .unwrap_or_default()
    };
    let time = (part(11, 13) << 11) | (part(14, 16) << 5) | (part(17, 19) / 2);
    let date = (part(0, 4).saturating_sub(1980) << 9) | (part(5, 7) << 5) | part(8, 10);
    (time, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_ms_dos_does() {
        // 2026-11-21T09:05:05Z
        let (time, date) = dos(Timestamp::from_micros(1_795_251_905_000_000));
        assert_eq!((time >> 11, time >> 5 & 63, time & 31), (9, 5, 2));
        assert_eq!((date >> 9, date >> 5 & 15, date & 31), (46, 11, 21));
    }
}
