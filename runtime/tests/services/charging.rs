//! What is charged, when, and that nothing is where there is no result.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::credits::{Balance, Credits, Owner, actions as ledger};
use quickscale_runtime::ids::UserId;
use quickscale_runtime::testing::TestApp;
use sqlx::Row as _;

use crate::browser::{affordable, fresh_key, keys, only_page, run, send, send_together};
use crate::offered::{Strings, builder, offering, offering_little_time};
use crate::support::ledger::{assert_sound, count, number};
use crate::support::{sign_up, until};

pub async fn owner_of(app: &TestApp, email: &str) -> Owner {
    let row = sqlx::query("SELECT id FROM users WHERE email = $1")
        .bind(email)
        .fetch_one(app.core.db().reader())
        .await
        .unwrap();
    let id: UserId = row.try_get::<String, _>(0).unwrap().into();
    Owner::User(id)
}

pub async fn balance(app: &TestApp, email: &str) -> Balance {
    let owner = owner_of(app, email).await;
    ledger::balance(&app.core, &owner).await.unwrap()
}

fn whole(available: u32) -> Balance {
    Balance {
        available: Credits::whole(available),
        ..Balance::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_nothing_is_charged_and_the_page_says_so() {
    let (app, worked) = offering(100, 7).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    for (service, order, sentence) in [
        ("obedient", "refuse", "This text is of no use."),
        ("obedient", "fail", "The service failed."),
        ("obedient", "panic", "The service failed."),
        // It never ends, however busy the machine is; the others have time.
        ("hurried", "hang", "The service took too long"),
    ] {
        let page = run(
            &mut ada,
            &format!("/services/{service}"),
            &[("text", order)],
        )
        .await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains(sentence), "{order}: {}", page.text);
        assert!(
            page.text.contains("Nothing was charged."),
            "{order}: {}",
            page.text
        );
        assert!(!page.text.contains("secret"), "{order}: {}", page.text);
        assert_eq!(
            balance(&app, "ada@example.com").await,
            whole(100),
            "{order}"
        );
    }
    assert_eq!(worked.load(Ordering::SeqCst), 4, "each was tried");
    assert_eq!(count(&app.core, "credit_entries").await, 1);
    let failed = "SELECT COUNT(*) FROM service_runs WHERE status = 'failed'";
    assert_eq!(number(&app.core, failed).await, 4);
    assert_sound(&app.core, "after failures").await;
}

#[tokio::test]
async fn a_run_costs_what_it_says_and_never_more_than_its_price() {
    let (app, _) = offering(100, 7).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    for (order, price, left) in [
        ("cheap", "0.5 credits", 99_500),
        ("gift", "Free", 99_500),
        ("dear", "7 credits", 92_500),
        ("plain", "7 credits", 85_500),
    ] {
        let page = run(&mut ada, "/services/obedient", &[("text", order)]).await;
        assert!(page.text.contains(price), "{order}: {}", page.text);
        let balance = balance(&app, "ada@example.com").await;
        assert_eq!(balance.available, Credits::from_milli(left), "{order}");
        assert_eq!(balance.held, Credits::ZERO, "{order}");
    }
    assert_sound(&app.core, "after runs of several costs").await;
}

#[tokio::test]
async fn a_service_may_have_a_time_limit_of_its_own() {
    let app = offering_little_time().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let page = run(&mut ada, "/services/patient", &[("text", "at last")]).await;
    assert!(page.text.contains("at last"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_20_parallel_submits_of_one_key_one_runs_and_one_is_charged() {
    let (app, worked) = offering(100, 7).await;
    for path in ["/services/obedient", "/services/free"] {
        worked.store(0, Ordering::SeqCst);
        let email = format!("ada{}@example.com", path.len());
        let mut ada = sign_up(&app, &email).await;
        let key = fresh_key(&mut ada, path).await;
        only_page(&send_together(&ada, path, &vec![key; 20], "rest").await);
        assert_eq!(worked.load(Ordering::SeqCst), 1, "{path}");
    }
    assert_eq!(count(&app.core, "service_runs").await, 2);
    assert_eq!(balance(&app, "ada18@example.com").await, whole(93));
    assert_sound(&app.core, "after the race").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_runs_never_spend_more_than_there_is() {
    let (app, worked) = offering(10, 3).await;
    let ada = sign_up(&app, "ada@example.com").await;
    let sent = send_together(&ada, "/services/obedient", &keys(12), "hi").await;
    assert_eq!((affordable(&sent), worked.load(Ordering::SeqCst)), (3, 3));
    assert_eq!(balance(&app, "ada@example.com").await, whole(1));
    assert_sound(&app.core, "after the race").await;
}

/// A run as a process leaves it behind that is killed while it works.
async fn leave_behind(app: &TestApp) -> String {
    let mut ada = sign_up(app, "ada@example.com").await;
    let mut killed = ada.clone();
    let key = fresh_key(&mut ada, "/services/obedient").await;
    let send = async { send(&mut killed, "/services/obedient", &key, &[("text", "hi")]).await };
    let sent = send.await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    sent.location().to_owned()
}

#[tokio::test]
async fn a_run_that_was_left_behind_ends_without_a_charge() {
    for read in ["the page of the run", "the list of runs", "the next start"] {
        let (app, _) = offering(100, 7).await;
        let page = leave_behind(&app).await;
        undo_the_end_of_the_run(&app).await;
        assert_eq!(
            balance(&app, "ada@example.com").await.held,
            Credits::whole(7)
        );
        let mut ada = crate::support::sign_in(&app, "ada@example.com").await;
        let early = ada.get(&page).await;
        assert!(
            early.text.contains("http-equiv=\"refresh\""),
            "{}",
            early.text
        );

        app.clock.advance(Duration::from_secs(120));
        match read {
            "the page of the run" => {
                let late = ada.get(&page).await;
                assert!(
                    late.text.contains("interrupted before it was done"),
                    "{}",
                    late.text
                );
                assert!(late.text.contains("Nothing was charged."), "{}", late.text);
            }
            "the list of runs" => {
                let list = ada.get("/services/runs").await;
                assert!(list.text.contains("Not charged"), "{}", list.text);
            }
            _ => app.core.start().await.unwrap(),
        }
        let failed = "SELECT COUNT(*) FROM service_runs WHERE status = 'failed'";
        assert_eq!(number(&app.core, failed).await, 1, "{read}");
        assert_eq!(balance(&app, "ada@example.com").await, whole(100), "{read}");
        assert_sound(&app.core, read).await;
    }
}

/// Puts a run that has finished back to where it was while it worked.
async fn undo_the_end_of_the_run(app: &TestApp) {
    let core = &app.core;
    let row = sqlx::query("SELECT id, user_id FROM service_runs")
        .fetch_one(core.db().reader())
        .await
        .unwrap();
    let (run, user): (String, String) = (row.try_get(0).unwrap(), row.try_get(1).unwrap());
    let owner = Owner::User(user.into());
    let terms = quickscale_runtime::credits::HoldTerms {
        key: "the hold of a process that was killed".into(),
        lasts: Duration::from_secs(30),
    };
    let back = quickscale_runtime::credits::Grant::promotion(Credits::whole(7), None);
    let note = quickscale_runtime::credits::Note::system("back", "What the run cost");
    ledger::grant(core, &owner, &back, &note).await.unwrap();
    let hold = ledger::hold(core, &owner, Credits::whole(7), &terms)
        .await
        .unwrap();
    let mut tx = core.db().begin().await.unwrap();
    sqlx::query(
        "UPDATE service_runs SET status = 'running', output = NULL, finished_at = NULL, hold_id = $1
         WHERE id = $2",
    )
    .bind(hold.id.as_str())
    .bind(run)
    .execute(tx.conn())
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_when_nobody_waits_for_it_any_more() {
    let strings = Strings::default();
    let app = builder(&strings, 100, 7).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let (path, fields) = ("/services/obedient", [("text", "wait")]);
    let key = fresh_key(&mut ada, path).await;
    let (mut impatient, same_key) = (ada.clone(), key.clone());
    let sent = tokio::spawn(async move { send(&mut impatient, path, &same_key, &fields).await });
    until("the run works", async || {
        strings.worked.load(Ordering::SeqCst) == 1
    })
    .await;
    // The browser closes the connection.
    sent.abort();
    assert!(sent.await.is_err_and(|end| end.is_cancelled()));
    strings.gate.add_permits(1);
    until("the run has ended", async || {
        let done = "SELECT COUNT(*) FROM service_runs WHERE status = 'succeeded'";
        number(&app.core, done).await == 1
    })
    .await;
    let again = send(&mut ada, path, &key, &fields).await;
    let page = ada.get(again.location()).await;
    assert!(
        page.text.contains("waited") && page.text.contains("93 credits remaining"),
        "{}",
        page.text
    );
    assert_eq!(strings.worked.load(Ordering::SeqCst), 1);
    assert_sound(&app.core, "after the run").await;
}
