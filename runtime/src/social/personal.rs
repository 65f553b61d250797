//! What this domain knows of somebody: for that person to take along, and to be forgotten with him.

use serde_json::{Value, json};

use super::store::{self, Linked};
use crate::app::Core;
use crate::auth::UserRemoved;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::UserId;
use crate::personal::{PersonalFile, PersonalFiles, together};

pub(super) fn files(core: Core, user: UserId) -> PersonalFiles {
    together(async move {
        let identities = store::of(core.db(), &user).await?;
        let rows: Vec<_> = identities.iter().map(row).collect();
        let file = PersonalFile::json("social/identities.json", &rows)?;
        Ok(if rows.is_empty() {
            Vec::new()
        } else {
            vec![file]
        })
    })
}

fn row(one: &Linked) -> Value {
    json!({
        "issuer": one.issuer,
        "subject": one.subject,
        "known_as": one.label,
        "last_used_at": one.used_at.rfc3339(),
    })
}

/// Forgets who somebody is elsewhere: he comes back as a newcomer.
pub(super) async fn forget(tx: &mut Tx, removed: &UserRemoved) -> Result<()> {
    store::forget(tx, &removed.user).await
}
