//! What this domain knows of somebody, for that person to take along.

use super::actions::{self, Cursor, HistoryFilter};
use super::entity::Owner;
use super::export;
use crate::app::Core;
use crate::ids::UserId;
use crate::personal::{PersonalFile, PersonalFiles, paged};

const PAGE: usize = 5000;

/// The journal, the newest entry first.
pub(super) fn files(core: Core, user: UserId) -> PersonalFiles {
    let owner = Owner::User(user);
    paged(Cursor::START, move |from, number| {
        let (core, owner) = (core.clone(), owner.clone());
        async move {
            let all = HistoryFilter::default();
            let page = actions::search(&core, &owner, all, (from, PAGE)).await?;
            let file = PersonalFile {
                path: format!("credits/journal-{number}.csv"),
                bytes: export::table(&page.entries).into_bytes(),
            };
            Ok(((!page.entries.is_empty()).then_some(file), page.next))
        }
    })
}
