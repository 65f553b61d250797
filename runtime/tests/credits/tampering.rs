//! No column of the ledger's tables changes without the auditor telling, and journals of older versions stay sound.

use quickscale_runtime::app::Core;
use quickscale_runtime::credits::actions as ledger;
use quickscale_runtime::credits::verify::verify;
use quickscale_runtime::credits::{Credits, Grant, Note};
use quickscale_runtime::testing::TestApp;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

use crate::audit::{account, thief};
use crate::support::app;
use crate::support::ledger::{assert_sound, somebody};

/// What no law of the ledger speaks of: names of holds, which are work under way and no part of the journal.
const UNTOLD: [(&str, &str); 2] = [("credit_holds", "id"), ("credit_holds", "idempotency_key")];

/// Every column that can be written, with its table and type.
async fn columns(app: &TestApp, thief: &mut AnyConnection) -> Vec<[String; 3]> {
    let sql = if app.database_url().starts_with("sqlite:") {
        "SELECT CAST(m.name AS TEXT), CAST(c.name AS TEXT), LOWER(c.type)
         FROM sqlite_master m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name LIKE 'credit~_%' ESCAPE '~'"
    } else {
        "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT)
         FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name LIKE 'credit~_%' ESCAPE '~'
             AND is_generated = 'NEVER'"
    };
    let rows = thief.fetch_all(sql).await.unwrap();
    rows.iter()
        .map(|row| [0, 1, 2].map(|at| row.get(at)))
        .collect()
}

/// What changes a column, and what makes that undone.
fn change(kind: &str, column: &str) -> [String; 2] {
    match kind {
        "text" => [
            format!("COALESCE({column} || 'x', 'none')"),
            format!(
                "CASE WHEN {column} = 'none' THEN NULL ELSE SUBSTR({column}, 1, LENGTH({column}) - 1) END"
            ),
        ],
        // More than a second: that is how finely holds say how long they last.
        "bigint" => [
            format!("COALESCE({column} + 1000001, 7)"),
            format!("CASE WHEN {column} = 7 THEN NULL ELSE {column} - 1000001 END"),
        ],
        other => panic!("{column} is a {other}"),
    }
}

#[tokio::test]
async fn no_column_changes_without_the_auditor_telling() {
    let app = TestApp::start(app()).await;
    account(&app.core).await;
    let mut thief = thief(&app).await;
    let mut untold = Vec::new();
    let columns = columns(&app, &mut thief).await;
    assert!(columns.len() > 60, "{columns:?}");
    for [table, column, kind] in &columns {
        let [there, back] = change(kind, column)
            .map(|value| AssertSqlSafe(format!("UPDATE {table} SET {column} = {value}")));
        let done = thief.execute(there).await.unwrap();
        assert!(done.rows_affected() > 0, "nothing is in {table}");
        // What cannot even be read stops the auditor, and so it is told, too.
        if verify(&app.core)
            .await
            .is_ok_and(|report| report.is_clean())
        {
            untold.push((table.as_str(), column.as_str()));
        }
        thief.execute(back).await.unwrap();
        let report = verify(&app.core).await.unwrap();
        assert!(report.is_clean(), "{table}.{column}: {:?}", report.findings);
    }
    thief.close().await.unwrap();
    untold.sort_unstable();
    assert_eq!(untold, UNTOLD);
}

async fn declare_price(core: &Core, item: &str, amount: u32) {
    ledger::declare_price(core, item, Credits::whole(amount))
        .await
        .unwrap();
}

/// Writes every hash anew as versions did that hashed nothing of lots, and forgets what those did not keep.
async fn make_old(core: &Core, thief: &mut AnyConnection) {
    thief.execute("DELETE FROM credit_lot_ends").await.unwrap();
    thief
        .execute("UPDATE credit_prices SET hash = NULL")
        .await
        .unwrap();
    let rows = "SELECT account_id, seq, kind, amount, balance_after, debt_after, used_after, actor, reason,
            reference, refers_to, price_item, price_version, idempotency_key, digest, created_at
        FROM credit_entries ORDER BY account_id, seq";
    let mut previous = String::new();
    for row in sqlx::query(rows)
        .fetch_all(core.db().reader())
        .await
        .unwrap()
    {
        let (account, seq): (String, i64) = (row.get(0), row.get(1));
        let lots = sqlx::query(
            "SELECT lot_id, amount FROM credit_allocations WHERE account_id = $1 AND seq = $2 ORDER BY position",
        );
        let lots = lots.bind(&account).bind(seq);
        let lots = lots
            .fetch_all(core.db().reader())
            .await
            .unwrap()
            .into_iter();
        let lots: Vec<(String, i64)> = lots.map(|lot| (lot.get(0), lot.get(1))).collect();
        let text = |at: usize| row.get::<String, _>(at);
        let number = |at: usize| row.get::<i64, _>(at);
        let entry = json!([
            previous,
            account,
            seq,
            text(2),
            [number(3), number(4), number(5), number(6)],
            text(7),
            text(8),
            row.get::<Option<String>, _>(9),
            row.get::<Option<i64>, _>(10),
            (
                row.get::<Option<String>, _>(11),
                row.get::<Option<i64>, _>(12)
            ),
            text(13),
            text(14),
            number(15),
            lots
        ]);
        let digest = Sha256::digest(entry.to_string().as_bytes());
        previous = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let update = "UPDATE credit_entries SET hash = $1 WHERE account_id = $2 AND seq = $3";
        let update = sqlx::query(update).bind(&previous).bind(account).bind(seq);
        update.execute(&mut *thief).await.unwrap();
    }
}

#[tokio::test]
async fn a_journal_of_an_older_version_is_sound_and_goes_on() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = account(core).await;
    let mut thief = thief(&app).await;
    make_old(core, &mut thief).await;
    assert_sound(core, "as an older version left it").await;
    for amount in [4, 5] {
        declare_price(core, "service:demo", amount).await;
    }
    assert_sound(core, "after prices that have hashes").await;
    let note = Note::system("new", "A test");
    let gift = Grant::promotion(Credits::whole(2), None);
    let entry = ledger::grant(core, &owner, &gift, &note).await.unwrap();
    let note = Note::system("newer", "A test");
    ledger::spend(core, &owner, Credits::whole(1), &note)
        .await
        .unwrap();
    assert_sound(core, "after it went on").await;
    let sql = "UPDATE credit_lots SET priority = 5 WHERE seq = $1";
    let sql = sqlx::query(sql).bind(9);
    sql.execute(&mut thief).await.unwrap();
    thief.close().await.unwrap();
    assert_eq!(entry.seq, 9);
    let report = verify(core).await.unwrap();
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    assert_eq!(report.findings[0].entry, Some(9));
}

#[tokio::test]
async fn an_old_price_is_covered_by_the_next_and_none_can_be_left_out() {
    for crime in [
        "UPDATE credit_prices SET amount = 1 WHERE version = 1",
        "UPDATE credit_prices SET amount = 1 WHERE version = 3",
        "UPDATE credit_prices SET hash = NULL WHERE version = 3",
        "DELETE FROM credit_prices WHERE version = 2",
    ] {
        let app = TestApp::start(app()).await;
        let core = &app.core;
        let mut thief = thief(&app).await;
        declare_price(core, "service:demo", 3).await;
        thief
            .execute("UPDATE credit_prices SET hash = NULL")
            .await
            .unwrap();
        declare_price(core, "service:demo", 4).await;
        declare_price(core, "service:demo", 5).await;
        assert_sound(core, "before").await;
        thief.execute(crime).await.unwrap();
        thief.close().await.unwrap();
        let report = verify(core).await.unwrap();
        assert_eq!(report.findings.len(), 1, "{crime}: {:?}", report.findings);
        assert_eq!(report.findings[0].account, None);
    }
}

#[tokio::test]
async fn a_lot_that_was_ended_when_nothing_remained_of_it_is_known_to_have_ended() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = somebody(core);
    let note = |key: &str| Note::system(key, "A test");
    let until = core.now().plus(std::time::Duration::from_secs(3600));
    let gift = Grant::subscription(Credits::whole(2), until).from_source("gift");
    ledger::grant(core, &owner, &gift, &note("gift"))
        .await
        .unwrap();
    ledger::spend(core, &owner, Credits::whole(2), &note("all"))
        .await
        .unwrap();
    let which = quickscale_runtime::credits::LotRef::Source("gift");
    let ended = ledger::end(core, &owner, which, &note("end")).await;
    assert_eq!(ended.unwrap(), None);
    assert_sound(core, "after the end of an empty lot").await;
    let mut thief = thief(&app).await;
    let sql = format!("UPDATE credit_lots SET expires_at = {}", until.as_micros());
    thief.execute(AssertSqlSafe(sql)).await.unwrap();
    thief.close().await.unwrap();
    assert!(!verify(core).await.unwrap().is_clean());
}
