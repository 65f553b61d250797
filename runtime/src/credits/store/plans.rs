//! How the databases read a long journal: what a balance, a spend and a page of the history ask for is found by an index,
//! so that it costs the same however long the journal is.

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

use super::{accounts, entries, lots};
use crate::auth;
use crate::testing::TestApp;
use crate::{App, Environment, credits};

/// How long the journal is.
const ENTRIES: i64 = 20_000;

/// What is asked, how many values it takes, and the condition by which the journal or the account is searched.
const QUESTIONS: [(&str, usize, &str); 10] = [
    (accounts::FIND, 2, "owner_kind= AND owner_id="),
    (entries::ENTRIES, 5, "account_id= AND seq<"),
    (entries::ENTRIES_BETWEEN, 7, "account_id="),
    (entries::SELDOM, 5, "account_id= AND kind= AND seq<"),
    (entries::SELDOM_BETWEEN, 7, "account_id= AND kind="),
    (entries::WITH_LAST, 3, "account_id= AND seq>"),
    (entries::USED_AT, 5, "account_id= AND created_at<"),
    (entries::HASH, 2, "account_id= AND seq="),
    (entries::BY_KEY, 3, "account_id= AND idempotency_key="),
    (lots::USABLE, 4, "account_id= AND seq="),
];

/// An account with so many entries and lots that were used up, among others with few.
async fn fill(connection: &mut AnyConnection) {
    let numbers = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {ENTRIES})"
    );
    for sql in [
        format!(
            "INSERT INTO credit_accounts (id, owner_kind, owner_id, available, held, debt, used, full_amount,
                 last_seq, due_at, created_at)
             {numbers} SELECT 'a' || n, 'user', 'u' || n, 0, 0, 0, 0, 0, 0, 1, 1 FROM n"
        ),
        format!(
            "INSERT INTO credit_lots (id, account_id, seq, kind, priority, amount, remaining, held, spent,
                 expired, revoked, created_at)
             {numbers} SELECT 'l' || n, 'a1', n, 'promotion', 20, 1, 0, 0, 1, 0, 0, 1 FROM n"
        ),
        format!(
            "INSERT INTO credit_entries (account_id, seq, kind, amount, balance_after, debt_after, used_after,
                 actor, reason, idempotency_key, digest, hash, created_at)
             {numbers} SELECT 'a1', n, 'spend', -1, 0, 0, n, 'system', 'A test', 'k' || n, '', '', n FROM n"
        ),
    ] {
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
}

/// The plan of a question, as one text.
async fn plan(connection: &mut AnyConnection, is_sqlite: bool, sql: &str, values: usize) -> String {
    let explained = if is_sqlite {
        format!("EXPLAIN QUERY PLAN {sql}")
    } else {
        let prepared =
            format!("DEALLOCATE ALL; SET plan_cache_mode = force_generic_plan; PREPARE p AS {sql}");
        connection.execute(AssertSqlSafe(prepared)).await.unwrap();
        let values = vec!["NULL"; values].join(", ");
        format!("EXPLAIN EXECUTE p ({values})")
    };
    let column = if is_sqlite { 3 } else { 0 };
    let rows = sqlx::raw_sql(AssertSqlSafe(explained));
    let rows = rows.fetch_all(connection).await.unwrap();
    let lines = rows.iter().map(|row| row.get::<String, _>(column));
    lines.collect::<Vec<_>>().join("\n")
}

/// A plan without what each database writes in its own way: names of tables, types, brackets and values.
fn conditions(plan: &str) -> String {
    let mut text = plan.replace("::text", "").replace(" = ", "=");
    for (from, to) in [
        (" < ", "<"),
        (" > ", ">"),
        ("e.", ""),
        ("(", ""),
        (")", ""),
        ("?", ""),
    ] {
        text = text.replace(from, to);
    }
    let words = text.split(' ').map(|word| {
        let end = word.find(['=', '<', '>']).map_or(word.len(), |at| at + 1);
        &word[..end]
    });
    words.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_long_journal_is_searched_by_its_indexes() {
    let app = App::builder("A test", Environment::Test)
        .module(auth::module(auth::Settings::default()))
        .module(credits::module(credits::Settings::default()));
    let app = TestApp::start(app).await;
    let is_sqlite = app.database_url().starts_with("sqlite:");
    let mut connection = AnyConnection::connect(app.database_url()).await.unwrap();
    fill(&mut connection).await;
    // As its own upkeep does; SQLite's plans know no numbers in production either.
    for table in ["credit_accounts", "credit_lots", "credit_entries"] {
        if !is_sqlite {
            let analyze = AssertSqlSafe(format!("ANALYZE {table}"));
            connection.execute(analyze).await.unwrap();
        }
    }
    for (sql, values, condition) in QUESTIONS {
        let plan = plan(&mut connection, is_sqlite, sql, values).await;
        let found = conditions(&plan);
        assert!(found.contains(condition), "{condition}: {plan}\n{found}");
        for whole in ["Seq Scan on credit_", "SCAN credit_", "SCAN a", "SCAN e"] {
            assert!(!plan.contains(whole), "{plan}");
        }
        let is_sorted = plan.contains("Sort") || plan.contains("B-TREE");
        assert!(sql != entries::ENTRIES || !is_sorted, "{plan}");
    }
    connection.close().await.unwrap();
}
