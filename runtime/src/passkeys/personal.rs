//! What this domain knows of somebody, for that person to take along.

use serde_json::{Value, json};

use super::store::{self, Passkey};
use crate::app::Core;
use crate::clock::Timestamp;
use crate::ids::UserId;
use crate::personal::{PersonalFile, PersonalFiles, together};

/// The passkeys without their keys, which are of use to the application alone.
pub(super) fn files(core: Core, user: UserId) -> PersonalFiles {
    together(async move {
        let all = store::of(core.db(), &user).await?;
        let rows: Vec<_> = all.iter().map(row).collect();
        let file = PersonalFile::json("passkeys/passkeys.json", &rows)?;
        Ok(if rows.is_empty() {
            Vec::new()
        } else {
            vec![file]
        })
    })
}

fn row(one: &Passkey) -> Value {
    json!({
        "name": one.name,
        "added_at": one.created_at.rfc3339(),
        "last_used_at": one.used_at.map(Timestamp::rfc3339),
    })
}
