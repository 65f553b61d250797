//! Telling the owner of an account by mail that it runs low, and that it is empty: each once until credits are put in
//! again, however often the balance goes up and down meanwhile.

use serde::{Deserialize, Serialize};

use super::super::entity::Owner;
use super::super::ledger::Ledger;
use super::super::letters::LowBalanceMail;
use super::super::{Settings, rules, store};
use crate::app::Core;
use crate::auth;
use crate::error::{Error, Result};
use crate::in_transaction;
use crate::jobs::Job;
use crate::mail::Mail;

/// An account that has just fallen to where its owner is to be told.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct Notice {
    owner_kind: String,
    owner_id: String,
}

impl Notice {
    pub fn to(owner: &Owner) -> Self {
        Self {
            owner_kind: owner.kind().into(),
            owner_id: owner.id().into(),
        }
    }
}

impl Job for Notice {
    const NAME: &'static str = "credits.low_balance";
}

/// Mails what is true by now, if the owner has not been told of it. The mail is asked for in the transaction that
/// notes it, so that this may run any number of times.
pub(in super::super) async fn notify(core: &Core, notice: Notice) -> Result<()> {
    let owner = Owner::from_columns(&notice.owner_kind, notice.owner_id);
    let owner = owner.ok_or_else(|| Error::internal(anyhow::anyhow!("a notice to nobody")))?;
    let Owner::User(id) = &owner;
    let user = auth::actions::find_user(core, id).await?;
    if !user.is_active {
        return Ok(());
    }
    let percent = core.state::<Settings>()?.low_balance_percent;
    let now = core.now();
    in_transaction!(core.db(), tx => {
        let account = Ledger::new(core, tx, now).bring_up_to_date(&owner).await?;
        let Some(account) = account else { return Ok(()) };
        let owned = account.net().at_least_zero();
        let level = rules::level(owned, account.full, percent);
        if level <= account.told {
            return Ok(());
        }
        store::note_told(tx, &account.id, level).await?;
        core.send_mail(tx, Mail::to(&user.email, &LowBalanceMail::new(owned))).await
    })
}
