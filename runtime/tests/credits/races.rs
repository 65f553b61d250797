//! Many at once: nothing is spent twice, nothing is lost, and every request gets a proper answer.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::app::Core;
use quickscale_runtime::credits::actions as ledger;
use quickscale_runtime::credits::{Credits, Hold, HoldTerms, Note};
use quickscale_runtime::testing::TestApp;
use sqlx::Row as _;

use crate::support::app;
use crate::support::ledger::{assert_sound, count, owner_with};

#[tokio::test(flavor = "multi_thread")]
async fn of_100_parallel_spends_on_60_credits_60_succeed() {
    let app = TestApp::start(app()).await;
    let owner = Arc::new(owner_with(&app.core, Credits::whole(60)).await);
    let tasks: Vec<_> = (0..100)
        .map(|at| {
            let (core, owner) = (app.core.clone(), owner.clone());
            tokio::spawn(async move {
                let note = Note::system(format!("spend {at}"), "A race");
                ledger::spend(&core, &owner, Credits::whole(1), &note).await
            })
        })
        .collect();
    let (mut spent, mut refused) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => spent += 1,
            Err(error) => {
                assert_eq!(error.status(), StatusCode::PAYMENT_REQUIRED, "{error}");
                refused += 1;
            }
        }
    }
    assert_eq!((spent, refused), (60, 40));
    let balance = ledger::balance(&app.core, &owner).await.unwrap();
    assert_eq!(balance.available, Credits::ZERO);
    assert_sound(&app.core, "after the race").await;
}

/// How many processes there are in effect: each has a connection of its own.
const REPLICAS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn of_100_spends_over_8_connections_on_60_credits_60_succeed() {
    let one = TestApp::start(app()).await;
    let owner = Arc::new(owner_with(&one.core, Credits::whole(60)).await);
    let mut replicas = vec![];
    for _ in 1..REPLICAS {
        replicas.push(TestApp::builder(app()).replica_of(&one).await);
    }
    replicas.push(one);
    let tasks: Vec<_> = (0..REPLICAS)
        .map(|first| {
            let (core, owner) = (replicas[first].core.clone(), owner.clone());
            tokio::spawn(async move {
                let mut spent = 0;
                for at in (first..100).step_by(REPLICAS) {
                    let note = Note::system(format!("spend {at}"), "A race");
                    match ledger::spend(&core, &owner, Credits::whole(1), &note).await {
                        Ok(_) => spent += 1,
                        Err(error) => assert_eq!(error.code(), "insufficient_credits", "{error}"),
                    }
                }
                spent
            })
        })
        .collect();
    let mut spent = 0;
    for task in tasks {
        spent += task.await.unwrap();
    }
    assert_eq!(spent, 60);
    let core = &replicas[0].core;
    let balance = ledger::balance(core, &owner).await.unwrap();
    assert_eq!(balance.available, Credits::ZERO);
    assert_sound(core, "after the race").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_50_equal_keys_at_once_one_makes_an_entry_and_all_get_it() {
    let app = TestApp::start(app()).await;
    let owner = Arc::new(owner_with(&app.core, Credits::whole(1)).await);
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (core, owner) = (app.core.clone(), owner.clone());
            tokio::spawn(async move {
                let note = Note::system("one key", "A race");
                ledger::spend(&core, &owner, Credits::whole(1), &note).await
            })
        })
        .collect();
    for task in tasks {
        let entry = task.await.unwrap().unwrap();
        assert_eq!(entry.seq, 2);
    }
    assert_eq!(count(&app.core, "credit_entries").await, 2);
    assert_sound(&app.core, "after the race").await;
}

/// How a hold came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Captured,
    Released,
    /// Whoever booked it: it was closed as of the instant at which its time was up.
    TimedOut,
}

async fn end_of(core: &Core, hold: &Hold) -> End {
    let sql = "SELECT state, closed_at - expires_at FROM credit_holds WHERE id = $1";
    let row = sqlx::query(sql)
        .bind(hold.id.as_str())
        .fetch_one(core.db().reader())
        .await
        .unwrap();
    match (row.get::<String, _>(0).as_str(), row.get::<i64, _>(1)) {
        ("captured", _) => End::Captured,
        ("released", 0) => End::TimedOut,
        ("released", _) => End::Released,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_capture_a_release_and_a_time_out_exactly_one_wins() {
    let app = TestApp::start(app()).await;
    let core = app.core.clone();
    let owner = Arc::new(owner_with(&core, Credits::whole(1000)).await);
    let mut ends = Vec::new();
    for round in 0..200 {
        let terms = HoldTerms {
            key: format!("hold {round}"),
            lasts: Duration::from_secs(60),
        };
        let hold = ledger::hold(&core, &owner, Credits::whole(1), &terms)
            .await
            .unwrap();
        let capture = || {
            let (core, owner, id) = (core.clone(), owner.clone(), hold.id.clone());
            tokio::spawn(async move {
                let note = Note::system(format!("capture {round}"), "A race");
                ledger::capture(&core, (&owner, &id), Credits::whole(1), &note).await
            })
        };
        let release = || {
            let (core, owner, id) = (core.clone(), owner.clone(), hold.id.clone());
            tokio::spawn(async move { ledger::release(&core, &owner, &id).await })
        };
        let past_its_end = Duration::from_secs(61);
        // Each has the start of the others in turn, so that each wins whatever the machine is like.
        let (capture, release) = match round % 3 {
            0 => (capture(), release()),
            1 => {
                let release = release();
                (capture(), release)
            }
            _ => {
                app.clock.advance(past_its_end);
                (capture(), release())
            }
        };
        // In every other round its time is up while they run.
        if round % 2 == 1 {
            app.clock.advance(past_its_end);
        }
        let sweep = {
            let core = core.clone();
            tokio::spawn(async move { ledger::sweep(&core).await })
        };
        let (captured, released) = (capture.await.unwrap(), release.await.unwrap());
        sweep.await.unwrap().unwrap();
        let end = end_of(&core, &hold).await;
        match (end, captured, released) {
            // Whoever releases what has just timed out is told that it is released.
            (End::Captured, Ok(_), Err(error))
            | (End::Released | End::TimedOut, Err(error), Ok(())) => {
                assert_eq!(error.code(), "hold_closed");
            }
            other => panic!("round {round}: {other:?}"),
        }
        ends.push(end);
        let captures = ends.iter().filter(|end| **end == End::Captured).count();
        let captures = u32::try_from(captures).unwrap();
        let balance = ledger::balance(&core, &owner).await.unwrap();
        assert_eq!(balance.available, Credits::whole(1000 - captures));
        assert_eq!(balance.held, Credits::ZERO);
    }
    for end in [End::Captured, End::Released, End::TimedOut] {
        assert!(ends.contains(&end), "in no round: {end:?}");
    }
    assert_sound(&core, "after the race").await;
}
