//! Random tokens, their digests, and keys derived from the application's one secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// 32 random bytes as URL-safe text (43 characters).
pub fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 32]>())
}

/// Whether `text` could be a token of ours, or another like it: 16 to 64 URL-safe characters.
pub fn is_token(text: &str) -> bool {
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (16..=64).contains(&text.len()) && text.bytes().all(is_safe)
}

/// The digest under which a token is stored, so that a stolen database opens no door.
pub fn token_digest(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Lower-case hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key for one purpose. Signatures made for one purpose never verify for another.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// Derives the key for `purpose` from the application's secret (HMAC-SHA-256 as a PRF).
    pub fn derive(secret: &[u8], purpose: &str) -> Self {
        Self(mac(secret, purpose.as_bytes()))
    }

    /// A signature over `message`, as URL-safe text.
    pub fn sign(&self, message: &str) -> String {
        URL_SAFE_NO_PAD.encode(mac(&self.0, message.as_bytes()))
    }

    /// Whether `signature` is this key's over `message`; takes the same time for every wrong one.
    pub fn verify(&self, message: &str, signature: &str) -> bool {
        self.sign(message)
            .as_bytes()
            .ct_eq(signature.as_bytes())
            .into()
    }

    /// `value` with its signature, for a cookie that the browser may read but not change.
    pub fn seal(&self, value: &str) -> String {
        format!("{}.{}", URL_SAFE_NO_PAD.encode(value), self.sign(value))
    }

    /// The value of a sealed text, if the signature holds.
    pub fn open(&self, sealed: &str) -> Option<String> {
        let (value, signature) = sealed.split_once('.')?;
        let value = String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok()?;
        self.verify(&value, signature).then_some(value)
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_unchanged_and_with_its_own_key() {
        let key = Key::derive(b"secret", "flash");
        let sealed = key.seal("a.b=c");
        assert_eq!(key.open(&sealed).as_deref(), Some("a.b=c"));
        assert_eq!(Key::derive(b"secret", "csrf").open(&sealed), None);
        assert_eq!(key.open(&sealed.replace('.', "x.")), None);
        assert_eq!(key.open(""), None);
    }

    #[test]
    fn only_plain_texts_of_a_certain_length_can_be_tokens() {
        assert!(is_token(&random_token()));
        for odd in ["", "short", "sixteen letters\0", "0123456789abcdef'"] {
            assert!(!is_token(odd), "{odd:?}");
        }
        assert!(!is_token(&"a".repeat(65)));
    }

    #[test]
    fn tokens_are_long_and_never_the_same() {
        assert_eq!(random_token().len(), 43);
        assert_ne!(random_token(), random_token());
    }
}
