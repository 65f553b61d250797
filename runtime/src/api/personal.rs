//! What this domain knows of somebody: for that person to take along, and to be forgotten with him.

use serde_json::{Value, json};

use super::actions;
use super::entity::ApiKey;
use super::store::keys as store;
use crate::app::Core;
use crate::auth::UserRemoved;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::UserId;
use crate::personal::{PersonalFile, PersonalFiles, together};

/// The keys, of which only the beginning is known.
pub(super) fn files(core: Core, user: UserId) -> PersonalFiles {
    together(async move {
        let keys = actions::list_keys(&core, &user).await?;
        let rows: Vec<_> = keys.iter().map(row).collect();
        let file = PersonalFile::json("api/keys.json", &rows)?;
        Ok(if rows.is_empty() {
            Vec::new()
        } else {
            vec![file]
        })
    })
}

fn row(key: &ApiKey) -> Value {
    let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
    json!({
        "id": key.id,
        "handle": key.handle,
        "name": key.name,
        "scopes": key.scopes,
        "created_at": key.created_at.rfc3339(),
        "expires_at": time(key.expires_at),
        "last_used_at": time(key.last_used_at),
        "revoked_at": time(key.revoked_at),
    })
}

/// Forgets keys and the answers that were kept for them.
pub(super) async fn forget(tx: &mut Tx, removed: &UserRemoved) -> Result<()> {
    store::forget(tx, &removed.user).await
}
