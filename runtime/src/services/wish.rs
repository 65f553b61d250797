//! How a program prefers to be answered: at once, or after so many seconds (RFC 7240).

use std::time::Duration;

use serde_json::json;

use crate::http::{Call, Headers, Parameter, Place};

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

impl Wish {
    /// What was done of it in an answer: `is_later` when the run was put into the background, after which nobody waits.
    pub fn applied(&self, is_later: bool, longest: Duration) -> Headers {
        let applied = match self.wait {
            _ if is_later && self.is_for_later => Some("respond-async".to_owned()),
            Some(wait) if !is_later && wait <= longest => Some(format!("wait={}", wait.as_secs())),
            _ => None,
        };
        let header = applied.map(|applied| ("preference-applied".to_owned(), applied));
        header.into_iter().collect()
    }
}

/// The header that says it.
pub(super) fn parameter() -> Parameter {
    Parameter {
        name: "Prefer",
        place: Place::Header,
        description: "How to be answered: `respond-async` at once with 202, while the run is done in the background; \
             `wait=10` after ten seconds (50 at most), with 202 if the run has not ended by then. \
             `Preference-Applied` says what was done of it.",
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

    #[test]
    fn what_was_done_of_a_preference_is_said_and_nothing_else() {
        let longest = Duration::from_secs(50);
        for (header, is_later, applied) in [
            ("", false, None),
            ("", true, None),
            ("respond-async", true, Some("respond-async")),
            ("respond-async, wait=10", true, Some("respond-async")),
            // It was known from before, and had ended.
            ("respond-async", false, None),
            ("wait=10", false, Some("wait=10")),
            ("wait=\"50\"; why=not", false, Some("wait=50")),
            ("wait=51", false, None),
            // A service that works in the background has nobody wait.
            ("wait=10", true, None),
        ] {
            let said = Wish::read(header).applied(is_later, longest);
            let said = said.first().map(|(_, value)| value.as_str());
            assert_eq!(said, applied, "{header}");
        }
    }
}
