//! Sentences and small decisions of runs.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::entity::RunStatus;
use crate::credits::Credits;
use crate::crypto::hex;
use crate::error::{Error, Result};

pub const FAILED: &str = "The service failed. We have been told.";
pub const TOOK_TOO_LONG: &str = "The service took too long and was stopped.";
pub const CANCELLED: &str = "The run was stopped because you asked for it.";
pub const LEFT_BEHIND: &str = "The service was interrupted before it was done.";
pub const SWITCHED_OFF: &str = "This service is switched off at the moment.";
pub const KEY_REUSED: &str = "This form has been sent before, with other values. \
    If you want a run with these, send it again.";

/// What is said when a form shows a price that holds no more.
pub fn other_price(now: Credits) -> String {
    format!(
        "The price has changed. It is now: {}. Send the form again if you want that.",
        price(now)
    )
}

/// What tells one submission from another: the service and its whole input, files included.
pub fn digest(service: &str, input: &Map<String, Value>) -> Result<String> {
    let mut hasher = Hasher(Sha256::new());
    serde_json::to_writer(&mut hasher, &(service, input)).map_err(Error::internal)?;
    Ok(hex(&hasher.0.finalize()))
}

struct Hasher(Sha256);

impl std::io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A share from 0 to 1 in thousandths. What is no number is nothing.
pub fn permille(fraction: f64) -> i64 {
    // The conversion is exact between these bounds.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it lies between 0 and 1000"
    )]
    let permille = (fraction.clamp(0.0, 1.0) * 1000.0).round() as i64;
    permille
}

/// Most characters of what a run says that it is doing.
const MESSAGE_LENGTH: usize = 200;

/// `message` on one line, not too long, without what PostgreSQL takes in no text.
pub fn clipped(message: &str) -> String {
    let printable = message.chars().filter(|c| !c.is_control());
    printable.take(MESSAGE_LENGTH).collect()
}

/// What a run was charged, or is to be at most while it has not ended.
pub fn charged(status: RunStatus, cost: Credits) -> Credits {
    match status {
        RunStatus::Queued | RunStatus::Running | RunStatus::Succeeded => cost,
        RunStatus::Failed | RunStatus::Cancelled => Credits::ZERO,
    }
}

/// What a run was charged, for people: `Not charged` where it gave nothing.
pub fn charge(status: RunStatus, cost: Credits) -> String {
    match status {
        RunStatus::Failed | RunStatus::Cancelled => "Not charged".into(),
        RunStatus::Queued | RunStatus::Running | RunStatus::Succeeded => price(cost),
    }
}

/// A status as pages call it.
pub fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Queued => "Waiting",
        RunStatus::Running => "Under way",
        RunStatus::Succeeded => "Done",
        RunStatus::Failed => "Failed",
        RunStatus::Cancelled => "Stopped",
    }
}

/// What the names of services begin with among the things that have prices.
pub const ITEMS: &str = "service:";

/// What the price list calls the service `name`.
pub fn item(name: &str) -> String {
    format!("{ITEMS}{name}")
}

/// A price on a page: `1 credit`, `Free`.
pub fn price(cost: Credits) -> String {
    if cost.is_zero() {
        "Free".into()
    } else {
        cost.in_words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn another_input_has_another_digest() {
        let of = |service, input: Value| digest(service, input.as_object().unwrap()).unwrap();
        let first = of("a", json!({ "text": "x" }));
        assert_eq!(first, of("a", json!({ "text": "x" })));
        assert_ne!(first, of("b", json!({ "text": "x" })));
        assert_ne!(first, of("a", json!({ "text": "y" })));
        assert_ne!(first, of("a", json!({ "text": "x", "more": null })));
    }

    #[test]
    fn what_costs_nothing_is_free() {
        assert_eq!(price(Credits::ZERO), "Free");
        assert_eq!(price(Credits::whole(10)), "10 credits");
    }
}
