//! Decisions about keys: what they may be called, how long they live, and how they are refused.

use std::time::Duration;

use axum::http::StatusCode;

use crate::clock::Timestamp;
use crate::error::{Error, FieldErrors, Result};
use crate::http::{Member, MemberValue, Refusal};

/// How many keys of one user open the door at the same time. A key that is being replaced makes room for the one that
/// takes its place, even while it still works.
pub(super) const MOST_KEYS: i64 = 20;
/// A key's use is noted no more often.
pub(super) const NOTE_INTERVAL: Duration = Duration::from_secs(60);

const NAME_LENGTH: usize = 60;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// How long a key may live, as the form offers it: value and label.
pub(super) const LIVES: [(&str, &str); 5] = [
    ("never", "No expiry"),
    ("7", "7 days"),
    ("30", "30 days"),
    ("90", "90 days"),
    ("365", "1 year"),
];

/// How long a key works beside the one that takes its place: value, label, length.
pub(super) const OVERLAPS: [(&str, &str, Duration); 4] = [
    ("0", "ends at once", Duration::ZERO),
    ("1", "works for 1 hour", HOUR),
    ("24", "works for 24 hours", DAY),
    (
        "168",
        "works for 7 days",
        Duration::from_secs(7 * 24 * 60 * 60),
    ),
];

pub(super) fn name(text: &str) -> Result<&str, &'static str> {
    let text = text.trim();
    if (1..=NAME_LENGTH).contains(&text.chars().count()) && !text.contains(char::is_control) {
        return Ok(text);
    }
    Err("Enter a name of at most 60 characters, such as where the key is used.")
}

/// When a key made `now` ends.
pub(super) fn expiry(choice: &str, now: Timestamp) -> Result<Option<Timestamp>, &'static str> {
    let is_offered = LIVES.iter().any(|(value, _)| *value == choice);
    match choice.parse::<u32>() {
        Ok(days) if is_offered => Ok(Some(now.plus(DAY * days))),
        _ if is_offered => Ok(None),
        _ => Err("Choose how long the key works."),
    }
}

pub(super) fn overlap(choice: &str) -> Result<Duration, &'static str> {
    let found = OVERLAPS.iter().find(|(value, ..)| *value == choice);
    found
        .map(|(.., length)| *length)
        .ok_or("Choose how long the old key goes on working.")
}

/// The filling-in of the form that a key is made with.
pub(super) fn form_key(text: &str) -> Result<String> {
    if crate::crypto::is_token(text) {
        return Ok(text.to_owned());
    }
    Err(Error::unprocessable(
        "The form is incomplete. Reload it and try again.",
    ))
}

pub(super) fn too_many_keys() -> FieldErrors {
    let why = format!("You have {MOST_KEYS} keys already. Revoke one that you do not need.");
    FieldErrors::one("form", why)
}

macro_rules! refusal {
    ($name:ident, $status:ident, $code:literal, $detail:literal $(, $member:expr)*) => {
        pub(super) static $name: Refusal = Refusal {
            status: StatusCode::$status,
            code: $code,
            detail: $detail,
            members: &[$($member),*],
        };
    };
}

refusal!(
    MALFORMED_JSON,
    BAD_REQUEST,
    "malformed_json",
    "The body is not JSON: expected value at line 1 column 1."
);
refusal!(
    INVALID_IDEMPOTENCY_KEY,
    BAD_REQUEST,
    "invalid_idempotency_key",
    "An Idempotency-Key has 1 to 255 visible characters."
);
refusal!(
    NO_KEY,
    UNAUTHORIZED,
    "unauthenticated",
    "Send an API key in the header “Authorization: Bearer qs_live_…”."
);
refusal!(
    INVALID_KEY,
    UNAUTHORIZED,
    "invalid_key",
    "This API key does not work, or not any more."
);
refusal!(
    INSUFFICIENT_SCOPE,
    FORBIDDEN,
    "insufficient_scope",
    "This API key may not do this.",
    Member {
        name: "required_scope",
        description: "What the key would have to be allowed.",
        is_required: true,
        value: MemberValue::Text("credits:read"),
    }
);
refusal!(
    NOT_FOUND,
    NOT_FOUND,
    "not_found",
    "There is nothing at this address."
);
refusal!(
    IN_PROGRESS,
    CONFLICT,
    "request_in_progress",
    "A request with this Idempotency-Key is being answered. Ask again later."
);
refusal!(
    TOO_LARGE,
    PAYLOAD_TOO_LARGE,
    "too_large",
    "That is too much at once. At most 1024 KiB are taken here."
);
refusal!(
    NOT_JSON,
    UNSUPPORTED_MEDIA_TYPE,
    "unsupported_media_type",
    "Send JSON, with the header “Content-Type: application/json”."
);
refusal!(
    INVALID_INPUT,
    UNPROCESSABLE_ENTITY,
    "invalid_input",
    "Fill in “Text”.",
    Member {
        name: "errors",
        description: "What is wrong, by field; `form` where it is no field alone.",
        is_required: false,
        value: MemberValue::Texts(&[("text", "Fill in “Text”.")]),
    }
);
refusal!(
    KEY_REUSED,
    UNPROCESSABLE_ENTITY,
    "idempotency_key_reused",
    "This key was used before, for another request."
);
refusal!(
    TOO_MANY,
    TOO_MANY_REQUESTS,
    "too_many_requests",
    "Too many tries. Wait a little, then try again."
);
refusal!(
    INTERNAL,
    INTERNAL_SERVER_ERROR,
    "internal_error",
    "Something went wrong on our side. It has been logged."
);
refusal!(
    TIMED_OUT,
    SERVICE_UNAVAILABLE,
    "timed_out",
    "This took too long and was stopped. Try again."
);

/// `refusal` as an error.
pub(super) fn error(refusal: &'static Refusal) -> Error {
    Error::new(refusal.status, refusal.code, refusal.detail)
}

/// 409, with when to ask again.
pub(super) fn in_progress() -> Error {
    error(&IN_PROGRESS).after(Duration::from_secs(5))
}

/// 400 that says what is wrong with the JSON.
pub(super) fn malformed(fault: &serde_json::Error) -> Error {
    let detail = format!("The body is not JSON: {fault}.");
    Error::new(MALFORMED_JSON.status, MALFORMED_JSON.code, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_when_the_form_says_so() {
        let now = Timestamp::from_micros(0);
        assert_eq!(expiry("never", now), Ok(None));
        assert_eq!(expiry("7", now), Ok(Some(now.plus(DAY * 7))));
        for odd in ["", "0", "8", "-7", "99999999999"] {
            assert!(expiry(odd, now).is_err(), "{odd:?}");
        }
        assert_eq!(overlap("24"), Ok(DAY));
        assert!(overlap("25").is_err());
    }

    #[test]
    fn names_are_one_line() {
        assert_eq!(name("  CI of ada "), Ok("CI of ada"));
        for odd in ["", "  ", "a\nb", &"a".repeat(61)] {
            assert!(name(odd).is_err(), "{odd:?}");
        }
    }
}
