//! Several processes on one database, and processes that are killed in the middle of their work.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use quickscale_runtime::app::{BuiltApp, Core, Overlay};
use quickscale_runtime::clock::Clock;
use quickscale_runtime::config::Config;
use quickscale_runtime::credits::actions as ledger;
use quickscale_runtime::credits::{Credits, Note, Owner};
use quickscale_runtime::db::Db;
use quickscale_runtime::testing::{START, TestApp};

use crate::support::app;
use crate::support::ledger::{assert_sound, number, owner_with};

const URL: &str = "LEDGER_TEST_URL";
const OWNER: &str = "LEDGER_TEST_OWNER";
const FIRST: &str = "LEDGER_TEST_FIRST";

/// This test's own program, as another process that runs `role` on the same database.
fn another(app: &TestApp, Owner::User(owner): &Owner, (role, first): (&str, u32)) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", role, "--ignored"])
        .env(URL, app.database_url())
        .env(OWNER, owner.as_str())
        .env(FIRST, first.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// The application as the other process has it; none in an ordinary run of the tests.
async fn inherited() -> Option<(Core, Owner, u32)> {
    let url = std::env::var(URL).ok()?;
    let vars = [
        ("APP_ENV", "test"),
        ("APP_SECRET_KEY", "a-key-for-tests-0123456789abcdef"),
        ("APP_URL", "http://app.test"),
        ("DATABASE_URL", &url),
    ];
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::from_vars(vars.into(), Path::new(".")).unwrap();
    let db = Db::connect(&url).await.unwrap();
    let clock = Clock::mock(START);
    let BuiltApp { core, .. } = app().build(config, db, clock, Overlay::default()).unwrap();
    let owner = Owner::User(std::env::var(OWNER).unwrap().into());
    Some((core, owner, std::env::var(FIRST).unwrap().parse().unwrap()))
}

/// Fifty spends of 1 at once. Each succeeds or is refused for want of credits.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the part of another process"]
async fn spends() {
    let Some((core, owner, first)) = inherited().await else {
        return;
    };
    let tasks: Vec<_> = (first..first + 50)
        .map(|at| {
            let (core, owner) = (core.clone(), owner.clone());
            tokio::spawn(async move {
                let note = Note::system(format!("spend {at}"), "A race");
                ledger::spend(&core, &owner, Credits::whole(1), &note).await
            })
        })
        .collect();
    for task in tasks {
        if let Err(error) = task.await.unwrap() {
            assert_eq!(error.status().as_u16(), 402, "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_100_spends_of_two_processes_on_60_credits_60_succeed() {
    let app = TestApp::start(app()).await;
    let owner = owner_with(&app.core, Credits::whole(60)).await;
    let processes = [0, 50].map(|first| another(&app, &owner, ("processes::spends", first)));
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let spends = "SELECT COUNT(*) FROM credit_entries WHERE kind = 'spend'";
    assert_eq!(number(&app.core, spends).await, 60);
    let balance = ledger::balance(&app.core, &owner).await.unwrap();
    assert_eq!(balance.available, Credits::ZERO);
    assert_sound(&app.core, "after two processes").await;
}

/// Spends one credit after the other until it is killed.
#[tokio::test]
#[ignore = "the part of another process"]
async fn spends_forever() {
    let Some((core, owner, first)) = inherited().await else {
        return;
    };
    for at in first.. {
        let note = Note::system(format!("spend {at}"), "Until the end");
        ledger::spend(&core, &owner, Credits::whole(1), &note)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_leaves_a_clean_ledger_and_the_retry_happens_once() {
    let app = TestApp::start(app()).await;
    let owner = owner_with(&app.core, Credits::whole(1_000_000)).await;
    let mut next = 0;
    for round in 0..20_u32 {
        let mut process = another(&app, &owner, ("processes::spends_forever", next));
        tokio::time::sleep(Duration::from_millis(150) + Duration::from_micros(731) * round).await;
        // On Unix this is SIGKILL.
        process.kill().unwrap();
        process.wait().unwrap();
        let made = "SELECT COUNT(*) FROM credit_entries WHERE kind = 'spend'";
        let before = number(&app.core, made).await;
        // The last one may or may not have been kept; asked again, it is there once.
        next = u32::try_from(before).unwrap();
        for at in [next.saturating_sub(1), next] {
            let note = Note::system(format!("spend {at}"), "Until the end");
            ledger::spend(&app.core, &owner, Credits::whole(1), &note)
                .await
                .unwrap();
        }
        next = u32::try_from(number(&app.core, made).await).unwrap();
        assert!(i64::from(next) <= before + 1, "round {round}");
        let balance = ledger::balance(&app.core, &owner).await.unwrap();
        assert_eq!(balance.available, Credits::whole(1_000_000 - next));
        assert_sound(&app.core, "after a kill").await;
    }
    assert!(next > 40, "the processes did work: {next}");
}
