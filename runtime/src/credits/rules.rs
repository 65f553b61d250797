//! The ledger's decisions: in which order lots are used, how a hold is split, what is refused and why.

use std::time::Duration;

use axum::http::StatusCode;

use super::amount::{AmountError, Change, Credits};
use super::entity::{FillLevel, Grant, Lot, LotKind, Part};
use crate::clock::Timestamp;
use crate::crypto::is_token;
use crate::error::{Error, FieldErrors, Result};

/// Takes up to `amount` from `lots`, which stand in the order of use. Gives the parts and what is lacking.
pub fn take(amount: Credits, lots: &[Lot]) -> (Vec<Part>, Credits) {
    let mut lacking = amount;
    let mut parts = Vec::new();
    for lot in lots {
        let taken = lot.remaining.min(lacking);
        if !taken.is_zero() {
            parts.push(Part {
                lot: lot.id.clone(),
                amount: taken,
            });
            lacking = lacking.less(taken);
        }
    }
    (parts, lacking)
}

/// One part of a hold when it is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub part: Part,
    pub spent: Credits,
    pub returned: Credits,
}

/// Spends `captured` of the held `parts`, the first ones first; the rest goes back where it came from.
pub fn settle(parts: Vec<Part>, captured: Credits) -> Vec<Settled> {
    let mut rest = captured;
    let settle = |part: Part| {
        let spent = part.amount.min(rest);
        rest = rest.less(spent);
        let returned = part.amount.less(spent);
        Settled {
            part,
            spent,
            returned,
        }
    };
    parts.into_iter().map(settle).collect()
}

/// Refuses an amount of nothing.
pub fn some(amount: Credits) -> Result<Credits> {
    if amount.is_zero() {
        return Err(Error::unprocessable("The amount must be more than 0."));
    }
    Ok(amount)
}

/// 402, with what was asked for and what there is.
pub fn insufficient(required: Credits, available: Credits) -> Error {
    let detail = format!(
        "This needs {}, and {available} {} available.",
        required.in_words(),
        if available == Credits::whole(1) {
            "is"
        } else {
            "are"
        }
    );
    Error::new(StatusCode::PAYMENT_REQUIRED, "insufficient_credits", detail)
        .with("required", required.to_string())
        .with("available", available.to_string())
}

/// Refuses credits that could never be used, and kinds with an end that they cannot have.
pub fn may_grant(grant: &Grant, now: Timestamp) -> Result<()> {
    match (grant.kind, grant.expires_at) {
        (_, Some(at)) if at <= now => Err(has_expired()),
        (LotKind::Subscription, None) => Err(Error::unprocessable(
            "Credits of a subscription end with its period.",
        )),
        (LotKind::Purchase, Some(_)) => Err(no_end()),
        (LotKind::Subscription | LotKind::Promotion | LotKind::Adjustment, Some(_))
        | (LotKind::Promotion | LotKind::Adjustment | LotKind::Purchase, None) => Ok(()),
    }
}

/// Refuses to end what was bought.
pub fn may_end(kind: LotKind) -> Result<()> {
    match kind {
        LotKind::Subscription | LotKind::Promotion | LotKind::Adjustment => Ok(()),
        LotKind::Purchase => Err(no_end()),
    }
}

fn no_end() -> Error {
    Error::unprocessable("Credits that were bought never expire.")
}

fn has_expired() -> Error {
    Error::unprocessable("These credits would have run out already.")
}

pub fn too_many() -> Error {
    Error::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "too_many_credits",
        AmountError::TooLarge.to_string(),
    )
}

pub fn key_reused() -> Error {
    Error::idempotency_key_reused()
}

pub fn more_than_held() -> Error {
    Error::unprocessable("That is more than was set aside.")
}

pub fn more_than_spent() -> Error {
    Error::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "more_than_spent",
        "That is more than is left to give back.",
    )
}

pub fn nothing_to_revoke() -> Error {
    Error::conflict(
        "nothing_to_revoke",
        "Nothing is left of these credits that could be taken back.",
    )
}

pub fn source_was_granted() -> Error {
    Error::conflict(
        "source_granted",
        "Credits were put in for this before, under another key.",
    )
}

pub fn hold_is_closed() -> Error {
    Error::conflict("hold_closed", "These credits are no longer set aside.")
}

pub fn price_changed() -> Error {
    Error::conflict(
        "price_changed",
        "Somebody else has just set this price. Look at it again.",
    )
}

/// 403: whoever may correct balances could make himself rich.
pub fn own_account() -> Error {
    Error::new(
        StatusCode::FORBIDDEN,
        "own_account",
        "Nobody corrects the credits of his own account. Ask another administrator.",
    )
}

/// The amount that the staff typed.
pub fn adjustment(text: &str) -> Result<Change, String> {
    let change: Change = text.parse().map_err(|why: AmountError| why.to_string())?;
    if change.amount().is_zero() {
        return Err("Enter an amount other than 0.".into());
    }
    Ok(change)
}

/// Most characters of a reason.
const REASON_LENGTH: usize = 200;

/// The reason that the staff typed, without blanks around it.
pub fn reason(text: &str) -> Result<&str, &'static str> {
    let text = text.trim();
    if (1..=REASON_LENGTH).contains(&text.chars().count()) && !text.contains(char::is_control) {
        return Ok(text);
    }
    Err("Enter a reason, in one line of at most 200 characters.")
}

/// Most days that the staff gives credits for.
const MOST_DAYS: u64 = 3650;

/// After how many days credits run out, as the staff typed it; nothing for never.
pub fn days(text: &str) -> Result<Option<Duration>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let days = text
        .parse()
        .ok()
        .filter(|days| (1..=MOST_DAYS).contains(days));
    let days: u64 = days.ok_or("Enter a number of days from 1 to 3650, or nothing.")?;
    Ok(Some(Duration::from_secs(days * 24 * 60 * 60)))
}

/// How full an account is that has `left` of what it came to when credits were last put in. One that never had any
/// lacks none.
pub fn level(left: Credits, full: Credits, percent: u32) -> FillLevel {
    let (left, full) = (i128::from(left.as_milli()), i128::from(full.as_milli()));
    if full == 0 {
        FillLevel::Enough
    } else if left == 0 {
        FillLevel::Empty
    } else if left * 100 <= full * i128::from(percent) {
        FillLevel::Low
    } else {
        FillLevel::Enough
    }
}

/// The sentence that warns whoever runs out of credits.
pub fn warning(level: FillLevel) -> Option<&'static str> {
    match level {
        FillLevel::Enough => None,
        FillLevel::Low => Some("Your credits are running low."),
        FillLevel::Empty => Some("You have no credits left."),
    }
}

/// The key of one filling-in of a form, as an idempotency key of the ledger.
pub fn form_key(purpose: &str, text: &str) -> Result<String> {
    if is_token(text) {
        return Ok(format!("{purpose}:{text}"));
    }
    Err(Error::unprocessable(
        "The form is incomplete. Reload it and try again.",
    ))
}

/// What a refusal of the ledger means for the field with the amount; other failures stay what they are.
pub fn as_field_error(failure: Error) -> Result<FieldErrors> {
    let why = match failure.code() {
        "insufficient_credits" => {
            let available = failure.problem().extra["available"].as_str();
            let available = available.unwrap_or_default();
            format!("That is more than the account has available ({available}).")
        }
        "too_many_credits" => failure.problem().detail.clone(),
        _ => return Err(failure),
    };
    Ok(FieldErrors::one("amount", why))
}

#[cfg(test)]
mod tests {
    use super::super::entity::LotId;
    use super::*;

    fn lot(id: &str, remaining: u32) -> Lot {
        Lot {
            id: LotId::from(id.to_owned()),
            kind: LotKind::Purchase,
            priority: LotKind::Purchase.priority(),
            expires_at: None,
            amount: Credits::whole(remaining.max(1)),
            remaining: Credits::whole(remaining),
            seq: 1,
        }
    }

    fn named(parts: &[Part]) -> Vec<(&str, i64)> {
        parts
            .iter()
            .map(|part| (part.lot.as_str(), part.amount.as_milli() / 1000))
            .collect()
    }

    #[test]
    fn lots_are_emptied_one_after_the_other() {
        let lots = [lot("a", 3), lot("empty", 0), lot("b", 5)];
        for (amount, expected, lacking) in [
            (1, vec![("a", 1)], 0),
            (3, vec![("a", 3)], 0),
            (4, vec![("a", 3), ("b", 1)], 0),
            (8, vec![("a", 3), ("b", 5)], 0),
            (9, vec![("a", 3), ("b", 5)], 1),
        ] {
            let (parts, rest) = take(Credits::whole(amount), &lots);
            assert_eq!(named(&parts), expected, "{amount}");
            assert_eq!(rest, Credits::whole(lacking), "{amount}");
        }
    }

    #[test]
    fn a_hold_spends_its_first_parts_and_returns_the_rest() {
        let (parts, _) = take(Credits::whole(8), &[lot("a", 3), lot("b", 5)]);
        for (captured, expected) in [
            (0, [(0, 3), (0, 5)]),
            (2, [(2, 1), (0, 5)]),
            (4, [(3, 0), (1, 4)]),
            (8, [(3, 0), (5, 0)]),
        ] {
            let settled = settle(parts.clone(), Credits::whole(captured));
            let sums: Vec<_> = settled.iter().map(|s| (s.spent, s.returned)).collect();
            let expected = expected.map(|(s, r)| (Credits::whole(s), Credits::whole(r)));
            assert_eq!(sums, expected, "{captured}");
        }
    }

    #[test]
    fn whoever_runs_out_is_warned() {
        let warned = |left, full, percent| {
            warning(level(Credits::whole(left), Credits::whole(full), percent))
        };
        assert_eq!(warned(21, 100, 20), None);
        assert!(warned(20, 100, 20).is_some_and(|text| text.contains("low")));
        assert_eq!(warned(20, 100, 0), None);
        assert!(warned(0, 100, 0).is_some_and(|text| text.contains("no credits")));
        assert_eq!(warned(0, 0, 20), None, "somebody who never had any");
    }

    #[test]
    fn too_little_says_what_is_needed_and_what_there_is() {
        let error = insufficient(Credits::whole(10), Credits::from_milli(500));
        assert_eq!(error.status().as_u16(), 402);
        assert_eq!(error.code(), "insufficient_credits");
        assert_eq!(
            error.problem().detail,
            "This needs 10 credits, and 0.5 are available."
        );
        assert_eq!(error.problem().extra["required"], "10");
        assert_eq!(error.problem().extra["available"], "0.5");
    }
}
