//! A row of the journal as it is kept, and the chain of hashes that shows when one was changed.

use serde_json::json;

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

impl JournalRow {
    /// SHA-256 over the row, its allocations, its account and the hash of the row before it, which is empty for
    /// the first. Released journals hold these hashes: what is hashed, and how it is written, never changes.
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
        } = self;
        let lots = allocations.iter().map(|one| (&one.lot, one.amount));
        let lots: Vec<_> = lots.collect();
        let sums = [amount, balance_after, debt_after, used_after];
        let price = (price_item, price_version);
        let text = json!([
            previous, account, seq, kind, sums, actor, reason, reference, refers_to, price, key,
            digest, created_at, lots
        ]);
        token_digest(&text.to_string())
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
    fn hashes_stay_what_they_were() {
        let hash = "cc9cda60a23db3e7050ecf9af6c8b83000a50c675b7df1235a535ac645b8d7b7";
        assert_eq!(row().hash("account", ""), hash);
    }
}
