//! How a program prefers to be answered: at once, or after so many seconds (RFC 7240).

use std::time::Duration;

use serde_json::json;

use crate::http::{Call, Parameter, Place};

/// How whoever calls prefers to be answered (RFC 7240). What is not understood is passed over.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Wish {
    /// `respond-async`: at once, and the work is done in the background.
    pub is_for_later: bool,
    /// `wait=10`: after so many seconds at most.
    pub wait: Option<Duration>,
}

impl Wish {
    pub fn of(call: &Call) -> Self {
        Self::read(call.header("prefer").unwrap_or_default())
    }

    fn read(header: &str) -> Self {
        let mut wish = Self::default();
        for one in header.split(',') {
            let one = one.split(';').next().unwrap_or_default();
            let (name, value) = one.split_once('=').unwrap_or((one, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "respond-async" => wish.is_for_later = true,
                "wait" => wish.wait = value.parse().ok().map(Duration::from_secs),
                _ => {}
            }
        }
        wish
    }
}

/// The header that says it.
pub(super) fn parameter() -> Parameter {
    Parameter {
        name: "Prefer",
        place: Place::Header,
        description: "How to be answered: `respond-async` at once with 202, while the run is done in the background; \
             `wait=10` after ten seconds, with 202 if the run has not ended by then.",
        schema: json!({ "type": "string" }),
        example: json!("wait=10"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_understood_of_a_preference_counts() {
        let seconds = |wait| Some(Duration::from_secs(wait));
        for (header, is_for_later, wait) in [
            ("", false, None),
            ("respond-async", true, None),
            ("Respond-Async; foo=bar, wait=10", true, seconds(10)),
            ("return=minimal,wait = \"5\"", false, seconds(5)),
            ("wait=soon", false, None),
            ("wait=-1", false, None),
        ] {
            let expected = Wish { is_for_later, wait };
            assert_eq!(Wish::read(header), expected, "{header}");
        }
    }
}
