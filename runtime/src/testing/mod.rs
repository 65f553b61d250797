//! Tests run against the application as it is: on a throw-away database, with a clock that they move.
//! `TEST_DATABASE_URL=postgres://…` runs the same tests on PostgreSQL, each in a schema of its own.

mod client;
mod samples;

pub use client::{Answer, Client};
pub use samples::SamplePages;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::app::{App, BuiltApp, Core, Overlay};
use crate::clock::{Clock, Timestamp};
use crate::config::{Config, Vars};
use crate::db::Db;
use crate::jobs::{Worked, Worker};
use crate::mail::Message;

/// A running application that nobody else sees.
pub struct TestApp {
    pub core: Core,
    pub clock: Clock,
    router: Router,
    database: Arc<TestDatabase>,
}

/// What a [`TestApp`] is made of.
pub struct TestAppBuilder {
    app: App,
    root: PathBuf,
    overlay: Overlay,
    vars: Vars,
    clock: Clock,
}

/// 2026-01-01T00:00:00Z, where every test's clock starts.
pub const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// Does all the work of an application that is due, as a worker would.
///
/// # Panics
/// When the database does not answer.
pub async fn work_off(core: &Core) -> Worked {
    let worker = Worker::new(core.clone());
    worker.work_off().await.expect("the database answers")
}

impl TestApp {
    /// `app` with the templates and assets of the folder that the tests run in, in the environment it is made for.
    pub fn builder(app: App) -> TestAppBuilder {
        let vars = [
            ("APP_ENV", app.environment().as_str()),
            ("APP_SECRET_KEY", "a-key-for-tests-0123456789abcdef"),
            ("APP_URL", "http://app.test"),
            // However many cores the machine has.
            ("DATABASE_CONNECTIONS", "20"),
        ];
        let vars = vars
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        TestAppBuilder {
            app,
            root: ".".into(),
            overlay: Overlay::default(),
            vars,
            clock: Clock::mock(START),
        }
    }

    /// `app` on a fresh, migrated database.
    pub async fn start(app: App) -> Self {
        Self::builder(app).start().await
    }

    /// A browser that has not been here before.
    pub fn client(&self) -> Client {
        Client::of(self.router.clone())
    }

    /// Does all the work that is due, work on the clock included, as a worker would.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn work_jobs(&self) -> Worked {
        work_off(&self.core).await
    }

    /// Ends as a process does that was told to stop and has waited long enough: what is still under way leaves off, and is
    /// settled when this returns.
    pub async fn stop(&self) {
        self.core.shutdown().hurry();
        self.core.shutdown().settled().await;
    }

    /// Every mail that was sent so far, the oldest first; work that is due is done before.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn mails(&self) -> Vec<Message> {
        self.work_jobs().await;
        let letterbox = self.core.mailer().letterbox();
        let letterbox = letterbox.expect("in tests mails are kept");
        letterbox.messages().expect("memory can be read")
    }

    /// Everything that answers requests, for tests that bring their own client.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The address under which another process reaches this test's database.
    pub fn database_url(&self) -> &str {
        &self.database.url
    }
}

impl TestAppBuilder {
    /// Sets an environment variable of the application.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.into(), value.into());
        self
    }

    /// Another clock than one that stands still at [`START`].
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The folder with `templates/`, `static/` and `migrations/`.
    #[must_use]
    pub fn root(mut self, root: &Path) -> Self {
        self.root = root.into();
        self
    }

    /// Takes templates and assets from elsewhere.
    #[must_use]
    pub fn overlay(mut self, overlay: Overlay) -> Self {
        self.overlay = overlay;
        self
    }

    /// The application on a fresh, migrated database.
    ///
    /// # Panics
    /// When it does not start; the panic says why.
    pub async fn start(self) -> TestApp {
        self.try_start().await.expect("the application starts")
    }

    /// As [`TestAppBuilder::start`], for tests of faults.
    ///
    /// # Errors
    /// When the application does not start.
    pub async fn try_start(self) -> anyhow::Result<TestApp> {
        let database = TestDatabase::create().await?;
        self.start_on(database.into()).await
    }

    /// The application as another process that shares database and clock with `other`.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn replica_of(mut self, other: &TestApp) -> TestApp {
        self.clock = other.clock.clone();
        let started = self.start_on(other.database.clone()).await;
        started.expect("the application starts")
    }

    async fn start_on(mut self, database: Arc<TestDatabase>) -> anyhow::Result<TestApp> {
        self.vars
            .insert("DATABASE_URL".into(), database.url.clone());
        let config = Config::from_vars(self.vars, &self.root)?;
        let db = Db::connect_by(&database.url, config.database_connections).await?;
        let clock = self.clock;
        let BuiltApp { core, router } = self.app.build(config, db, clock.clone(), self.overlay)?;
        core.migrate().await?;
        Ok(TestApp {
            core,
            clock,
            router,
            database,
        })
    }
}

/// A database of one test: a file in a folder of its own, or a schema. Gone when dropped.
pub struct TestDatabase {
    pub url: String,
    folder: Option<PathBuf>,
    schema: Option<(String, String)>,
}

impl TestDatabase {
    /// An empty database.
    ///
    /// # Errors
    /// When `TEST_DATABASE_URL` names a server that cannot be reached.
    pub async fn create() -> anyhow::Result<Self> {
        let name = format!("test_{}", crate::crypto::hex(&rand::random::<[u8; 8]>()));
        match std::env::var("TEST_DATABASE_URL") {
            Ok(server) if !server.is_empty() => Self::schema(&server, name).await,
            _ => {
                let folder = std::env::temp_dir().join(format!("quickscale_{name}"));
                let url = format!("sqlite://{}", folder.join("app.db").display());
                Ok(Self {
                    url,
                    folder: Some(folder),
                    schema: None,
                })
            }
        }
    }

    async fn schema(server: &str, name: String) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        let mut connection = sqlx::AnyConnection::connect(server)
            .await
            .context("TEST_DATABASE_URL cannot be reached")?;
        connection
            .execute(AssertSqlSafe(format!("CREATE SCHEMA {name}")))
            .await?;
        connection.close().await?;
        let joint = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{joint}options[search_path]={name}");
        Ok(Self {
            url,
            folder: None,
            schema: Some((server.to_owned(), name)),
        })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
        // The schema goes with the server: dropping it here would need a second runtime.
        let _ = &self.schema;
    }
}
