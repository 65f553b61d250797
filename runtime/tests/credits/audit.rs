//! The auditor: whatever is changed behind the ledger's back breaks one of its laws, and the auditor names it.

use quickscale_runtime::app::Core;
use quickscale_runtime::credits::actions as ledger;
use quickscale_runtime::credits::verify::verify;
use quickscale_runtime::credits::{Credits, Grant, HoldTerms, Note, Owner};
use quickscale_runtime::testing::TestApp;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

use crate::support::app;
use crate::support::ledger::{assert_sound, somebody};

/// What is done to the tables by hand, and what the auditor says of it. The account has bought 10 (entry 1), spent 3
/// (entry 2), got 1 back (entry 3), bought 5 more (entry 4), and 4 are set aside.
const CRIMES: [(&str, &str); 31] = [
    // The entries add up to the balance, and so do the lots, less the debt.
    (
        "UPDATE credit_accounts SET available = available + 1",
        "what is available is",
    ),
    (
        "UPDATE credit_accounts SET available = available + 1, held = held - 1",
        "what is held is",
    ),
    ("UPDATE credit_accounts SET debt = debt + 1", "the debt is"),
    (
        "UPDATE credit_accounts SET used = used + 1",
        "the sum of use is",
    ),
    (
        "UPDATE credit_accounts SET available = available + 1;
      UPDATE credit_lots SET remaining = remaining + 1, amount = amount + 1 WHERE seq = 1",
        "the balance is",
    ),
    (
        "UPDATE credit_accounts SET available = 1, debt = debt + 1",
        "something is available while something is owed",
    ),
    // Every lot is amount = remaining + held + spent + expired + revoked, none of them below zero.
    (
        "UPDATE credit_lots SET remaining = remaining - 1",
        "does not add up",
    ),
    (
        "UPDATE credit_lots SET spent = spent + remaining + 1, remaining = -1",
        "does not add up",
    ),
    (
        "UPDATE credit_lots SET remaining = amount + 1, spent = -1 - held",
        "does not add up",
    ),
    (
        "UPDATE credit_lots SET amount = amount + 1, expired = expired + 1",
        "the journal tells",
    ),
    (
        "UPDATE credit_lots SET remaining = remaining - 1, spent = spent + 1",
        "the journal tells",
    ),
    (
        "UPDATE credit_lots SET remaining = remaining + held, held = 0",
        "is held, and by holds",
    ),
    ("UPDATE credit_holds SET state = 'released'", "by holds 0"),
    (
        "DELETE FROM credit_lots WHERE seq = 4",
        "is not both in the journal and kept",
    ),
    // Balances follow from one another, without a gap.
    (
        "UPDATE credit_entries SET amount = amount + 1 WHERE seq = 4",
        "its balance does not follow",
    ),
    (
        "UPDATE credit_entries SET balance_after = balance_after + 1 WHERE seq = 2",
        "its balance does not follow",
    ),
    (
        "UPDATE credit_entries SET used_after = used_after + 1 WHERE seq = 2",
        "its sum of use does not follow",
    ),
    (
        "DELETE FROM credit_entries WHERE seq = 2",
        "entries before it are missing",
    ),
    (
        "DELETE FROM credit_entries WHERE seq = 4",
        "the number of entries is",
    ),
    (
        "DELETE FROM credit_allocations WHERE seq = 2",
        "its allocations and its debt do not add up",
    ),
    // One entry a key, one grant a source.
    (
        "UPDATE credit_entries SET idempotency_key = 'spent'",
        "key spent was used more than once",
    ),
    (
        "UPDATE credit_lots SET source = 'first'",
        "source first was used more than once",
    ),
    // No row ever changes.
    (
        "UPDATE credit_entries SET reason = 'Another' WHERE seq = 1",
        "its hash does not fit",
    ),
    (
        "UPDATE credit_entries SET created_at = created_at + 1 WHERE seq = 2",
        "its hash does not fit",
    ),
    (
        "UPDATE credit_entries SET actor = 'user:1' WHERE seq = 3",
        "its hash does not fit",
    ),
    (
        "UPDATE credit_allocations SET lot_id = (SELECT id FROM credit_lots WHERE seq = 4) WHERE seq = 2",
        "its hash does not fit",
    ),
    // What an entry of a kind may do: nobody gets below zero, or into debt, by spending.
    (
        "UPDATE credit_entries SET amount = -20000, balance_after = -10000 WHERE seq = 2",
        "no entry of its kind does that",
    ),
    (
        "UPDATE credit_entries SET debt_after = 1000 WHERE seq = 2",
        "no entry of its kind does that",
    ),
    (
        "UPDATE credit_entries SET kind = 'gift' WHERE seq = 1",
        "its kind is \"gift\"",
    ),
    (
        "UPDATE credit_entries SET refers_to = 1 WHERE seq = 3",
        "it refunds what was no spend",
    ),
    (
        "UPDATE credit_allocations SET amount = 9000 WHERE seq = 3",
        "it leaves a lot with what it cannot have",
    ),
];

async fn account(core: &Core) -> Owner {
    let owner = somebody(core);
    let whole = Credits::whole;
    let note = |key: &str| Note::system(key, "A test");
    let first = Grant::purchase(whole(10)).from_source("first");
    ledger::grant(core, &owner, &first, &note("bought"))
        .await
        .unwrap();
    ledger::spend(core, &owner, whole(3), &note("spent"))
        .await
        .unwrap();
    ledger::refund(core, &owner, ("spent", whole(1)), &note("back"))
        .await
        .unwrap();
    let second = Grant::purchase(whole(5)).from_source("second");
    ledger::grant(core, &owner, &second, &note("again"))
        .await
        .unwrap();
    let terms = HoldTerms {
        key: "held".into(),
        lasts: std::time::Duration::from_secs(60),
    };
    ledger::hold(core, &owner, whole(4), &terms).await.unwrap();
    owner
}

/// A connection on which nothing is in the way: the tables' guards are gone.
async fn thief(app: &TestApp) -> AnyConnection {
    let mut thief = AnyConnection::connect(app.database_url()).await.unwrap();
    if app.database_url().starts_with("sqlite:") {
        let guards =
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'credit_%'";
        for guard in thief.fetch_all(guards).await.unwrap() {
            let drop = format!("DROP TRIGGER {}", guard.get::<String, _>(0));
            thief.execute(AssertSqlSafe(drop)).await.unwrap();
        }
        thief.execute(WITHOUT_UNIQUE).await.unwrap();
        thief.close().await.unwrap();
        thief = AnyConnection::connect(app.database_url()).await.unwrap();
        let pragmas = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON";
        thief.execute(pragmas).await.unwrap();
    } else {
        thief.execute(WITHOUT_GUARDS).await.unwrap();
    }
    thief
}

/// SQLite knows no other way to part with a UNIQUE. Its indexes are numbered in the order of the table's definition.
const WITHOUT_UNIQUE: &str = "PRAGMA writable_schema = ON;
    UPDATE sqlite_master SET sql = replace(sql, 'UNIQUE (account_id, idempotency_key),', '')
        WHERE name = 'credit_entries';
    DELETE FROM sqlite_master WHERE name = 'sqlite_autoindex_credit_entries_2';
    UPDATE sqlite_master SET sql = replace(sql, 'source TEXT UNIQUE', 'source TEXT') WHERE name = 'credit_lots';
    DELETE FROM sqlite_master WHERE name = 'sqlite_autoindex_credit_lots_2';
    UPDATE sqlite_master SET name = 'sqlite_autoindex_credit_lots_2' WHERE name = 'sqlite_autoindex_credit_lots_3';
    PRAGMA writable_schema = RESET";

const WITHOUT_GUARDS: &str = "DO $$ DECLARE one RECORD; BEGIN
        FOR one IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
            WHERE connamespace = current_schema()::regnamespace AND contype IN ('c', 'u', 'f')
                AND conrelid::regclass::text LIKE 'credit%'
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', one.place, one.conname); END LOOP;
        FOR one IN SELECT tgrelid::regclass AS place, tgname FROM pg_trigger
            WHERE tgrelid::regclass::text LIKE 'credit%' AND NOT tgisinternal
        LOOP EXECUTE format('DROP TRIGGER %I ON %s', one.tgname, one.place); END LOOP;
    END $$";

#[tokio::test]
async fn the_auditor_names_whatever_was_changed_behind_the_ledgers_back() {
    for (sql, complaint) in CRIMES {
        let app = TestApp::start(app()).await;
        account(&app.core).await;
        assert_sound(&app.core, "before").await;
        let mut thief = thief(&app).await;
        thief
            .execute(sql)
            .await
            .unwrap_or_else(|fault| panic!("{sql}: {fault}"));
        thief.close().await.unwrap();
        let report = verify(&app.core).await.unwrap();
        let mut told = report.findings.iter().map(|found| &found.what);
        assert!(
            told.any(|what| what.contains(complaint)),
            "{sql}: {:?}",
            report.findings
        );
    }
}

#[tokio::test]
async fn a_ledger_without_its_guards_is_still_sound() {
    let app = TestApp::start(app()).await;
    account(&app.core).await;
    thief(&app).await.close().await.unwrap();
    assert!(verify(&app.core).await.unwrap().is_clean());
}
