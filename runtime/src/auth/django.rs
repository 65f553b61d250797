//! Password hashes as Django writes them: `pbkdf2_sha256$ITERATIONS$SALT$HASH`, the hash in base64.

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

pub const PREFIX: &str = "pbkdf2_sha256$";
/// Django 6 makes 1,200,000. More than this would be an attack on our processor.
const MOST_ITERATIONS: u32 = 10_000_000;

/// Whether `password` is the one behind `hash`.
///
/// # Errors
/// When `hash` is no hash of Django's.
pub fn matches(password: &[u8], hash: &str) -> anyhow::Result<bool> {
    let parts: Vec<_> = hash.split('$').collect();
    let [_, iterations, salt, expected] = parts[..] else {
        bail!("it has other parts than Django's");
    };
    let iterations: u32 = iterations.parse().context("its iterations are no number")?;
    if !(1..=MOST_ITERATIONS).contains(&iterations) {
        bail!("its iterations are too few or too many");
    }
    let expected = STANDARD.decode(expected).context("it is not base64")?;
    let mut actual = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(password, salt.as_bytes(), iterations, &mut actual);
    Ok(actual.as_slice().ct_eq(&expected).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `hashlib.pbkdf2_hmac("sha256", …)` of Python 3.11.
    const VECTORS: [(&str, &str); 4] = [
        (
            "correct horse battery",
            "pbkdf2_sha256$2000$seasaltseasalt$ee9Rir/B965zOY80onoq6sXiqL0hvV7StUbcCkSuNNs=",
        ),
        (
            "pässwörd 😀",
            "pbkdf2_sha256$1000$Ümläut$X3LoUiVPnA7Ge01Tapn4RoLljqKVL64XDD2FjHHTXQE=",
        ),
        (
            "",
            "pbkdf2_sha256$1$a$aeZT4bBCMD3Uvb+w591EueB48UijiWiq/QiSMEJFAl8=",
        ),
        (
            "lètmein",
            "pbkdf2_sha256$260$seasalt2$hGs41SecHVHHxLzy7sntHAL8VeXFw2kVLzSPg3HMZF8=",
        ),
    ];

    #[test]
    fn hashes_of_another_implementation_are_understood() {
        for (password, hash) in VECTORS {
            assert!(matches(password.as_bytes(), hash).unwrap(), "{hash}");
            for (other, _) in VECTORS.iter().filter(|(other, _)| *other != password) {
                assert!(!matches(other.as_bytes(), hash).unwrap(), "{other}: {hash}");
            }
            // One round more, another salt, and a hash that is cut off or of something else.
            let parts: Vec<_> = hash.split('$').collect();
            let [kind, rounds, salt, end] = parts[..] else {
                panic!("{hash} has four parts");
            };
            let more = rounds.parse::<u32>().unwrap() + 1;
            for changed in [
                format!("{kind}${more}${salt}${end}"),
                format!("{kind}${rounds}${salt}x${end}"),
                format!("{kind}${rounds}${salt}${}", &end[..40]),
                format!("{kind}${rounds}${salt}$"),
            ] {
                let is_right = matches(password.as_bytes(), &changed);
                assert!(!is_right.unwrap_or(false), "{changed}");
            }
        }
    }

    #[test]
    fn what_is_no_hash_of_djangos_is_refused() {
        for hash in [
            "pbkdf2_sha256$",
            "pbkdf2_sha256$x$salt$aGFzaA==",
            "pbkdf2_sha256$0$salt$aGFzaA==",
            "pbkdf2_sha256$4000000000$salt$aGFzaA==",
            "pbkdf2_sha256$1$salt$a hash",
        ] {
            assert!(matches(b"", hash).is_err(), "{hash}");
        }
        assert!(!matches(b"", "pbkdf2_sha256$1$salt$aGFzaA==").unwrap());
    }
}
