//! Another process on a test's database that is killed right after a chosen statement. It is the test's own program
//! again, which runs one ignored test; sqlx reports each statement to it, so that nothing in the code under test knows.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use quickscale_runtime::App;
use quickscale_runtime::app::{BuiltApp, Overlay};
use quickscale_runtime::clock::{Clock, Timestamp};
use quickscale_runtime::config::Config;
use quickscale_runtime::db::{Db, Dialect};
use quickscale_runtime::ids::new_id;
use quickscale_runtime::testing::TestApp;
use sqlx::Row as _;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const URL: &str = "DEATH_URL";
const NOW: &str = "DEATH_NOW";
const STATEMENT: &str = "DEATH_STATEMENT";
/// What the process says when it has come to its last statement, in a line of its own.
const THERE: &str = "at the last statement";
/// How long PostgreSQL may take to notice.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the ignored test `role`, with `vars` in its environment, until it has done so many statements after
/// [`Life::begin`]; then kills it. Says whether it was killed: it may be done before.
///
/// PostgreSQL notices after a while that a client is dead, and keeps its locks until then: that is waited for.
pub async fn kill_after(app: &TestApp, role: &str, vars: &[(&str, &str)], statement: u32) -> bool {
    let name = format!("doomed-{}", new_id(Timestamp::from_micros(0)));
    let mut process = program(app, role)
        .env(URL, named(app.database_url(), &name))
        .env(STATEMENT, statement.to_string())
        .envs(vars.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be started again");
    let output = process.stdout.take().expect("it is piped");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let is_there = lines.any(|line| line.ends_with(THERE));
    if is_there {
        // On Unix this is SIGKILL.
        process.kill().expect("it stands still");
    }
    let status = process.wait().expect("it has ended");
    assert!(is_there || status.success(), "{role} failed by itself");
    if app.core.db().dialect() == Dialect::Postgres {
        is_forgotten(app, &name).await;
    }
    is_there
}

/// The database at `url` for a client of this name, where databases know such.
fn named(url: &str, name: &str) -> String {
    let sign = if url.contains('?') { '&' } else { '?' };
    match url.starts_with("postgres") {
        true => format!("{url}{sign}application_name={name}"),
        false => url.to_owned(),
    }
}

/// Waits until PostgreSQL has no client of this name.
async fn is_forgotten(app: &TestApp, name: &str) {
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1";
    let begun = Instant::now();
    loop {
        let row = sqlx::query(sql).bind(name);
        let row = row.fetch_one(app.core.db().reader()).await;
        let left: i64 = row.expect("it can be asked").get(0);
        if left == 0 {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{left} of {name} live on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// This program again, which runs the ignored test `role` on the test's database, at the time of its clock.
pub fn program(app: &TestApp, role: &str) -> Command {
    let mut program = Command::new(std::env::current_exe().expect("this program has a path"));
    program
        .args(["--exact", role, "--ignored", "--nocapture"])
        .env(URL, app.database_url())
        .env(NOW, app.core.now().as_micros().to_string());
    program
}

/// The other process: the application that it has, on the test's database and with its clock.
pub struct Life(pub BuiltApp);

impl Life {
    /// `app` in the other process; none in an ordinary run of the tests.
    pub async fn of(app: App, overlay: Overlay) -> Option<Self> {
        Self::with(app, overlay, (Path::new("."), &[])).await
    }

    /// The same for an application whose files stand below `root` and that reads these variables, which the parent has
    /// set.
    pub async fn with(app: App, overlay: Overlay, (root, names): (&Path, &[&str])) -> Option<Self> {
        let url = std::env::var(URL).ok()?;
        let vars = [
            ("APP_ENV", "test"),
            ("APP_SECRET_KEY", "a-key-for-tests-0123456789abcdef"),
            ("APP_URL", "http://app.test"),
            ("DATABASE_URL", &url),
        ];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let given = names.iter().map(|name| {
            let value = std::env::var(name).expect("the parent has set it");
            ((*name).to_owned(), value)
        });
        let vars = vars.into_iter().chain(given).collect();
        let config = Config::from_vars(vars, root).expect("it is right");
        let db = Db::connect(&url).await.expect("the test has a database");
        let clock = Clock::mock(Timestamp::from_micros(number(NOW)));
        let built = app.build(config, db, clock, overlay);
        Some(Self(built.expect("it can be built here, too")))
    }

    /// From now on statements are counted.
    pub fn begin(&self) {
        let left = AtomicU32::new(number(STATEMENT));
        tracing::subscriber::set_global_default(Countdown(left)).expect("it is the first");
    }
}

fn number<T: std::str::FromStr>(name: &str) -> T {
    let text = std::env::var(name).expect("the parent has set it");
    text.parse().ok().expect("it is a number")
}

/// Stops the process, wherever it is, at the statement at which the count is 0.
struct Countdown(AtomicU32);

impl Subscriber for Countdown {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, _: &Event<'_>) {
        if self.0.fetch_sub(1, Ordering::SeqCst) == 1 {
            let mut output = std::io::stdout().lock();
            let said = writeln!(output, "{THERE}").and_then(|()| output.flush());
            said.expect("the parent listens");
            loop {
                std::thread::park();
            }
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
