//! What a verb of the ledger is asked for under a key, and whether what the key made before answers it.

use std::time::Duration;

use super::amount::{Change, Credits};
use super::entity::{Entry, Grant, HoldId, LotRef, Note, PriceVersion};
use crate::clock::Timestamp;
use crate::crypto::token_digest;

/// A request. Who asks and what is paid for belong to it; which version of a price is in force when it comes does not,
/// nor what that makes of its amount.
#[derive(Debug)]
pub struct Request<'a> {
    verb: String,
    amount: i64,
    note: &'a Note,
}

impl<'a> Request<'a> {
    fn new(verb: impl Into<String>, amount: Credits, note: &'a Note) -> Self {
        Self {
            verb: verb.into(),
            amount: amount.as_milli(),
            note,
        }
    }

    pub fn to_spend(amount: Credits, note: &'a Note) -> Self {
        Self::new("spend", amount, note)
    }

    /// Of one certain hold.
    pub fn to_capture(hold: &HoldId, amount: Credits, note: &'a Note) -> Self {
        Self::new(format!("capture {hold}"), amount, note)
    }

    /// Kind, expiry and source belong to the request, too.
    pub fn to_grant(grant: &Grant, note: &'a Note) -> Self {
        let expires = grant.expires_at.map(Timestamp::as_micros);
        let (kind, source) = (grant.kind.as_str(), grant.source.as_deref());
        let verb = format!("grant {kind} {expires:?} {source:?}");
        Self::new(verb, grant.amount, note)
    }

    /// How long it lasts belongs to the request; when it ends does not, as that is another instant when the request is
    /// repeated.
    pub fn to_adjust(change: Change, lasts: Option<Duration>, note: &'a Note) -> Self {
        Self {
            verb: format!("adjust {:?}", lasts.map(|lasts| lasts.as_secs())),
            amount: change.as_milli(),
            note,
        }
    }

    /// The entry with the key `of`.
    pub fn to_refund(of: &str, amount: Credits, note: &'a Note) -> Self {
        Self::new(format!("refund {of:?}"), amount, note)
    }

    pub fn to_revoke(which: LotRef<'_>, amount: Credits, note: &'a Note) -> Self {
        Self::new(format!("revoke {}", named(which)), amount, note)
    }

    pub fn to_end(which: LotRef<'_>, note: &'a Note) -> Self {
        Self::new(format!("end {}", named(which)), Credits::ZERO, note)
    }

    /// What the ledger books by itself, as `verb`.
    pub fn own(verb: &'static str, amount: Credits, note: &'a Note) -> Self {
        Self::new(verb, amount, note)
    }

    pub fn key(&self) -> &str {
        &self.note.key
    }

    /// What is kept of it with its entry. Released journals hold these: how it is made never changes.
    pub fn digest(&self) -> String {
        self.digest_at(self.amount)
    }

    fn digest_at(&self, amount: i64) -> String {
        let Note {
            reason, reference, ..
        } = self.note;
        let body = serde_json::json!([self.verb, amount, reason, reference]);
        token_digest(&body.to_string())
    }

    /// Whether `entry`, which its key made and of which `digest` was kept, was asked for by the same request.
    pub fn made(&self, entry: &Entry, digest: &str) -> bool {
        let Note { actor, price, .. } = self.note;
        let item = |price: &Option<PriceVersion>| price.as_ref().map(|price| price.item.clone());
        if *actor != entry.actor || item(price) != item(&entry.price) {
            return false;
        }
        let amount = if *price == entry.price {
            self.amount
        } else {
            entry.change.amount().as_milli()
        };
        self.digest_at(amount) == digest
    }
}

fn named(which: LotRef<'_>) -> String {
    match which {
        LotRef::Id(id) => format!("lot {id}"),
        LotRef::Source(source) => format!("source {source:?}"),
    }
}

/// As [`Request::digest`], for a hold of so many thousandths.
pub fn digest_of_hold(amount: i64, lasts: Duration) -> String {
    let body = serde_json::json!(["hold", amount, lasts.as_secs()]);
    token_digest(&body.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::amount::Net;
    use super::super::entity::{Actor, EntryKind};
    use super::*;
    use crate::ids::UserId;

    fn priced(number: i64) -> Note {
        Note {
            price: Some(PriceVersion {
                item: "service:demo".into(),
                number,
            }),
            ..Note::system("key", "reason")
        }
    }

    fn entry(amount: Credits, note: &Note) -> Entry {
        Entry {
            seq: 2,
            kind: EntryKind::Spend,
            change: Change::Down(amount),
            balance_after: Net::of(Credits::ZERO, Credits::ZERO),
            debt_after: Credits::ZERO,
            actor: note.actor.clone(),
            reason: note.reason.clone(),
            reference: note.reference.clone(),
            refers_to: None,
            price: note.price.clone(),
            created_at: Timestamp::from_micros(7),
        }
    }

    #[test]
    fn another_request_has_another_digest() {
        let note = Note::system("key", "reason");
        let other = Note::system("key", "other reason");
        let one = Credits::whole(1);
        let first = Request::to_spend(one, &note).digest();
        assert_eq!(first, Request::to_spend(one, &note).digest());
        assert_ne!(first, Request::own("adjust", one, &note).digest());
        assert_ne!(first, Request::to_spend(Credits::whole(2), &note).digest());
        assert_ne!(first, Request::to_spend(one, &other).digest());
    }

    #[test]
    fn who_asks_and_what_is_paid_for_belong_to_a_request_and_what_it_costs_by_now_does_not() {
        let (one, two) = (Credits::whole(1), Credits::whole(2));
        let first = priced(1);
        let known = entry(one, &first);
        let digest = Request::to_spend(one, &first).digest();
        let same = |amount, note: &Note| Request::to_spend(amount, note).made(&known, &digest);
        assert!(same(one, &first));
        assert!(same(one, &priced(2)));
        assert!(same(two, &priced(2)), "the price has changed since");
        assert!(!same(two, &first), "the price has not changed");
        let other = Note {
            actor: Actor::User(UserId::from("1".to_owned())),
            ..first.clone()
        };
        assert!(!same(one, &other));
        let mut other = first.clone();
        other.price.as_mut().unwrap().item = "service:other".into();
        assert!(!same(one, &other));
        let other = Note {
            price: None,
            ..first.clone()
        };
        assert!(!same(one, &other));
        let other = Note {
            reason: "another".into(),
            ..priced(2)
        };
        assert!(!same(two, &other));
    }
}
