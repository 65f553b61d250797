//! One-time codes of authenticator apps (RFC 6238 over RFC 4226: HMAC-SHA-1, six digits, 30 seconds). Pure.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

use crate::clock::Timestamp;

/// RFC 4226, section 4, asks for 160 bits.
pub const SECRET_LENGTH: usize = 20;
const STEP_MICROS: i64 = 30_000_000;
const DIGITS: usize = 6;
/// Clocks go wrong and people type slowly: a code also counts one step before and after its own.
const TOLERANCE: i64 = 1;

/// The code of one step.
fn code(secret: &[u8], step: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[digest.len() - 1] & 0xf);
    let bytes = [0, 1, 2, 3].map(|at| digest[offset + at]);
    let number = u32::from_be_bytes(bytes) & 0x7fff_ffff;
    format!("{:0DIGITS$}", number % 10_u32.pow(DIGITS as u32))
}

/// Whether `text` looks like a code.
pub fn is_code(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_digit())
}

/// The step whose code `typed` is, around `now` and after `used`, the last one whose code was used.
pub fn step_of(secret: &[u8], typed: &str, now: Timestamp, used: i64) -> Option<i64> {
    let current = now.as_micros().div_euclid(STEP_MICROS);
    let right = |step: &i64| -> bool {
        code(secret, *step)
            .as_bytes()
            .ct_eq(typed.as_bytes())
            .into()
    };
    (current - TOLERANCE..=current + TOLERANCE).rfind(|step| *step > used && right(step))
}

/// As apps take secrets that are typed (RFC 4648, section 6, without padding).
pub fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    for group in bytes.chunks(5) {
        let mut whole = [0; 5];
        whole[..group.len()].copy_from_slice(group);
        let bits = whole
            .iter()
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let letters = (group.len() * 8).div_ceil(5);
        let letter = |at: usize| char::from(LETTERS[(bits >> (35 - 5 * at)) as usize & 31]);
        text.extend((0..letters).map(letter));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn code_at(secret: &[u8], at: Timestamp) -> String {
        code(secret, at.as_micros().div_euclid(STEP_MICROS))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six digits.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(SECRET, at(seconds)), code);
        }
    }

    #[test]
    fn a_code_counts_a_step_before_and_after_its_own_and_never_again() {
        let typed = code_at(SECRET, at(3000));
        for (now, right) in [
            (2939, false),
            (2970, true),
            (3000, true),
            (3059, true),
            (3060, false),
        ] {
            let step = step_of(SECRET, &typed, at(now), 0);
            assert_eq!(step, right.then_some(100), "{now}");
        }
        assert_eq!(step_of(SECRET, &typed, at(3000), 100), None);
        assert_eq!(step_of(SECRET, "", at(3000), 0), None);
    }

    #[test]
    fn secrets_are_spelled_as_the_standard_does() {
        // RFC 4648, section 10.
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}
