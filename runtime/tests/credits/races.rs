//! Many at once: nothing is spent twice, nothing is lost, and every request gets a proper answer.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::app::Core;
use quickscale_runtime::credits::actions as ledger;
use quickscale_runtime::credits::{Credits, HoldTerms, Note};
use quickscale_runtime::testing::TestApp;

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

/// Asks for the sweeper's work and says whether the hold timed out by it: a time-out makes no entry of its own.
async fn time_out(core: Core) -> bool {
    ledger::sweep(&core).await.unwrap() > 0
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_capture_a_release_and_a_time_out_exactly_one_wins() {
    let app = TestApp::start(app()).await;
    let core = app.core.clone();
    let owner = Arc::new(owner_with(&core, Credits::whole(1000)).await);
    let mut captures = 0_u32;
    for round in 0..200 {
        let terms = HoldTerms {
            key: format!("hold {round}"),
            lasts: Duration::from_secs(60),
        };
        let hold = ledger::hold(&core, &owner, Credits::whole(1), &terms)
            .await
            .unwrap();
        let capture = {
            let (core, owner, id) = (core.clone(), owner.clone(), hold.id.clone());
            tokio::spawn(async move {
                let note = Note::system(format!("capture {round}"), "A race");
                ledger::capture(&core, (&owner, &id), Credits::whole(1), &note).await
            })
        };
        let release = {
            let (core, owner, id) = (core.clone(), owner.clone(), hold.id.clone());
            tokio::spawn(async move { ledger::release(&core, &owner, &id).await })
        };
        // In every other round its time is up while they run.
        if round % 2 == 1 {
            app.clock.advance(Duration::from_secs(60));
        }
        let sweep = tokio::spawn(time_out(core.clone()));
        let (captured, released) = (capture.await.unwrap(), release.await.unwrap());
        let swept = sweep.await.unwrap();
        match (captured, released) {
            (Ok(_), Err(error)) => {
                assert_eq!(error.code(), "hold_closed");
                captures += 1;
            }
            // Whoever releases what has just timed out is told that it is released.
            (Err(error), Ok(())) => assert_eq!(error.code(), "hold_closed"),
            both => panic!("round {round}, swept: {swept}: {both:?}"),
        }
        let balance = ledger::balance(&core, &owner).await.unwrap();
        assert_eq!(balance.available, Credits::whole(1000 - captures));
        assert_eq!(balance.held, Credits::ZERO);
    }
    assert_sound(&core, "after the race").await;
}
