//! What the staff does to things that no domain with a record of its own owns.

use serde_json::json;

use crate::app::Core;
use crate::auth::audit::{Actor, AuditEntry};
use crate::error::Result;
use crate::{in_transaction, jobs};

/// Has work that failed for good tried again, and records who wanted it. Says the job's name.
pub(super) async fn replay(core: &Core, actor: &Actor, id: &str) -> Result<String> {
    in_transaction!(core.db(), tx => {
        let name = jobs::actions::replay(core, tx, id).await?;
        let entry = AuditEntry::new(actor, "job.replayed", ("job", id)).details(json!({ "job": name }));
        entry.record(tx, core.now()).await?;
        Ok(name)
    })
}
