//! What travels inside the binary, byte for byte, as `build/` put it there.

/// One embedded file.
#[derive(Debug, Clone, Copy)]
pub struct Embedded {
    /// The path in its tree, with `/`.
    pub path: &'static str,
    /// The contents.
    pub bytes: &'static [u8],
    /// The SHA-256 of the contents, in hexadecimal.
    pub digest: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
