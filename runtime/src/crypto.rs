//! Random tokens, their digests, and keys derived from the application's one secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::Aead as _;
use chacha20poly1305::{Key as CipherKey, KeyInit as _, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
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

/// Keys for one purpose, the newest first: it encrypts, and all of them decrypt.
#[derive(Clone)]
pub struct KeyRing(Vec<Key>);

/// XChaCha20's nonces are long enough to be drawn at random for every message.
const NONCE_LENGTH: usize = 24;

impl KeyRing {
    /// `keys` begins with the newest.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// `plain` encrypted and protected against change, as URL-safe text.
    pub fn encrypt(&self, plain: &[u8]) -> String {
        let nonce = rand::rng().random::<[u8; NONCE_LENGTH]>();
        let key = self.0.first().expect("a ring is made with the current key");
        let secret = cipher(key)
            .encrypt(&XNonce::from(nonce), plain)
            .expect("memory holds what is encrypted");
        URL_SAFE_NO_PAD.encode([nonce.as_slice(), &secret].concat())
    }

    /// What [`KeyRing::encrypt`] was given, with this key ring or one that had one of its keys first.
    pub fn decrypt(&self, sealed: &str) -> Option<Vec<u8>> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, secret) = sealed.split_first_chunk::<NONCE_LENGTH>()?;
        let open = |key| cipher(key).decrypt(&XNonce::from(*nonce), secret).ok();
        self.0.iter().find_map(open)
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&CipherKey::from(key.0))
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
    fn what_is_encrypted_opens_with_this_key_and_those_that_replaced_it() {
        let [old, new] = [b"old", b"new"].map(|secret| Key::derive(secret, "mail"));
        let before = KeyRing::new([old.clone()]);
        let sealed = before.encrypt(b"a link");
        assert_ne!(sealed, before.encrypt(b"a link"));
        let after = KeyRing::new([new.clone(), old]);
        assert_eq!(after.decrypt(&sealed).as_deref(), Some(&b"a link"[..]));
        assert_eq!(KeyRing::new([new]).decrypt(&sealed), None);
        let other = if &sealed[40..41] == "_" { "-" } else { "_" };
        let changed = format!("{}{other}{}", &sealed[..40], &sealed[41..]);
        for broken in ["", "AAAA", &sealed[1..], &changed] {
            assert_eq!(before.decrypt(broken), None, "{broken}");
        }
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
