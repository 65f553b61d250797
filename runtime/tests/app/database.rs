//! Migrations and transactions, on whichever database the tests run.

use quickscale_runtime::clock::Clock;
use quickscale_runtime::db::{Db, Dialect, Migration};
use quickscale_runtime::error::Error;
use quickscale_runtime::in_transaction;
use quickscale_runtime::testing::TestDatabase;
use sqlx::Row as _;

const NOTES: &str = "CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT NOT NULL);
    INSERT INTO notes VALUES (1, 'first');";

fn module(migrations: Vec<Migration>) -> Vec<(String, Vec<Migration>)> {
    vec![("notes".into(), migrations)]
}

async fn count(db: &Db) -> i64 {
    let row = sqlx::query("SELECT COUNT(*) FROM notes")
        .fetch_one(db.reader())
        .await
        .unwrap();
    row.try_get(0).unwrap()
}

#[tokio::test]
async fn a_migration_runs_once_however_many_processes_ask_for_it() {
    let database = TestDatabase::create().await.unwrap();
    let modules = module(vec![Migration::portable("0001_notes", NOTES)]);
    let mut applied = 0;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (url, modules) = (database.url.clone(), modules.clone());
            tokio::spawn(async move {
                let db = Db::connect(&url).await.unwrap();
                let done = db.migrate(&modules, &Clock::System).await.unwrap().len();
                db.close().await;
                done
            })
        })
        .collect();
    for task in tasks {
        applied += task.await.unwrap();
    }
    assert_eq!(applied, 1);
    let db = Db::connect(&database.url).await.unwrap();
    assert_eq!(count(&db).await, 1);
    assert!(
        db.migration_status(&modules)
            .await
            .unwrap()
            .iter()
            .all(|one| one.applied)
    );
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let database = TestDatabase::create().await.unwrap();
    let db = Db::connect(&database.url).await.unwrap();
    let broken = Migration::portable("0002_broken", "INSERT INTO notes VALUES (1, 'again')");
    let modules = module(vec![Migration::portable("0001_notes", NOTES), broken]);
    let fault = db.migrate(&modules, &Clock::System).await.unwrap_err();
    assert!(
        format!("{fault:#}").contains("notes/0002_broken"),
        "{fault:#}"
    );
    assert!(
        db.migration_status(&modules)
            .await
            .unwrap()
            .iter()
            .all(|one| !one.applied)
    );
}

#[tokio::test]
async fn a_migration_that_was_changed_afterwards_is_refused() {
    let database = TestDatabase::create().await.unwrap();
    let db = Db::connect(&database.url).await.unwrap();
    let before = module(vec![Migration::portable("0001_notes", NOTES)]);
    db.migrate(&before, &Clock::System).await.unwrap();
    let after = module(vec![Migration::portable("0001_notes", "SELECT 1")]);
    let fault = db.migrate(&after, &Clock::System).await.unwrap_err();
    assert!(
        fault.to_string().contains("notes/0001_notes was changed"),
        "{fault}"
    );
}

#[tokio::test]
async fn a_module_that_was_switched_off_keeps_its_tables() {
    let database = TestDatabase::create().await.unwrap();
    let db = Db::connect(&database.url).await.unwrap();
    let modules = module(vec![Migration::portable("0001_notes", NOTES)]);
    db.migrate(&modules, &Clock::System).await.unwrap();
    assert!(db.migrate(&[], &Clock::System).await.unwrap().is_empty());
    assert!(
        db.migrate(&modules, &Clock::System)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(count(&db).await, 1);
}

#[tokio::test]
async fn a_transaction_that_fails_changes_nothing() {
    let database = TestDatabase::create().await.unwrap();
    let db = Db::connect(&database.url).await.unwrap();
    let modules = module(vec![Migration::portable("0001_notes", NOTES)]);
    db.migrate(&modules, &Clock::System).await.unwrap();
    let outcome = async {
        in_transaction!(db, tx => {
            sqlx::query("INSERT INTO notes VALUES (2, 'second')").execute(tx.conn()).await?;
            Err::<(), _>(Error::not_found())
        })
    };
    assert_eq!(outcome.await.unwrap_err().code(), "not_found");
    assert_eq!(count(&db).await, 1);
}

/// Two transactions that take the same two rows in opposite order: PostgreSQL ends one as a deadlock,
/// SQLite lets them wait. Both must get their work done in the end.
#[tokio::test]
async fn transactions_that_meet_are_run_again() {
    let database = TestDatabase::create().await.unwrap();
    let db = Db::connect(&database.url).await.unwrap();
    let two = "CREATE TABLE counters (id BIGINT PRIMARY KEY, n BIGINT NOT NULL);
        INSERT INTO counters VALUES (1, 0), (2, 0);";
    db.migrate(
        &module(vec![Migration::portable("0001_two", two)]),
        &Clock::System,
    )
    .await
    .unwrap();
    let tasks: Vec<_> = [[1i64, 2], [2, 1]]
        .into_iter()
        .map(|order| {
            let db = db.clone();
            tokio::spawn(async move {
                in_transaction!(db, tx => {
                    for id in order {
                        sqlx::query("UPDATE counters SET n = n + 1 WHERE id = $1")
                            .bind(id)
                            .execute(tx.conn())
                            .await?;
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                    Ok(())
                })
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let rows = sqlx::query("SELECT n FROM counters")
        .fetch_all(db.reader())
        .await
        .unwrap();
    let counts: Vec<i64> = rows.iter().map(|row| row.try_get(0).unwrap()).collect();
    assert_eq!(counts, [2, 2]);
}

async fn insert(db: &Db, id: i64) -> Result<(), Error> {
    in_transaction!(db, tx => {
        sqlx::query("INSERT INTO notes VALUES ($1, 'one of many')")
            .bind(id)
            .execute(tx.conn())
            .await?;
        Ok(())
    })
}

/// Every third one fails, every third one is given up half-way, every third one is kept: none touches another.
#[tokio::test(flavor = "multi_thread")]
async fn transactions_side_by_side_are_kept_or_undone_each_by_itself() {
    let database = TestDatabase::create().await.unwrap();
    let db = Db::connect(&database.url).await.unwrap();
    let modules = module(vec![Migration::portable("0001_notes", NOTES)]);
    db.migrate(&modules, &Clock::System).await.unwrap();
    let tasks: Vec<_> = (0..120)
        .map(|at: i64| {
            let db = db.clone();
            tokio::spawn(async move {
                let id = 1000 + at;
                match at % 3 {
                    0 => insert(&db, id).await.unwrap(),
                    1 => {
                        let mut tx = db.begin().await.unwrap();
                        let note = sqlx::query("INSERT INTO notes VALUES ($1, 'given up')");
                        note.bind(id).execute(tx.conn()).await.unwrap();
                    }
                    _ => {
                        let mut tx = db.begin().await.unwrap();
                        let first = sqlx::query("INSERT INTO notes VALUES ($1, 'failed')");
                        first.bind(id).execute(tx.conn()).await.unwrap();
                        let taken = sqlx::query("INSERT INTO notes VALUES (1, 'taken')");
                        taken.execute(tx.conn()).await.unwrap_err();
                    }
                }
                if at % 3 == 0 {
                    let row = sqlx::query("SELECT COUNT(*) FROM notes WHERE id = $1")
                        .bind(id)
                        .fetch_one(db.reader())
                        .await
                        .unwrap();
                    let there: i64 = row.try_get(0).unwrap();
                    assert_eq!(there, 1, "what was committed is seen by readers");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(count(&db).await, 41);
    let other = Db::connect(&database.url).await.unwrap();
    assert_eq!(count(&other).await, 41, "and by other processes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_whose_future_is_dropped_anywhere_leaves_the_database_usable() {
    let database = TestDatabase::create().await.unwrap();
    let db = Db::connect(&database.url).await.unwrap();
    let modules = module(vec![Migration::portable("0001_notes", NOTES)]);
    db.migrate(&modules, &Clock::System).await.unwrap();
    let mut done = 0;
    for at in 0..200 {
        let patience = std::time::Duration::from_micros(at * 20);
        let id = 1000 + i64::try_from(at).unwrap();
        let neighbour = tokio::spawn({
            let db = db.clone();
            async move { insert(&db, 5000 + id).await }
        });
        if let Ok(inserted) = tokio::time::timeout(patience, insert(&db, id)).await {
            inserted.unwrap();
            done += 1;
        }
        neighbour.await.unwrap().unwrap();
    }
    insert(&db, 1).await.unwrap_err();
    insert(&db, 2).await.unwrap();
    let there = count(&db).await;
    assert!(there >= 202 + done, "{there}, {done}");
    assert!(there <= 402, "{there}");
}

#[tokio::test]
async fn what_was_changed_before_closing_is_kept() {
    let database = TestDatabase::create().await.unwrap();
    let db = Db::connect(&database.url).await.unwrap();
    let modules = module(vec![Migration::portable("0001_notes", NOTES)]);
    db.migrate(&modules, &Clock::System).await.unwrap();
    insert(&db, 2).await.unwrap();
    db.close().await;
    assert!(insert(&db, 3).await.is_err());
    let again = Db::connect(&database.url).await.unwrap();
    assert_eq!(count(&again).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_fails_for_what_another_did_finds_it_done() {
    let database = TestDatabase::create().await.unwrap();
    let db = Db::connect(&database.url).await.unwrap();
    let modules = module(vec![Migration::portable("0001_notes", NOTES)]);
    db.migrate(&modules, &Clock::System).await.unwrap();
    for id in 2..20 {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move {
                    let done = insert(&db, id).await;
                    (done.is_ok(), count(&db).await)
                })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            let (inserted, there) = task.await.unwrap();
            assert_eq!(there, id, "whether it was inserted or was there");
            done += usize::from(inserted);
        }
        assert_eq!(done, 1);
    }
}

/// More queries than there are connections, each given up at another moment: none takes a connection with it, and
/// none gets another's answer.
#[tokio::test(flavor = "multi_thread")]
async fn queries_that_are_given_up_leave_their_connections_usable() {
    let database = TestDatabase::create().await.unwrap();
    let db = Db::connect(&database.url).await.unwrap();
    let number = |n: i64| {
        let db = db.clone();
        async move {
            let query =
                "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 500)
                 SELECT CAST(MAX(n) AS BIGINT), CAST($1 AS BIGINT) FROM up";
            let row = sqlx::query(query)
                .bind(n)
                .fetch_one(db.reader())
                .await
                .unwrap();
            row.try_get::<i64, _>(1).unwrap()
        }
    };
    for n in 0..300i64 {
        let patience = std::time::Duration::from_micros(n.unsigned_abs() * 10);
        let (given_up, kept) =
            tokio::join!(tokio::time::timeout(patience, number(n)), number(1000 + n));
        assert!(given_up.is_err() || given_up == Ok(n));
        assert_eq!(kept, 1000 + n);
    }
}

/// PostgreSQL ends connections when it is restarted. Nothing of the kind can happen to an embedded SQLite.
#[tokio::test]
async fn a_connection_that_was_cut_is_not_lent_again() {
    let database = TestDatabase::create().await.unwrap();
    let others = Db::connect(&database.url).await.unwrap();
    if others.dialect() == Dialect::Sqlite {
        return;
    }
    // The databases of other tests are schemas beside this one.
    let name = "quickscale_to_be_cut";
    let url = format!("{}&application_name={name}", database.url);
    let db = Db::connect(&url).await.unwrap();
    let cut =
        "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1";
    let row = sqlx::query(cut)
        .bind(name)
        .fetch_one(others.reader())
        .await
        .unwrap();
    assert_eq!(row.try_get::<i64, _>(0).unwrap(), 1);
    let mut failures = 0;
    while db.ping().await.is_err() {
        failures += 1;
        assert!(failures < 5, "a dead connection is lent over and over");
    }
}

#[cfg(not(feature = "postgres-tls"))]
#[tokio::test]
async fn a_build_that_cannot_encrypt_says_so() {
    let fault = Db::connect("postgres://app@127.0.0.1:1/app?sslmode=require").await;
    let fault = fault.unwrap_err().to_string();
    assert!(fault.contains("--features postgres-tls"), "{fault}");
}

#[cfg(feature = "postgres-tls")]
#[tokio::test]
async fn a_connection_is_encrypted_when_that_is_required() {
    let database = TestDatabase::create().await.unwrap();
    if database.url.starts_with("sqlite") {
        return;
    }
    let join = if database.url.contains('?') { '&' } else { '?' };
    let url = |mode: &str| format!("{}{join}sslmode={mode}", database.url);
    let db = Db::connect(&url("require")).await.unwrap();
    let ask = "SELECT CAST(ssl AS BIGINT) FROM (
        SELECT CASE WHEN ssl THEN 1 ELSE 0 END AS ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS mine";
    let row = sqlx::query(ask).fetch_one(db.reader()).await.unwrap();
    assert_eq!(row.try_get::<i64, _>(0).unwrap(), 1);
    let stranger = Db::connect(&url("verify-full")).await.unwrap_err();
    assert!(
        format!("{stranger:#}").contains("certificate"),
        "{stranger:#}"
    );
}
