//! What the provider says is stored first, once, and worked off by a job that tries again; what keeps failing waits
//! for a person.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entity::EventState;
use super::objects::Event;
use super::{effects, personal, store};
use crate::app::Core;
use crate::auth::audit::{Actor, AuditEntry};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::in_transaction;
use crate::jobs::Job;

/// Works one stored event off.
#[derive(Debug, Serialize, Deserialize)]
pub struct WorkOff {
    pub event: String,
}

impl Job for WorkOff {
    const NAME: &'static str = "billing.event";
}

/// What is kept of an error.
const ERROR_LENGTH: usize = 500;

/// Stores an event and has it worked off soon, if `tx` is committed; no when it was stored before.
///
/// # Errors
/// When it is no event, or the database does not answer.
pub async fn receive(core: &Core, tx: &mut Tx, provider: &str, value: &Value) -> Result<bool> {
    let event = Event::read(value)?;
    let body = if event.kind == "customer.deleted" {
        // Nothing of him is to come back with the word that he is gone.
        let mut nameless = value.clone();
        personal::without_person(&mut nameless);
        nameless.to_string()
    } else {
        value.to_string()
    };
    let Some(id) = store::insert_event(tx, provider, (&event, &body), core.now()).await? else {
        return Ok(false);
    };
    core.enqueue(tx, &WorkOff { event: id }).await?;
    Ok(true)
}

/// Works an event off. What was worked off before is left alone.
///
/// # Errors
/// What the effects give; it is noted with the event.
pub async fn work_off(core: &Core, job: WorkOff) -> Result<()> {
    let Some(stored) = store::event(core.db(), &job.event).await? else {
        return Ok(());
    };
    if matches!(stored.state, EventState::Done | EventState::Ignored) {
        return Ok(());
    }
    let value: Value = serde_json::from_str(&stored.body).map_err(Error::internal)?;
    let event = Event::read(&value)?;
    let Err(failure) = effects::apply(core, &stored.id, &event).await else {
        return Ok(());
    };
    let why: String = failure.to_string().chars().take(ERROR_LENGTH).collect();
    let now = core.now();
    in_transaction!(core.db(), tx => store::fail_event(tx, &stored.id, &why, now).await)?;
    Err(failure)
}

/// Has an event that failed, or that waits, worked off anew, and records who wanted it.
///
/// # Errors
/// 404 when there is no such event.
pub async fn replay(core: &Core, tx: &mut Tx, (id, by): (&str, &Actor)) -> Result<()> {
    if !store::reopen_event(tx, id, core.now()).await? {
        return Err(Error::not_found());
    }
    let entry = AuditEntry::new(by, "event.replayed", ("event", id));
    entry.record(tx, core.now()).await?;
    core.enqueue(
        tx,
        &WorkOff {
            event: id.to_owned(),
        },
    )
    .await
}
