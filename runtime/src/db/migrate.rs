//! Migrations, per module: each runs once, in order, under a lock that all replicas share.
//! A module that was switched off keeps its tables and its entries.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use sqlx::any::AnyExecutor;
use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use super::{Db, Dialect};
use crate::clock::Clock;
use crate::crypto::token_digest;

/// One step of a module's schema.
#[derive(Debug, Clone)]
pub struct Migration {
    /// Sorts in the order of application: `0001_users`.
    pub name: Cow<'static, str>,
    sqlite: Cow<'static, str>,
    postgres: Cow<'static, str>,
}

/// Whether a migration has been applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    pub module: String,
    pub name: String,
    pub applied: bool,
}

impl Migration {
    /// SQL that both databases understand.
    pub const fn portable(name: &'static str, sql: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            sqlite: Cow::Borrowed(sql),
            postgres: Cow::Borrowed(sql),
        }
    }

    /// SQL for each database, where they differ.
    pub const fn by_dialect(
        name: &'static str,
        sqlite: &'static str,
        postgres: &'static str,
    ) -> Self {
        Self {
            name: Cow::Borrowed(name),
            sqlite: Cow::Borrowed(sqlite),
            postgres: Cow::Borrowed(postgres),
        }
    }

    /// The files `NAME.sql` in `folder`; `NAME.sqlite.sql` and `NAME.postgres.sql` where they differ.
    ///
    /// # Errors
    /// When a file cannot be read, or only one of the two dialects is there.
    pub fn from_folder(folder: &Path) -> anyhow::Result<Vec<Self>> {
        let mut scripts: BTreeMap<String, [Option<String>; 2]> = BTreeMap::new();
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Ok(Vec::new());
        };
        for entry in entries {
            let path = entry?.path();
            let file = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let Some(name) = file.strip_suffix(".sql") else {
                continue;
            };
            let sql = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            if let Some(name) = name.strip_suffix(".sqlite") {
                scripts.entry(name.into()).or_default()[0] = Some(sql);
            } else if let Some(name) = name.strip_suffix(".postgres") {
                scripts.entry(name.into()).or_default()[1] = Some(sql);
            } else {
                scripts.insert(name.into(), [Some(sql.clone()), Some(sql)]);
            }
        }
        scripts
            .into_iter()
            .map(|(name, scripts)| match scripts {
                [Some(sqlite), Some(postgres)] => Ok(Self {
                    name: name.into(),
                    sqlite: sqlite.into(),
                    postgres: postgres.into(),
                }),
                _ => bail!("migration {name} is there for one database only; add the other file"),
            })
            .collect()
    }

    fn sql(&self, dialect: Dialect) -> &str {
        match dialect {
            Dialect::Sqlite => &self.sqlite,
            Dialect::Postgres => &self.postgres,
        }
    }
}

/// The migrations of one module.
pub type ModuleMigrations = (String, Vec<Migration>);

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    module TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, applied_at BIGINT NOT NULL,
    PRIMARY KEY (module, name))";
/// An arbitrary number that only this application's migrations lock.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7161726117)";

impl Db {
    /// Applies what is missing and says what was applied. Several processes may call it at once.
    ///
    /// # Errors
    /// When a script fails (nothing of this call is kept), or an applied script was changed since.
    pub async fn migrate(
        &self,
        modules: &[ModuleMigrations],
        clock: &Clock,
    ) -> anyhow::Result<Vec<MigrationStatus>> {
        let mut tx = self.begin().await?;
        if self.dialect() == Dialect::Postgres {
            tx.conn().execute(LOCK).await?;
        }
        tx.conn().execute(TABLE).await?;
        let applied = applied(tx.conn()).await?;
        let mut done = Vec::new();
        for (module, migration) in each(modules) {
            let sql = migration.sql(self.dialect());
            let name = migration.name.as_ref();
            let digest = token_digest(sql);
            match applied.get(&(module.to_owned(), name.to_owned())) {
                Some(known) if *known == digest => continue,
                Some(_) => bail!(
                    "migration {module}/{name} was changed after it had been applied; \
                     undo the change and add a new migration instead"
                ),
                None => {}
            }
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
                .execute(tx.conn())
                .await
                .with_context(|| format!("migration {module}/{name} failed"))?;
            sqlx::query("INSERT INTO schema_migrations VALUES ($1, $2, $3, $4)")
                .bind(module)
                .bind(name)
                .bind(digest)
                .bind(clock.now().as_micros())
                .execute(tx.conn())
                .await?;
            done.push(status(module, name, true));
        }
        tx.commit().await?;
        Ok(done)
    }

    /// Each migration and whether it has been applied.
    pub async fn migration_status(
        &self,
        modules: &[ModuleMigrations],
    ) -> anyhow::Result<Vec<MigrationStatus>> {
        let applied = applied(self.reader()).await.unwrap_or_default();
        let is_applied =
            |module: &str, name: &str| applied.contains_key(&(module.to_owned(), name.to_owned()));
        Ok(each(modules)
            .map(|(module, migration)| {
                status(module, &migration.name, is_applied(module, &migration.name))
            })
            .collect())
    }
}

fn each(modules: &[ModuleMigrations]) -> impl Iterator<Item = (&str, &Migration)> {
    modules
        .iter()
        .flat_map(|(module, all)| all.iter().map(move |one| (module.as_str(), one)))
}

fn status(module: &str, name: &str, applied: bool) -> MigrationStatus {
    MigrationStatus {
        module: module.into(),
        name: name.into(),
        applied,
    }
}

async fn applied(
    on: impl AnyExecutor<'_>,
) -> Result<BTreeMap<(String, String), String>, sqlx::Error> {
    let rows = sqlx::query("SELECT module, name, digest FROM schema_migrations")
        .fetch_all(on)
        .await?;
    rows.iter()
        .map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?)))
        .collect()
}
