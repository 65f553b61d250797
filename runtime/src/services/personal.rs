//! What this domain knows of somebody: for that person to take along, and to be forgotten with him.

use serde_json::{Value, json};

use super::actions;
use super::entity::Run;
use super::store;
use crate::app::Core;
use crate::auth::UserRemoved;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::{AFTER_ALL, UserId};
use crate::personal::{PersonalFile, PersonalFiles, paged};

const PAGE: i64 = 200;

/// Every run with what was asked for and what came of it, the newest first.
pub(super) fn files(core: Core, user: UserId) -> PersonalFiles {
    paged(AFTER_ALL.to_owned(), move |before, number| {
        let (core, user) = (core.clone(), user.clone());
        async move {
            let runs = store::runs_of(core.db(), &user, &before, PAGE).await?;
            let Some(last) = runs.last().map(|run| run.id.to_string()) else {
                return Ok((None, None));
            };
            let rows: Vec<_> = runs.iter().map(row).collect();
            let file = PersonalFile::json(format!("services/runs-{number}.json"), &rows)?;
            Ok((Some(file), Some(last)))
        }
    })
}

fn row(run: &Run) -> Value {
    json!({
        "id": run.id,
        "service": run.service,
        "status": run.status,
        "credits": run.cost.to_string(),
        "input": run.input,
        "output": run.output,
        "error": run.error,
        "started_at": run.started_at.rfc3339(),
        "finished_at": run.finished_at.map(|at| at.rfc3339()),
    })
}

/// Forgets what somebody asked for and what came of it. That there was a run stays, as the ledger names it. One that has
/// not ended ends now, so that whoever works on it has nothing to write any more.
pub(super) async fn forget(
    core: &Core,
    tx: &mut Tx,
    UserRemoved { user }: &UserRemoved,
) -> Result<()> {
    actions::end_all(core, tx, user).await?;
    store::forget_contents(tx, user).await
}
