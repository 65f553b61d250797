//! What this domain knows of somebody, for that person to take along.

use super::store;
use crate::app::Core;
use crate::ids::UserId;
use crate::personal::{PersonalFile, PersonalFiles, together};

pub(super) fn files(core: Core, user: UserId) -> PersonalFiles {
    together(async move {
        let jpeg = store::of(core.db(), &user).await?;
        let file = jpeg.map(|bytes| PersonalFile {
            path: "pictures/picture.jpg".into(),
            bytes,
        });
        Ok(file.into_iter().collect())
    })
}
