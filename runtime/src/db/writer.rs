//! SQLite's one writing connection. Transactions that come together share one commit and so one wait for the
//! disk, as PostgreSQL does it by itself: each is a savepoint of an outer transaction, which is committed when
//! those that stood in line have had their turn. Nobody gets an answer before everything is kept that it was
//! made of: the changes of its own turn, and those of the turns before it, which it has seen.
//!
//! A constraint that is only checked at the commit (`DEFERRABLE`) fails everybody who shares it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AnyConnection, Connection as _, Executor as _};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use crate::error::{Error, Result};

/// How long a transaction waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// The connection. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Writer(Arc<Mutex<Outer>>);

/// The transaction that is committed, with what is going on in it.
#[derive(Debug)]
struct Outer {
    /// None once it was closed.
    connection: Option<AnyConnection>,
    phase: Phase,
    savepoint: Savepoint,
    /// Whoever wants to know of the commit.
    waiting: Vec<oneshot::Sender<Result<(), String>>>,
    /// A task that will commit stands in line.
    is_settling: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closed,
    /// `BEGIN` was sent, and nobody waited for the answer.
    Unsure,
    Open,
}

/// Where the transaction whose turn it is stands; where the last one stood, when whoever ran it went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Savepoint {
    None,
    /// `SAVEPOINT` was sent, and the answer is still to come.
    Entering,
    Inside,
    /// `RELEASE` was sent, and the answer is still to come.
    Leaving,
}

/// One transaction. Dropped without [`Turn::commit`], it is rolled back.
pub(super) struct Turn {
    outer: OwnedMutexGuard<Outer>,
    writer: Writer,
}

impl Writer {
    pub fn new(connection: AnyConnection) -> Self {
        Self(Arc::new(Mutex::new(Outer {
            connection: Some(connection),
            phase: Phase::Closed,
            savepoint: Savepoint::None,
            waiting: Vec::new(),
            is_settling: false,
        })))
    }

    /// Waits for its turn and begins a transaction.
    pub async fn begin(&self) -> Result<Turn> {
        let turn = tokio::time::timeout(PATIENCE, self.0.clone().lock_owned());
        let outer = turn.await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let mut turn = Turn {
            outer,
            writer: self.clone(),
        };
        turn.outer.enter().await?;
        Ok(turn)
    }

    /// Commits what is there and closes the connection.
    pub async fn close(&self) {
        let mut outer = self.0.lock().await;
        outer.settle().await;
        if let Some(connection) = outer.connection.take() {
            let _ = connection.close().await;
        }
    }

    /// Lets those who already stand in line have their turn, then commits.
    fn settle_later(&self, outer: &mut Outer) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if std::mem::replace(&mut outer.is_settling, true) {
            return;
        }
        let writer = self.0.clone();
        runtime.spawn(async move {
            // The mutex is fair: this comes after everybody who waits for it now.
            writer.lock().await.settle().await;
        });
    }
}

impl Turn {
    pub fn connection(&mut self) -> &mut AnyConnection {
        let connection = self.outer.connection.as_mut();
        connection
            .expect("a turn begins only on an open connection, and nobody closes it meanwhile")
    }

    /// Returns when the changes are kept.
    pub async fn commit(mut self) -> Result<()> {
        self.outer.leave().await?;
        self.settled().await
    }

    /// Undoes this turn. It may have failed for what it saw of the turns before it, so that its failure may be
    /// told only once those are kept: this returns when they are.
    pub async fn roll_back(mut self) -> Result<()> {
        self.outer.tidy_up().await;
        if self.outer.waiting.is_empty() {
            return Ok(());
        }
        self.settled().await
    }

    /// Frees the connection for the next and waits for the commit.
    async fn settled(mut self) -> Result<()> {
        let (tell, told) = oneshot::channel();
        self.outer.waiting.push(tell);
        drop(self);
        match told.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(fault)) => Err(Error::internal(anyhow::anyhow!("commit: {fault}"))),
            Err(_) => Err(Error::internal(anyhow::anyhow!("the commit was given up"))),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let writer = self.writer.clone();
        writer.settle_later(&mut self.outer);
    }
}

impl Outer {
    async fn execute(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        let connection = self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        connection.execute(sql).await.map(drop)
    }

    async fn enter(&mut self) -> Result<(), sqlx::Error> {
        self.tidy_up().await;
        if self.phase == Phase::Open {
            self.savepoint = Savepoint::Entering;
            let entered = self.execute("SAVEPOINT turn").await;
            self.savepoint = Savepoint::Inside;
            return entered;
        }
        self.phase = Phase::Unsure;
        self.execute("BEGIN IMMEDIATE; SAVEPOINT turn").await?;
        self.phase = Phase::Open;
        self.savepoint = Savepoint::Inside;
        Ok(())
    }

    async fn leave(&mut self) -> Result<(), sqlx::Error> {
        self.savepoint = Savepoint::Leaving;
        let left = self.execute("RELEASE turn").await;
        self.savepoint = match left {
            Ok(()) => Savepoint::None,
            Err(_) => Savepoint::Inside,
        };
        left
    }

    /// Rolls back what a transaction left that was dropped.
    async fn tidy_up(&mut self) {
        if self.phase == Phase::Unsure {
            // Nobody shares it yet, and it may not even have begun.
            let _ = self.execute("ROLLBACK").await;
            self.phase = Phase::Closed;
            self.savepoint = Savepoint::None;
        }
        let left = std::mem::replace(&mut self.savepoint, Savepoint::None);
        if left == Savepoint::None {
            return;
        }
        let undone = self.execute("ROLLBACK TO turn; RELEASE turn").await;
        if let (Savepoint::Inside, Err(fault)) = (left, undone) {
            // A full disk or a failing one has undone the outer transaction, too.
            self.end(Err(fault)).await;
        }
    }

    /// Commits and tells everybody who waits.
    async fn settle(&mut self) {
        self.is_settling = false;
        self.tidy_up().await;
        if self.phase == Phase::Open {
            let done = self.execute("COMMIT").await;
            self.end(done).await;
        }
    }

    async fn end(&mut self, done: Result<(), sqlx::Error>) {
        if let Err(fault) = &done {
            tracing::error!(%fault, "changes could not be kept");
            let _ = self.execute("ROLLBACK").await;
        }
        self.phase = Phase::Closed;
        let done = done.map_err(|fault| fault.to_string());
        for waiting in self.waiting.drain(..) {
            // Whoever does not listen any more has no answer to give either.
            let _ = waiting.send(done.clone());
        }
    }
}
