//! How the databases read a long journal: what a balance, a spend and a page of the history ask for is found by an index,
//! so that it costs the same however long the journal is.

use super::{accounts, entries, lots};
use crate::auth;
use crate::db::explain::{Explainer, Question};
use crate::testing::TestApp;
use crate::{App, Environment, credits};

/// How many accounts there are, and how long the journal of one of them is.
const MANY: u32 = 20_000;

const TABLES: &str = "credit_accounts, credit_lots, credit_entries";

const QUESTIONS: [Question; 10] = [
    (accounts::FIND, 2, "owner_kind= AND owner_id="),
    (entries::ENTRIES, 5, "account_id= AND seq<"),
    (entries::ENTRIES_BETWEEN, 7, "account_id="),
    (entries::SELDOM, 5, "account_id= AND kind= AND seq<"),
    (entries::SELDOM_BETWEEN, 7, "account_id="),
    (entries::WITH_LAST, 3, "account_id= AND seq>"),
    (entries::USED_AT, 5, "account_id= AND created_at<"),
    (entries::HASH, 2, "account_id= AND seq="),
    (entries::BY_KEY, 3, "account_id= AND idempotency_key="),
    (lots::USABLE, 4, "account_id= AND seq="),
];

/// Accounts, each with what it was given at first.
const OPENED: [&str; 3] = [
    "INSERT INTO credit_accounts (id, owner_kind, owner_id, available, held, debt, used, full_amount,
         last_seq, due_at, created_at)
     SELECT 'a' || n, 'user', 'u' || n, 0, 0, 0, 0, 0, 0, 1, 1 FROM n",
    "INSERT INTO credit_lots (id, account_id, seq, kind, priority, amount, remaining, held, spent,
         expired, revoked, created_at)
     SELECT 'g' || n, 'a' || n, 0, 'promotion', 20, 1, 1, 0, 0, 0, 0, 1 FROM n",
    "INSERT INTO credit_entries (account_id, seq, kind, amount, balance_after, debt_after, used_after,
         actor, reason, idempotency_key, digest, hash, created_at)
     SELECT 'a' || n, 1, 'grant', 1, 1, 0, 0, 'system', 'A test', 'k1', '', '', 1 FROM n",
];

/// One account with as many entries, and lots that were used up.
const USED: [&str; 2] = [
    "INSERT INTO credit_lots (id, account_id, seq, kind, priority, amount, remaining, held, spent,
         expired, revoked, created_at)
     SELECT 'l' || n, 'a1', n, 'promotion', 20, 1, 0, 0, 1, 0, 0, 1 FROM n",
    "INSERT INTO credit_entries (account_id, seq, kind, amount, balance_after, debt_after, used_after,
         actor, reason, idempotency_key, digest, hash, created_at)
     SELECT 'a1', n + 1, 'spend', -1, 0, 0, n, 'system', 'A test', 'k' || (n + 1), '', '', n FROM n",
];

#[tokio::test]
async fn a_long_journal_is_searched_by_its_indexes() {
    let app = App::builder("A test", Environment::Test)
        .module(auth::module(auth::Settings::default()))
        .module(credits::module(credits::Settings::default()));
    let app = TestApp::start(app).await;
    let mut database = Explainer::connect(app.database_url()).await;
    // First while the database still believes that everybody has one entry.
    for sql in OPENED {
        database.insert(MANY, sql).await;
    }
    database.analyze(TABLES).await;
    for sql in USED {
        database.insert(MANY, sql).await;
    }
    are_found(&mut database).await;
    database.analyze(TABLES).await;
    are_found(&mut database).await;
}

async fn are_found(database: &mut Explainer) {
    for question in QUESTIONS {
        let plan = database.found_by_index(question).await;
        let in_order = plan.contains("credit_lots_in_order");
        assert!(question.0 != lots::USABLE || in_order, "{plan}");
        let is_sorted = plan.contains("Sort") || plan.contains("B-TREE");
        assert!(question.0 != entries::ENTRIES || !is_sorted, "{plan}");
    }
}
