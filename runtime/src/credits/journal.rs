//! A row of the journal as it is kept, and the chain of hashes that shows when one was changed.

use serde_json::{Value, json};

use super::entity::Part;
use crate::crypto::token_digest;

/// One row with its allocations. Amounts are thousandths with their sign, instants microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    pub seq: i64,
    pub kind: String,
    pub amount: i64,
    pub balance_after: i64,
    pub debt_after: i64,
    pub used_after: i64,
    pub actor: String,
    pub reason: String,
    pub reference: Option<String>,
    pub refers_to: Option<i64>,
    pub price_item: Option<String>,
    pub price_version: Option<i64>,
    pub key: String,
    pub digest: String,
    pub created_at: i64,
    /// In the order in which the lots were used.
    pub allocations: Vec<Allocation>,
    /// What the entry brought in. None in entries that brought nothing, and in those that older versions wrote, whose
    /// hashes do not cover it.
    pub brought: Option<Brought>,
}

/// A new lot, and the account that it went into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    pub lot: LotTerms,
    pub account: AccountTerms,
}

/// What was said of a lot when it was put in. Instants are microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotTerms {
    pub kind: String,
    pub priority: i64,
    pub source: Option<String>,
    pub expires_at: Option<i64>,
    pub created_at: i64,
}

/// What never changes of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountTerms {
    pub owner_kind: String,
    pub owner_id: String,
    pub created_at: i64,
}

/// How hashes begin that cover what the entry brought in.
const WITH_LOT: &str = "lot:";

/// Whether `hash` covers what its entry brought in.
pub fn covers_lot(hash: &str) -> bool {
    hash.starts_with(WITH_LOT)
}

/// A lot that was made to run out before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotEnd {
    pub lot: String,
    /// The account's last entry then.
    pub seq: i64,
    /// When it would have run out.
    pub was: Option<i64>,
    pub ended_at: i64,
}

impl LotEnd {
    /// SHA-256 over it, its account and the hash of its entry, whose lasting promise is that of [`JournalRow::hash`].
    pub fn hash(&self, account: &str, entry: &str) -> String {
        let Self {
            lot,
            seq,
            was,
            ended_at,
        } = self;
        token_digest(&json!([entry, account, lot, seq, was, ended_at]).to_string())
    }
}

/// How much an entry put into a lot, or took from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    pub lot: String,
    pub amount: i64,
}

impl Allocation {
    /// `part`, put into its lot.
    pub fn up(part: &Part) -> Self {
        Self {
            lot: part.lot.as_str().to_owned(),
            amount: part.amount.as_milli(),
        }
    }

    /// `part`, taken from its lot.
    pub fn down(part: &Part) -> Self {
        Self {
            amount: -part.amount.as_milli(),
            ..Self::up(part)
        }
    }
}

/// One version of a price as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceRow {
    pub item: String,
    pub version: i64,
    /// Thousandths.
    pub amount: i64,
    pub actor: String,
    pub created_at: i64,
    /// None in rows that older versions wrote.
    pub hash: Option<String>,
}

impl PriceRow {
    /// SHA-256 over the row and the version before it: over that one's hash, or over all of it where it has none. Its lasting
    /// promise is that of [`JournalRow::hash`].
    pub fn hash(&self, before: Option<&Self>) -> String {
        let before = before.map(|before| match &before.hash {
            Some(hash) => json!(hash),
            None => before.as_json(),
        });
        token_digest(&json!([before, self.as_json()]).to_string())
    }

    fn as_json(&self) -> Value {
        let Self {
            item,
            version,
            amount,
            actor,
            created_at,
            hash: _,
        } = self;
        json!([item, version, amount, actor, created_at])
    }
}

impl JournalRow {
    /// SHA-256 over the row, its allocations, its account and the hash of the row before it, which is empty for
    /// the first; and over what it brought in, which shows at its beginning. Released journals hold these hashes: what
    /// is hashed, and how it is written, never changes.
    pub fn hash(&self, account: &str, previous: &str) -> String {
        let Self {
            seq,
            kind,
            amount,
            balance_after,
            debt_after,
            used_after,
            actor,
            reason,
            reference,
            refers_to,
            price_item,
            price_version,
            key,
            digest,
            created_at,
            allocations,
            brought,
        } = self;
        let lots = allocations.iter().map(|one| (&one.lot, one.amount));
        let lots: Vec<_> = lots.collect();
        let sums = [amount, balance_after, debt_after, used_after];
        let price = (price_item, price_version);
        let entry = json!([
            previous, account, seq, kind, sums, actor, reason, reference, refers_to, price, key,
            digest, created_at, lots
        ]);
        match brought {
            None => token_digest(&entry.to_string()),
            Some(brought) => {
                let both = json!([entry, brought.as_json()]);
                format!("{WITH_LOT}{}", token_digest(&both.to_string()))
            }
        }
    }
}

impl Brought {
    fn as_json(&self) -> Value {
        let LotTerms {
            kind,
            priority,
            source,
            expires_at,
            created_at,
        } = &self.lot;
        let lot = json!([kind, priority, source, expires_at, created_at]);
        let AccountTerms {
            owner_kind,
            owner_id,
            created_at,
        } = &self.account;
        json!([lot, [owner_kind, owner_id, created_at]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> JournalRow {
        let allocation = |lot: &str, amount| Allocation {
            lot: lot.into(),
            amount,
        };
        JournalRow {
            seq: 2,
            kind: "spend".into(),
            amount: -1000,
            balance_after: 99_000,
            debt_after: 0,
            used_after: 1000,
            actor: "system".into(),
            reason: "A run".into(),
            reference: Some("run:1".into()),
            refers_to: None,
            price_item: None,
            price_version: None,
            key: "run:1".into(),
            digest: "d".into(),
            created_at: 7,
            allocations: vec![allocation("a", -400), allocation("b", -600)],
            brought: None,
        }
    }

    fn brought() -> Brought {
        Brought {
            lot: LotTerms {
                kind: "promotion".into(),
                priority: 20,
                source: None,
                expires_at: Some(9),
                created_at: 7,
            },
            account: AccountTerms {
                owner_kind: "user".into(),
                owner_id: "u".into(),
                created_at: 1,
            },
        }
    }

    fn end() -> LotEnd {
        LotEnd {
            lot: "a".into(),
            seq: 2,
            was: None,
            ended_at: 8,
        }
    }

    #[test]
    fn a_hash_tells_every_change_and_every_other_place() {
        let first = row().hash("account", "before");
        assert_eq!(first, row().hash("account", "before"));
        assert_ne!(first, row().hash("account", ""));
        assert_ne!(first, row().hash("other", "before"));
        let changes: [fn(&mut JournalRow); 10] = [
            |row| row.seq = 3,
            |row| row.amount = -1001,
            |row| row.used_after = 1001,
            |row| row.reason = "A walk".into(),
            |row| row.reference = None,
            |row| row.refers_to = Some(1),
            |row| row.price_version = Some(1),
            |row| row.created_at = 8,
            |row| row.allocations[0].amount = -401,
            |row| row.allocations.reverse(),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = row();
            change(&mut changed);
            assert_ne!(first, changed.hash("account", "before"), "{number}");
        }
    }

    #[test]
    fn a_hash_tells_every_change_of_what_was_brought_in_and_whether_it_covers_it() {
        let hash_of = |brought| {
            let row = JournalRow { brought, ..row() };
            row.hash("account", "before")
        };
        let first = hash_of(Some(brought()));
        assert!(covers_lot(&first) && !covers_lot(&hash_of(None)));
        assert_ne!(first.trim_start_matches(WITH_LOT), hash_of(None));
        let changes: [fn(&mut Brought); 8] = [
            |brought| brought.lot.kind = "purchase".into(),
            |brought| brought.lot.priority = 21,
            |brought| brought.lot.source = Some(String::new()),
            |brought| brought.lot.expires_at = None,
            |brought| brought.lot.created_at = 8,
            |brought| brought.account.owner_kind = "team".into(),
            |brought| brought.account.owner_id = "v".into(),
            |brought| brought.account.created_at = 2,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = brought();
            change(&mut changed);
            assert_ne!(first, hash_of(Some(changed)), "{number}");
        }
    }

    #[test]
    fn hashes_stay_what_they_were() {
        let hash = "cc9cda60a23db3e7050ecf9af6c8b83000a50c675b7df1235a535ac645b8d7b7";
        assert_eq!(row().hash("account", ""), hash);
        let mut with_lot = row();
        with_lot.brought = Some(brought());
        let hash = "lot:2ccb50bf0d8a62322cdcd58dd53bc73d46948e6322fffe2914bdfb71d2dfd913";
        assert_eq!(with_lot.hash("account", ""), hash);
        let hash = "c290031268731cb57c5fac411b88abb72cafd818721299ef1be4aa57cc0400f5";
        assert_eq!(end().hash("account", "entry"), hash);
        let price = |version, hash: Option<&str>| PriceRow {
            item: "service:demo".into(),
            version,
            amount: 1000,
            actor: "system".into(),
            created_at: 7,
            hash: hash.map(str::to_owned),
        };
        let first = "961d4b8b21e0c9d366188ae74b6c5646f97791ca7fc22998a6adeb2ce667da04";
        assert_eq!(price(1, None).hash(None), first);
        let old = "8ce425f35f27eee3a88e1af719cdcdd2ae5292549b55cf815cd2617c2e674562";
        assert_eq!(price(2, None).hash(Some(&price(1, None))), old);
        let new = "41d9d56db5931f42e83992cd02bb3b54a45d2f36eae5d96514573672f6f0d366";
        assert_eq!(price(2, None).hash(Some(&price(1, Some(first)))), new);
    }
}
