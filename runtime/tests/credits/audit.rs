//! The auditor: whatever is changed behind the ledger's back breaks one of its laws, and the auditor names it.

use std::time::Duration;

use quickscale_runtime::app::{Core, Overlay};
use quickscale_runtime::credits::actions as ledger;
use quickscale_runtime::credits::verify::verify;
use quickscale_runtime::credits::{Credits, Grant, HoldTerms, LotRef, Note, Owner, PriceVersion};
use quickscale_runtime::jobs::actions::dead_jobs;
use quickscale_runtime::testing::TestApp;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

use crate::support::app;
use crate::support::death::{Life, program};
use crate::support::ledger::{assert_sound, somebody};

/// What is done to the tables by hand, and what the auditor says of it. The account has bought 10 (entry 1), spent 3
/// (entry 2), got 1 back (entry 3), bought 5 more (entry 4), spent 2 (entry 5), got 1 back of those (entry 6), was given 3
/// (entry 7), which were ended (entry 8), and 4 are set aside.
const CRIMES: [(&str, &str); 47] = [
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
        "DELETE FROM credit_entries WHERE seq = 8",
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
    // Nor does what was said of a lot when it was put in, nor when it was ended.
    (
        "UPDATE credit_lots SET kind = 'promotion', priority = 20 WHERE seq = 1",
        "its hash does not fit",
    ),
    (
        "UPDATE credit_lots SET expires_at = 9000000000000000 WHERE seq = 4",
        "its hash does not fit",
    ),
    (
        "UPDATE credit_lots SET expires_at = NULL WHERE seq = 7",
        "runs out at another time than it was ended",
    ),
    (
        "UPDATE credit_lot_ends SET ended_at = ended_at + 1; UPDATE credit_lots SET expires_at = expires_at + 1 WHERE seq = 7",
        "the end of lot",
    ),
    ("DELETE FROM credit_lot_ends", "its hash does not fit"),
    // What is bought is not given to somebody else.
    (
        "UPDATE credit_accounts SET owner_id = 'thief'",
        "its hash does not fit",
    ),
    // What is set aside comes back when it was to come back.
    (
        "UPDATE credit_accounts SET due_at = 9223372036854775807",
        "something runs out before",
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
    // Nothing more than its own spend comes back, though another one took enough from the same lot.
    (
        "UPDATE credit_entries SET amount = 3000, refers_to = 2 WHERE seq = 6;
      UPDATE credit_allocations SET amount = 3000 WHERE seq = 6",
        "it gives back more than was spent",
    ),
    // What was paid by was a price once.
    (
        "UPDATE credit_entries SET price_item = 'service:gone', price_version = 1 WHERE seq = 2",
        "its price was never set",
    ),
    (
        "UPDATE credit_entries SET price_version = 1 WHERE seq = 5",
        "its price was never set",
    ),
    // No number is too large to be added up.
    (
        "UPDATE credit_entries SET amount = 9223372036854775807 WHERE seq = 3",
        "its balance does not follow",
    ),
    (
        "UPDATE credit_entries SET amount = -9223372036854775807 - 1, refers_to = 1 WHERE seq = 5",
        "its balance does not follow",
    ),
    (
        "UPDATE credit_entries SET balance_after = 9223372036854775807, debt_after = 9223372036854775807 WHERE seq = 2",
        "its balance does not follow",
    ),
    (
        "UPDATE credit_allocations SET amount = 9223372036854775807 WHERE seq IN (1, 3, 4)",
        "its allocations and its debt do not add up",
    ),
    (
        "UPDATE credit_lots SET remaining = 9223372036854775807, spent = 9223372036854775807 WHERE seq = 4",
        "does not add up",
    ),
    (
        "UPDATE credit_accounts SET available = 9223372036854775807, held = 9223372036854775807, debt = -9223372036854775807",
        "the balance is",
    ),
];

pub async fn account(core: &Core) -> Owner {
    let owner = somebody(core);
    let whole = Credits::whole;
    let note = |key: &str| Note::system(key, "A test");
    let first = Grant::purchase(whole(10)).from_source("first");
    ledger::grant(core, &owner, &first, &note("bought"))
        .await
        .unwrap();
    ledger::declare_price(core, "service:demo", whole(3))
        .await
        .unwrap();
    let priced = Note {
        price: Some(PriceVersion {
            item: "service:demo".into(),
            number: 1,
        }),
        ..note("spent")
    };
    ledger::spend(core, &owner, whole(3), &priced)
        .await
        .unwrap();
    ledger::refund(core, &owner, ("spent", whole(1)), &note("back"))
        .await
        .unwrap();
    let second = Grant::purchase(whole(5)).from_source("second");
    ledger::grant(core, &owner, &second, &note("again"))
        .await
        .unwrap();
    ledger::spend(core, &owner, whole(2), &note("more"))
        .await
        .unwrap();
    ledger::refund(core, &owner, ("more", whole(1)), &note("back too"))
        .await
        .unwrap();
    let until = core.now().plus(Duration::from_secs(3600));
    let gift = Grant::promotion(whole(3), Some(until)).from_source("gift");
    ledger::grant(core, &owner, &gift, &note("gift"))
        .await
        .unwrap();
    ledger::end(core, &owner, LotRef::Source("gift"), &note("end"))
        .await
        .unwrap();
    let terms = HoldTerms {
        key: "held".into(),
        lasts: Duration::from_secs(60),
    };
    ledger::hold(core, &owner, whole(4), &terms).await.unwrap();
    owner
}

/// A connection on which nothing is in the way: the tables' guards are gone.
pub async fn thief(app: &TestApp) -> AnyConnection {
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

/// An application whose account owes something that no entry tells.
async fn with_a_fault() -> TestApp {
    let app = TestApp::start(app()).await;
    account(&app.core).await;
    steal(&app).await;
    app
}

async fn steal(app: &TestApp) {
    let mut thief = thief(app).await;
    let sql = "UPDATE credit_accounts SET used = used + 1";
    thief.execute(sql).await.unwrap();
    thief.close().await.unwrap();
}

#[tokio::test]
async fn what_the_night_finds_is_on_the_list_of_work_that_failed() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let app = TestApp::start(app()).await;
    account(&app.core).await;
    let night = async || {
        app.clock.advance(DAY);
        app.work_jobs().await;
        let dead = dead_jobs(&app.core, None, 10).await.unwrap();
        let dead = dead.into_iter().map(|job| (job.name, job.last_error));
        dead.collect::<Vec<_>>()
    };
    app.work_jobs().await;
    assert_eq!(night().await, []);
    steal(&app).await;
    for nights in 1..=2 {
        let dead = night().await;
        assert_eq!(dead.len(), nights, "{dead:?}");
        for (name, error) in dead {
            assert_eq!(name, "credits.verify");
            assert!(error.contains("the ledger has 1 fault"), "{error}");
        }
    }
}

const ARGUMENTS: &str = "AUDIT_TEST_ARGUMENTS";

/// Runs the command on a ledger with one fault.
#[tokio::test]
#[ignore = "the part of another process"]
async fn verifies() {
    let Some(life) = Life::of(app(), Overlay::default()).await else {
        return;
    };
    let arguments = std::env::var(ARGUMENTS).unwrap();
    let command = app().commands().into_iter();
    let mut command = command.filter(|command| command.cli.get_name() == "credits");
    let command = command.next().unwrap();
    let matches = command
        .cli
        .clone()
        .get_matches_from(arguments.split_whitespace());
    let failure = (command.run)(life.0.core.clone(), matches).await;
    assert_eq!(failure.unwrap_err().to_string(), "the ledger has 1 fault");
}

#[tokio::test]
async fn the_command_fails_on_a_fault_and_names_it_for_people_and_for_programs() {
    let app = with_a_fault().await;
    let said = |arguments: &str| {
        let mut other = program(&app, "audit::verifies");
        let output = other.env(ARGUMENTS, arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        text
    };
    let text = said("credits verify");
    let what = "the sum of use is 3001, and should be 3000";
    assert!(text.contains(what), "{text}");
    assert!(
        text.contains("1 accounts, 8 entries: not everything adds up"),
        "{text}"
    );
    let text = said("credits verify --json");
    let (start, end) = (text.find('{').unwrap(), text.rfind('}').unwrap());
    let report: serde_json::Value = serde_json::from_str(&text[start..=end]).unwrap();
    assert_eq!(report["accounts"], 1);
    assert_eq!(report["findings"][0]["what"], what);
    assert_eq!(report["findings"][0]["entry"], serde_json::Value::Null);
}
