//! What a key looks like: `qs_live_`, eight characters by which it is found, 32 random bytes, a checksum. The
//! checksum tells typing errors and made-up keys apart from keys, without a query; scanners for leaked keys use it too.

use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

use crate::crypto::token_digest;

const PREFIX: &str = "qs_live_";
const HANDLE: usize = 8;
/// 32 bytes in base 62.
const SECRET: usize = 43;
/// 4 bytes in base 62.
const CHECKSUM: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A whole key. It is shown once, and never stored or logged.
pub(super) struct Secret(String);

/// What is stored of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub handle: String,
    pub digest: String,
}

impl Secret {
    pub fn random() -> Self {
        let mut random = rand::rng();
        let letter = |_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]);
        let handle: String = (0..HANDLE).map(letter).collect();
        let body = format!(
            "{PREFIX}{handle}{}",
            base62(&random.random::<[u8; 32]>(), SECRET)
        );
        let checksum = checksum(&body);
        Self(body + &checksum)
    }

    /// A key that somebody sent, if it is one of ours by its looks.
    pub fn parse(text: &str) -> Option<Self> {
        let length = PREFIX.len() + HANDLE + SECRET + CHECKSUM;
        let is_ours = text.len() == length
            && text.starts_with(PREFIX)
            && text[PREFIX.len()..]
                .bytes()
                .all(|b| b.is_ascii_alphanumeric());
        if !is_ours {
            return None;
        }
        let (body, sum) = text.split_at(length - CHECKSUM);
        (checksum(body) == sum).then(|| Self(text.to_owned()))
    }

    pub fn fingerprint(&self) -> Fingerprint {
        let start = PREFIX.len();
        Fingerprint {
            handle: self.0[start..start + HANDLE].to_owned(),
            digest: token_digest(&self.0),
        }
    }

    /// For its owner, once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// How a key is shown to its owner later: `qs_live_AbCd1234…`.
pub(super) fn hint(handle: &str) -> String {
    format!("{PREFIX}{handle}…")
}

fn checksum(body: &str) -> String {
    base62(&Sha256::digest(body.as_bytes())[..4], CHECKSUM)
}

/// `bytes` as one number in base 62, with zeros before it up to `width` digits.
fn base62(bytes: &[u8], width: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec![ALPHABET[0]; width];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_u32;
        for byte in &mut number {
            let value = rest * 256 + u32::from(*byte);
            rest = value % 62;
            // The quotient of a number below 62 * 256 by 62 fits a byte.
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
        }
        *digit = ALPHABET[rest as usize];
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_base_62() {
        assert_eq!(base62(&[0], 2), "00");
        assert_eq!(base62(&[61], 2), "0z");
        assert_eq!(base62(&[62], 2), "10");
        assert_eq!(base62(&[1, 0], 3), "048");
        assert_eq!(base62(&[255; 4], CHECKSUM), "4gfFC3");
        // 62^43 is more than 2^256: nothing is cut off.
        assert_ne!(base62(&[255; 32], SECRET), base62(&[127; 32], SECRET));
        assert!(base62(&[255; 32], SECRET + 1).starts_with('0'));
    }

    #[test]
    fn a_key_is_known_by_its_looks() {
        let key = Secret::random();
        let text = key.expose();
        assert_eq!(text.len(), 65);
        let read = Secret::parse(text).unwrap();
        assert_eq!(read.fingerprint(), key.fingerprint());
        assert!(text.contains(&key.fingerprint().handle));
        assert!(!key.fingerprint().digest.contains(&text[16..30]));
    }

    #[test]
    fn what_is_no_key_is_refused_without_a_query() {
        let key = Secret::random();
        let text = key.expose();
        let other = |at: usize| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            String::from_utf8(bytes).unwrap()
        };
        for at in [0, 8, 16, 40, 58, 59, 64] {
            assert!(Secret::parse(&other(at)).is_none(), "{at}");
        }
        for odd in [
            "",
            "qs_live_",
            "é",
            &text[..64],
            &format!("{text}0"),
            &"é".repeat(32),
        ] {
            assert!(Secret::parse(odd).is_none(), "{odd:?}");
        }
    }
}
