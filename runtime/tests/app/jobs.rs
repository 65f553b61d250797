//! Work outside of requests: what is promised of it, on whichever database the tests run, and with workers that
//! are processes of their own and are killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support;
use crate::support::{column, count, run, themed};
use quickscale_runtime::clock::Clock;
use quickscale_runtime::config::Config;
use quickscale_runtime::db::{Db, Migration};
use quickscale_runtime::error::{Error, Result};
use quickscale_runtime::jobs::{self, Job, actions};
use quickscale_runtime::module::{Install, Module};
use quickscale_runtime::testing::TestApp;
use quickscale_runtime::{App, Core, Environment, in_transaction};
use serde::{Deserialize, Serialize};

/// Counts, and fails as often as it is told to.
#[derive(Serialize, Deserialize)]
struct Count {
    failures: usize,
    key: Option<String>,
}

impl Job for Count {
    const NAME: &'static str = "test.count";
    const ATTEMPTS: u32 = 4;

    fn key(&self) -> Option<String> {
        self.key.clone()
    }
}

#[derive(Serialize, Deserialize)]
struct Hopeless;

impl Job for Hopeless {
    const NAME: &'static str = "test.hopeless";
}

#[derive(Serialize, Deserialize)]
struct Panics;

impl Job for Panics {
    const NAME: &'static str = "test.panics";
}

/// How often each was tried.
#[derive(Default)]
struct Tries {
    count: AtomicUsize,
    clock: AtomicUsize,
}

struct Tested(Arc<Tries>);

const HOUR: Duration = Duration::from_secs(60 * 60);

impl Module for Tested {
    fn name(&self) -> &'static str {
        "tested"
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        let tries = self.0.clone();
        install.job::<Count>(move |_, job| {
            let before = tries.count.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                match before < job.failures {
                    true => Err(Error::unprocessable("not yet\0")),
                    false => Ok(()),
                }
            })
        });
        install.job::<Hopeless>(|_, _| {
            Box::pin(async { Err(jobs::give_up(anyhow::anyhow!("the address does not exist"))) })
        });
        install.job::<Panics>(|_, _| Box::pin(async { panic!("on purpose") }));
        let tries = self.0.clone();
        install.every("test.hourly", HOUR, move |_| {
            tries.clock.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Ok(()) })
        });
        Ok(())
    }
}

async fn start() -> (TestApp, Arc<Tries>) {
    let tries = Arc::new(Tries::default());
    let app = support::app().module(Tested(tries.clone()));
    (themed(app).start().await, tries)
}

async fn enqueue(app: &TestApp, job: &impl Job) -> Result<()> {
    in_transaction!(app.core.db(), tx => app.core.enqueue(tx, job).await)
}

fn counting(failures: usize) -> Count {
    let key = None;
    Count { failures, key }
}

#[tokio::test]
async fn work_is_enqueued_with_its_transaction_or_not_at_all() {
    let (app, tries) = start().await;
    let mut tx = app.core.db().begin().await.unwrap();
    app.core.enqueue(&mut tx, &counting(0)).await.unwrap();
    drop(tx);
    assert_eq!(app.work_jobs().await.done, 0);
    enqueue(&app, &counting(0)).await.unwrap();
    assert_eq!(app.work_jobs().await.done, 1);
    assert_eq!(tries.count.load(Ordering::SeqCst), 1);
    assert_eq!(count(&app, "jobs").await, 0);
}

#[tokio::test]
async fn work_for_later_waits() {
    let (app, tries) = start().await;
    let due = app.core.now().plus(HOUR / 2);
    let enqueued = async {
        in_transaction!(app.core.db(), tx => app.core.enqueue_at(tx, &counting(0), due).await)
    };
    enqueued.await.unwrap();
    app.work_jobs().await;
    assert_eq!(tries.count.load(Ordering::SeqCst), 0);
    app.clock.advance(HOUR / 2);
    app.work_jobs().await;
    assert_eq!(tries.count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_fails_is_tried_again_after_ever_longer_pauses() {
    let (app, tries) = start().await;
    enqueue(&app, &counting(2)).await.unwrap();
    let mut pauses = Vec::new();
    while tries.count.load(Ordering::SeqCst) < 3 {
        let before = tries.count.load(Ordering::SeqCst);
        let mut seconds = 0;
        while tries.count.load(Ordering::SeqCst) == before {
            app.work_jobs().await;
            app.clock.advance(Duration::from_secs(1));
            seconds += 1;
        }
        pauses.push(seconds);
    }
    // At once, then 10 and 20 seconds, each a quarter more or less.
    assert_eq!(pauses[0], 1);
    assert!((7..=14).contains(&pauses[1]), "{pauses:?}");
    assert!((14..=27).contains(&pauses[2]), "{pauses:?}");
    assert_eq!(count(&app, "jobs").await, 0);
}

/// Lets time pass until nothing is open any more.
async fn work_to_the_end(app: &TestApp) {
    while actions::count_jobs(&app.core).await.unwrap().open > 0 {
        app.work_jobs().await;
        app.clock.advance(Duration::from_secs(5));
    }
}

#[tokio::test]
async fn what_keeps_failing_becomes_a_dead_letter_that_can_be_replayed() {
    let (app, tries) = start().await;
    enqueue(&app, &counting(4)).await.unwrap();
    work_to_the_end(&app).await;
    assert_eq!(tries.count.load(Ordering::SeqCst), 4);
    let dead = actions::dead_jobs(&app.core, None, 10).await.unwrap();
    assert_eq!((&*dead[0].name, dead[0].attempts), ("test.count", 4));
    assert!(dead[0].last_error.contains("not yet"), "{dead:?}");
    run(&app, "jobs", &["--replay", &dead[0].id]).await.unwrap();
    work_to_the_end(&app).await;
    assert_eq!(tries.count.load(Ordering::SeqCst), 5);
    assert_eq!(count(&app, "jobs").await, 0);
    let again = run(&app, "jobs", &["--replay", &dead[0].id]).await;
    assert!(
        again
            .unwrap_err()
            .to_string()
            .contains("is no job that failed")
    );
}

#[tokio::test]
async fn what_is_hopeless_is_tried_once() {
    let (app, _) = start().await;
    enqueue(&app, &Hopeless).await.unwrap();
    assert_eq!(app.work_jobs().await.failed, 1);
    let dead = actions::dead_jobs(&app.core, None, 10).await.unwrap();
    assert_eq!(dead[0].attempts, 1);
    assert!(dead[0].last_error.contains("does not exist"), "{dead:?}");
    run(&app, "jobs", &["--replay-all"]).await.unwrap();
    assert_eq!(actions::count_jobs(&app.core).await.unwrap().open, 1);
}

#[tokio::test]
async fn a_handler_that_panics_has_failed() {
    let (app, _) = start().await;
    enqueue(&app, &Panics).await.unwrap();
    assert_eq!(app.work_jobs().await.failed, 1);
    let errors = column(&app, "SELECT last_error FROM jobs").await;
    assert!(errors[0].contains("on purpose"), "{errors:?}");
}

#[tokio::test]
async fn one_key_is_one_job_even_after_it_was_done() {
    let (app, tries) = start().await;
    let keyed = Count {
        failures: 0,
        key: Some("order 1".into()),
    };
    for _ in 0..3 {
        enqueue(&app, &keyed).await.unwrap();
    }
    app.work_jobs().await;
    enqueue(&app, &keyed).await.unwrap();
    app.work_jobs().await;
    assert_eq!(tries.count.load(Ordering::SeqCst), 1);
    assert_eq!(column(&app, "SELECT payload FROM jobs").await, [""]);
    // The key is forgotten in the end.
    app.clock.advance(HOUR * 24 * 31);
    app.work_jobs().await;
    assert_eq!(count(&app, "jobs").await, 0);
}

#[tokio::test]
async fn a_job_that_nobody_declared_cannot_be_enqueued() {
    let app = themed(support::app()).start().await;
    let error = enqueue(&app, &counting(0)).await.unwrap_err();
    assert!(error.to_string().contains("test.count"), "{error}");
}

#[tokio::test]
async fn a_job_declared_twice_keeps_the_application_from_starting() {
    let app = App::builder("Twice", Environment::Test)
        .module(Tested(Arc::default()))
        .module(Again);
    let fault = TestApp::builder(app).try_start().await.err().unwrap();
    assert!(fault.to_string().contains("test.hopeless"), "{fault}");
}

struct Again;

impl Module for Again {
    fn name(&self) -> &'static str {
        "again"
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        install.job::<Hopeless>(|_, _| Box::pin(async { Ok(()) }));
        Ok(())
    }
}

#[tokio::test]
async fn work_on_the_clock_is_done_once_a_period() {
    let (app, tries) = start().await;
    let hours = || tries.clock.load(Ordering::SeqCst);
    app.work_jobs().await;
    app.work_jobs().await;
    assert_eq!(hours(), 0, "the first period has not ended");
    for expected in 1..=3 {
        app.clock.advance(HOUR);
        app.work_jobs().await;
        app.work_jobs().await;
        assert_eq!(hours(), expected);
    }
    app.clock.advance(HOUR * 10);
    app.work_jobs().await;
    assert_eq!(hours(), 4, "what was missed is done once");
}

#[tokio::test]
async fn workers_that_come_at_the_same_time_do_each_job_once() {
    let (app, tries) = start().await;
    for _ in 0..40 {
        enqueue(&app, &counting(0)).await.unwrap();
    }
    let workers = (0..4).map(|_| app.work_jobs());
    let worked = futures_util::future::join_all(workers).await;
    let done: usize = worked.iter().map(|one| one.done).sum();
    assert_eq!((done, tries.count.load(Ordering::SeqCst)), (40, 40));
}

/// Writes down that it began and that it ended, with a while in between.
#[derive(Serialize, Deserialize)]
struct Note {
    number: i64,
}

impl Job for Note {
    const NAME: &'static str = "test.note";
}

struct Notes;

impl Module for Notes {
    fn name(&self) -> &'static str {
        "notes"
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = "CREATE TABLE notes (number BIGINT NOT NULL, worker BIGINT NOT NULL, word TEXT NOT NULL)";
        vec![Migration::portable("0001_notes", sql)]
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        install.job::<Note>(|core, job| {
            Box::pin(async move {
                note(core, job.number, "began").await?;
                tokio::time::sleep(Duration::from_millis(200)).await;
                note(core, job.number, "ended").await
            })
        });
        Ok(())
    }
}

async fn note(core: &Core, number: i64, word: &str) -> Result<()> {
    in_transaction!(core.db(), tx => {
        sqlx::query("INSERT INTO notes VALUES ($1, $2, $3)")
            .bind(number)
            .bind(i64::from(std::process::id()))
            .bind(word)
            .execute(tx.conn())
            .await?;
        Ok(())
    })
}

/// Not a test: what a worker's process runs. It works until it is killed.
#[tokio::test]
#[ignore = "the process of a worker, started by the tests below"]
async fn worker_process() {
    let vars = std::env::vars().collect();
    let config = Config::from_vars(vars, std::path::Path::new(".")).unwrap();
    let db = Db::connect(&config.database_url).await.unwrap();
    let app = App::builder("Worker", Environment::Test).module(Notes);
    let commands = app.commands();
    let overlay = support::overlay();
    let core = app.build(config, db, Clock::System, overlay).unwrap().core;
    let worker = commands.iter().find(|one| one.cli.get_name() == "worker");
    let worker = worker.unwrap();
    let matches = worker.cli.clone().get_matches_from(["worker"]);
    (worker.run)(core, matches).await.unwrap();
}

/// A worker in a process of its own; killed when dropped.
struct WorkerProcess(std::process::Child);

impl WorkerProcess {
    fn start(app: &TestApp) -> Self {
        let program = std::env::current_exe().unwrap();
        let child = std::process::Command::new(program)
            .args(["--ignored", "--exact", "jobs::worker_process"])
            .env("APP_ENV", "test")
            .env("APP_SECRET_KEY", "a-key-for-tests-0123456789abcdef")
            .env("DATABASE_URL", app.database_url())
            .env("JOBS_LEASE", "3")
            .stdout(std::process::Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    fn id(&self) -> i64 {
        self.0.id().into()
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // SIGKILL: nothing is tidied up.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Numbers of the notes with this word, written by this worker or by all.
async fn notes(app: &TestApp, word: &str, worker: Option<i64>) -> Vec<i64> {
    use sqlx::Row as _;
    let rows = sqlx::query("SELECT number, worker FROM notes WHERE word = $1 ORDER BY number")
        .bind(word)
        .fetch_all(app.core.db().reader())
        .await
        .unwrap();
    let rows = rows.iter().map(|row| (row.get(0), row.get::<i64, _>(1)));
    let rows = rows.filter(|(_, by)| worker.is_none_or(|worker| worker == *by));
    rows.map(|(number, _)| number).collect()
}

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn workers_that_are_processes_share_the_work_and_one_that_is_killed_loses_none() {
    const JOBS: i64 = 60;
    let app = App::builder("Parent", Environment::Test).module(Notes);
    let builder = TestApp::builder(app).overlay(support::overlay());
    let app = builder.clock(Clock::System).start().await;
    for number in 0..JOBS {
        enqueue(&app, &Note { number }).await.unwrap();
    }
    let survivor = WorkerProcess::start(&app);
    let victim = WorkerProcess::start(&app);
    let victim_id = victim.id();
    let started = std::time::Instant::now();
    while notes(&app, "ended", Some(victim_id)).await.len() < 3 {
        assert!(started.elapsed() < PATIENCE, "the victim does nothing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(victim);
    while actions::count_jobs(&app.core).await.unwrap().open > 0 {
        assert!(started.elapsed() < PATIENCE, "work is left over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut ended = notes(&app, "ended", None).await;
    ended.dedup();
    assert_eq!(ended, (0..JOBS).collect::<Vec<_>>());
    assert!(!notes(&app, "ended", Some(survivor.id())).await.is_empty());
    // What the victim had under way was begun a second time; nothing else was.
    let began = notes(&app, "began", None).await.len();
    assert!(began <= ended.len() + 4, "{began}");
}
