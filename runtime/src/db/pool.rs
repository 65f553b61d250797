//! Connections that are lent for one query or one transaction and come back.
//!
//! sqlx's own pool asks every connection that comes back whether it still lives: a second round trip for each query.
//! Here a connection is asked only when something went wrong with it, was given up half-way, or was long ago.

use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, PoolError, RecycleResult, Timeouts};
use deadpool::{Runtime, managed};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::any::{AnyConnectOptions, AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{Any, AnyConnection, Connection as _, Either, Error, Execute, Executor, SqlStr};
use tokio::runtime::Handle;

/// A connection that was lent longer ago is asked whether it still lives before it is lent again.
const UNASKED: Duration = Duration::from_secs(5);
/// How long a query waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections to one database. Clones share them; `&Pool` runs queries.
#[derive(Debug, Clone)]
pub struct Pool(managed::Pool<Connector>);

/// How connections are made, and asked whether they live.
#[derive(Debug)]
struct Connector {
    options: AnyConnectOptions,
    setup: Option<&'static str>,
}

/// A connection on loan. Dropped, it goes back.
#[derive(Debug)]
pub(super) struct Loan {
    /// None once it was given back.
    object: Option<Object<Connector>>,
    /// What has to be done before somebody else may have it.
    afterwards: Afterwards,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    Nothing,
    /// A query may be under way or have failed: what is left of its answer is read.
    Ask,
    /// A transaction may be open.
    RollBack,
}

impl Manager for Connector {
    type Type = AnyConnection;
    type Error = Error;

    async fn create(&self) -> Result<AnyConnection, Error> {
        let mut connection = AnyConnection::connect_with(&self.options).await?;
        if let Some(setup) = self.setup {
            connection.execute(setup).await?;
        }
        Ok(connection)
    }

    async fn recycle(
        &self,
        connection: &mut AnyConnection,
        metrics: &Metrics,
    ) -> RecycleResult<Error> {
        if metrics.last_used() > UNASKED {
            connection.ping().await?;
        }
        Ok(())
    }
}

impl Pool {
    /// Connects once, so that a wrong address is known now. `setup` runs on each new connection.
    pub(super) async fn open(
        options: AnyConnectOptions,
        size: usize,
        setup: Option<&'static str>,
    ) -> Result<Self, Error> {
        let pool = managed::Pool::builder(Connector { options, setup })
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(PATIENCE),
                create: Some(PATIENCE),
                recycle: Some(PATIENCE),
            })
            // The one that came back last: its statements are warm, and a quiet time needs few connections.
            .queue_mode(managed::QueueMode::Lifo)
            .build()
            .map_err(|fault| Error::Configuration(fault.into()))?;
        let pool = Self(pool);
        pool.lend().await?;
        Ok(pool)
    }

    /// A connection for one query; what else is done with it is seen to by whoever asked.
    async fn lend(&self) -> Result<Loan, Error> {
        let object = self.0.get().await.map_err(|fault| match fault {
            PoolError::Backend(fault) => fault,
            PoolError::Closed => Error::PoolClosed,
            _ => Error::PoolTimedOut,
        })?;
        Ok(Loan {
            object: Some(object),
            afterwards: Afterwards::Nothing,
        })
    }

    /// A connection on which `sql` began a transaction. Dropped without [`Loan::finish`], it is rolled back.
    pub(super) async fn begin(&self, sql: &'static str) -> Result<Loan, Error> {
        let mut loan = self.lend().await?;
        loan.afterwards = Afterwards::RollBack;
        loan.connection().execute(sql).await?;
        Ok(loan)
    }

    /// Closes every connection; those on loan when they come back.
    pub(super) async fn close(&self) {
        let idle = self.0.retain(|_, _| false);
        self.0.close();
        for connection in idle.removed {
            // It was idle: whatever this says, nothing is lost.
            let _ = connection.close().await;
        }
    }
}

impl Loan {
    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        let object = self.object.as_mut();
        object.expect("it is given back only when it is dropped")
    }

    /// Ends the transaction with `sql`, COMMIT or ROLLBACK.
    pub(super) async fn finish(mut self, sql: &'static str) -> Result<(), Error> {
        self.connection().execute(sql).await?;
        self.afterwards = Afterwards::Nothing;
        Ok(())
    }

    /// Notes how a query went that ran to its end.
    fn note<T>(&mut self, outcome: &Result<T, Error>) {
        if outcome.is_ok() {
            self.afterwards = Afterwards::Nothing;
        }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let Some(mut object) = self.object.take() else {
            return;
        };
        let afterwards = self.afterwards;
        if afterwards == Afterwards::Nothing {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            drop(Object::take(object));
            return;
        };
        runtime.spawn(async move {
            let tidied = tidy(&mut object, afterwards);
            if !matches!(tokio::time::timeout(PATIENCE, tidied).await, Ok(Ok(()))) {
                drop(Object::take(object));
            }
        });
    }
}

/// Makes a connection fit for the next, or fails; then it is closed.
async fn tidy(connection: &mut AnyConnection, afterwards: Afterwards) -> Result<(), Error> {
    if afterwards == Afterwards::RollBack {
        // On SQLite a transaction that failed may have ended by itself, and then this fails, too.
        let _ = connection.execute("ROLLBACK").await;
    }
    connection.ping().await
}

/// Runs one query on a connection of its own.
macro_rules! lent {
    ($pool:expr, $method:ident($($argument:expr),+)) => {{
        let pool = $pool.clone();
        Box::pin(async move {
            let mut loan = pool.lend().await?;
            loan.afterwards = Afterwards::Ask;
            let outcome = loan.connection().$method($($argument),+).await;
            loan.note(&outcome);
            outcome
        })
    }};
}

impl<'p> Executor<'p> for &Pool {
    type Database = Any;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<AnyQueryResult, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        lent!(self, execute(query))
    }

    /// Reads every row before it gives the first: a slow reader holds no connection.
    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<AnyQueryResult, AnyRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let pool = self.clone();
        let all = async move {
            let mut loan = pool.lend().await?;
            loan.afterwards = Afterwards::Ask;
            let steps: Result<Vec<_>, _> = loan.connection().fetch_many(query).try_collect().await;
            loan.note(&steps);
            Ok::<_, Error>(stream::iter(steps?).map(Ok))
        };
        stream::once(all).try_flatten().boxed()
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<AnyRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        lent!(self, fetch_all(query))
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        lent!(self, fetch_optional(query))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'p: 'e,
    {
        lent!(self, prepare_with(sql, parameters))
    }
}
