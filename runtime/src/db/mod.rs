//! The database: SQLite (one writer, many readers) or PostgreSQL, behind one driver.
//! SQL is written once, with `$1` placeholders and the types TEXT and BIGINT.

#[cfg(test)]
pub(crate) mod explain;
mod migrate;
mod pool;
mod writer;

pub use migrate::{Migration, MigrationStatus, ModuleMigrations};
pub use pool::Pool;

use std::num::NonZeroUsize;
use std::str::FromStr as _;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, Connection as _, Executor as _};
use tokio::sync::Notify;

use crate::error::{Error, Result};
use pool::Loan;
use writer::{Turn, Writer};

/// Which database system answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// The application's database. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Db {
    reader: Pool,
    /// SQLite only: elsewhere every connection may write.
    writer: Option<Writer>,
}

/// The same database, for transactions whose commit need not wait for the disk. See [`Db::unhurried`].
#[derive(Debug, Clone, Copy)]
pub struct Unhurried<'db>(&'db Db);

impl Unhurried<'_> {
    /// As [`Db::begin`].
    pub async fn begin(&self) -> Result<Tx> {
        match self.0.dialect() {
            Dialect::Sqlite => self.0.begin().await,
            Dialect::Postgres => {
                let begin = "BEGIN; SET LOCAL synchronous_commit = off";
                let inner = Inner::Postgres(self.0.reader.begin(begin).await?);
                Ok(Tx { inner, bell: None })
            }
        }
    }
}

/// A transaction that only reads. Dropped, it ends.
pub struct Snapshot(Loan);

impl Snapshot {
    /// Where the queries of this transaction go.
    pub fn conn(&mut self) -> &mut AnyConnection {
        self.0.connection()
    }
}

/// A writing transaction. Dropped without [`Tx::commit`], it is rolled back.
pub struct Tx {
    inner: Inner,
    /// Whom the commit wakes.
    bell: Option<Arc<Notify>>,
}

enum Inner {
    Sqlite(Turn),
    Postgres(Loan),
}

/// How often a transaction that met a deadlock or a lost race is run again.
const ATTEMPTS: u32 = 5;
/// How long a file that others open at the same time is waited for.
const OPENING: Duration = Duration::from_secs(10);
const SQLITE_READERS: usize = 4;
/// More than this are only worth their memory where somebody has measured it.
const MOST_CONNECTIONS: usize = 20;

/// How many connections to PostgreSQL a process has that was not told: two more than twice its cores, which keeps these
/// busy while some wait for the disk. Further transactions would only slow each other down, and some of them by much;
/// those that wait for a connection get one in their order, so that all of them wait about as long.
pub fn default_connections() -> NonZeroUsize {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new((2 * cores + 2).min(MOST_CONNECTIONS)).unwrap_or(NonZeroUsize::MIN)
}

impl Db {
    /// Opens `sqlite://PATH` (made if it is not there) or `postgres://…`.
    ///
    /// # Errors
    /// When the address does not parse or nothing answers there.
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        Self::connect_by(url, default_connections()).await
    }

    /// As [`Db::connect`], by so many connections to PostgreSQL at most.
    ///
    /// # Errors
    /// As [`Db::connect`].
    pub async fn connect_by(url: &str, connections: NonZeroUsize) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        if url.starts_with("sqlite:") {
            Self::sqlite(url).await
        } else {
            Self::postgres(url, connections).await
        }
    }

    async fn sqlite(url: &str) -> anyhow::Result<Self> {
        let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
        let path = path.split('?').next().unwrap_or(path);
        if let Some(folder) = std::path::Path::new(path).parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        let options = AnyConnectOptions::from_str(&format!("sqlite://{path}?mode=rwc"))?;
        let opening = || format!("cannot open the SQLite file {path}");
        let mut writer = AnyConnection::connect_with(&options)
            .await
            .with_context(opening)?;
        use_write_ahead_log(&mut writer)
            .await
            .with_context(opening)?;
        writer.execute(SQLITE_PRAGMAS).await.with_context(opening)?;
        let reader = Pool::open(options, SQLITE_READERS, Some(SQLITE_PRAGMAS));
        Ok(Self {
            reader: reader.await.with_context(opening)?,
            writer: Some(Writer::new(writer)),
        })
    }

    async fn postgres(url: &str, connections: NonZeroUsize) -> anyhow::Result<Self> {
        let options = AnyConnectOptions::from_str(url).context("DATABASE_URL does not parse")?;
        let is_encrypted = url.contains("sslmode=require") || url.contains("sslmode=verify");
        ensure!(
            cfg!(feature = "postgres-tls") || !is_encrypted,
            "DATABASE_URL demands an encrypted connection, which this build cannot make; \
             build with `--features postgres-tls`"
        );
        let pool = Pool::open(options, connections.get(), None)
            .await
            .context("cannot reach PostgreSQL; is it running, and is DATABASE_URL right?")?;
        Ok(Self {
            reader: pool,
            writer: None,
        })
    }

    pub fn dialect(&self) -> Dialect {
        match self.writer {
            Some(_) => Dialect::Sqlite,
            None => Dialect::Postgres,
        }
    }

    /// Connections for queries that change nothing.
    pub fn reader(&self) -> &Pool {
        &self.reader
    }

    /// Begins a writing transaction (`BEGIN IMMEDIATE` on SQLite: a deferred one that turns writer fails).
    pub async fn begin(&self) -> Result<Tx> {
        let inner = match &self.writer {
            Some(writer) => Inner::Sqlite(writer.begin().await?),
            None => Inner::Postgres(self.reader.begin("BEGIN").await?),
        };
        Ok(Tx { inner, bell: None })
    }

    /// As [`Db::begin`], for changes that nobody has been told of and that may be lost together with the power. On
    /// PostgreSQL the commit then does not wait for the disk; later commits that wait keep this one, too, and in a
    /// crash either all of the transaction is lost or nothing. SQLite waits as always: those who write at the same
    /// time share one wait there.
    pub fn unhurried(&self) -> Unhurried<'_> {
        Unhurried(self)
    }

    /// Begins a transaction that only reads, and sees the database as it was at its first query.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let begin = match self.dialect() {
            Dialect::Sqlite => "BEGIN",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        Ok(Snapshot(self.reader.begin(begin).await?))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.reader).await?;
        Ok(())
    }

    /// Closes every connection; on SQLite this folds the write-ahead log into the file.
    pub async fn close(&self) {
        self.reader.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}

impl Tx {
    /// Where the queries of this transaction go.
    pub fn conn(&mut self) -> &mut AnyConnection {
        match &mut self.inner {
            Inner::Sqlite(turn) => turn.connection(),
            Inner::Postgres(loan) => loan.connection(),
        }
    }

    pub fn dialect(&self) -> Dialect {
        match self.inner {
            Inner::Sqlite(_) => Dialect::Sqlite,
            Inner::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Rings when the changes are kept.
    pub(crate) fn wake_after_commit(&mut self, bell: Arc<Notify>) {
        self.bell = Some(bell);
    }

    /// Keeps what was changed: when this returns, a failure of the power loses none of it.
    pub async fn commit(self) -> Result<()> {
        match self.inner {
            Inner::Sqlite(turn) => turn.commit().await?,
            Inner::Postgres(loan) => loan.finish("COMMIT").await?,
        }
        if let Some(bell) = self.bell {
            bell.notify_one();
        }
        Ok(())
    }

    /// Undoes what was changed. Unlike dropping the transaction, this returns only when everything that it saw
    /// is kept, so that others see it too.
    pub async fn roll_back(self) -> Result<()> {
        match self.inner {
            Inner::Sqlite(turn) => turn.roll_back().await,
            Inner::Postgres(loan) => Ok(loan.finish("ROLLBACK").await?),
        }
    }

    /// Keeps what was changed, or undoes it where the work `failed`; where two transactions met, waits a while for
    /// another try. The part of [`in_transaction!`](crate::in_transaction) that need not be compiled for each use of it.
    pub async fn end(self, failed: Option<&Error>, attempt: &mut u32) -> Ending {
        let ended = match failed {
            None => self.commit().await,
            Some(_) => self.roll_back().await,
        };
        let fault = ended.as_ref().err().or(failed);
        if *attempt < ATTEMPTS && fault.is_some_and(is_transient) {
            tokio::time::sleep(Duration::from_millis(5 << *attempt)).await;
            *attempt += 1;
            return Ending::Again;
        }
        ended.map_or_else(Ending::Fault, |()| Ending::Done)
    }
}

/// How one try of a transaction ended.
#[derive(Debug)]
pub enum Ending {
    /// As its work did: everything is kept, or nothing.
    Done,
    /// It met another one; nothing is kept, and its work is to be done again.
    Again,
    /// The database could not end it.
    Fault(Error),
}

/// Whether `error` comes of two transactions that met, so that running this one again may help.
pub fn is_transient(error: &Error) -> bool {
    let Some(cause) = &error.problem().cause else {
        return false;
    };
    let Some(sqlx::Error::Database(fault)) = cause.downcast_ref::<sqlx::Error>() else {
        return false;
    };
    // PostgreSQL: serialization_failure, deadlock_detected.
    is_busy(fault.as_ref()) || matches!(fault.code().as_deref(), Some("40001" | "40P01"))
}

/// SQLite's SQLITE_BUSY and its kinds.
fn is_busy(fault: &dyn sqlx::error::DatabaseError) -> bool {
    matches!(fault.code().as_deref(), Some("5" | "261" | "517"))
}

/// Whether `error` is the violation of a unique constraint.
pub fn is_unique_violation(error: &Error) -> bool {
    let cause = error
        .problem()
        .cause
        .as_ref()
        .and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(sqlx::Error::Database(fault)) if fault.is_unique_violation())
}

/// Runs a block in one writing transaction and commits it; runs it again when two transactions met.
///
/// `in_transaction!(db, tx => { … })`: the block is an `async` body that gives a `Result`, uses
/// `tx: &mut Tx`, and may run more than once.
#[macro_export]
macro_rules! in_transaction {
    ($db:expr, $tx:ident => $body:expr) => {{
        let mut attempt = 1;
        loop {
            let mut transaction = $db.begin().await?;
            let outcome: $crate::error::Result<_> = async {
                let $tx = &mut transaction;
                $body
            }
            .await;
            match transaction.end(outcome.as_ref().err(), &mut attempt).await {
                $crate::db::Ending::Done => break outcome,
                $crate::db::Ending::Again => {}
                $crate::db::Ending::Fault(fault) => break Err(fault),
            }
        }
    }};
}

// `synchronous = FULL`: in WAL mode the default may forget the newest transactions when the power fails,
// and among them could be a credit that was spent.
const SQLITE_PRAGMAS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA busy_timeout = 5000;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -4000;
";

/// The mode stands in the file. SQLite's own waiting does not cover the change to it, so that of several processes
/// that make one file together some would be turned away.
async fn use_write_ahead_log(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    let give_up = tokio::time::Instant::now() + OPENING;
    loop {
        match connection.execute("PRAGMA journal_mode = WAL").await {
            Err(sqlx::Error::Database(fault))
                if is_busy(fault.as_ref()) && tokio::time::Instant::now() < give_up =>
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            outcome => return outcome.map(drop),
        }
    }
}
