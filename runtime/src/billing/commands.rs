//! `webhooks` of the application's binary: what the provider said and what became of it.

use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches};

use super::entity::{EventState, StoredEvent};
use super::{inbox, store};
use crate::app::Core;
use crate::cli::say;
use crate::in_transaction;
use crate::module::Command;

pub(super) fn commands() -> Vec<Command> {
    vec![webhooks()]
}

fn webhooks() -> Command {
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Print JSON");
    let ids = Arg::new("id")
        .value_name("ID")
        .num_args(1..)
        .required(true)
        .help("The event, by our identifier or the provider's");
    let cli = clap::Command::new("webhooks")
        .about("Look at the payment provider's events, and work those off again that failed")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("list")
                .about("Show the events that failed, the newest first")
                .arg(json),
        )
        .subcommand(
            clap::Command::new("replay")
                .about("Work events off again that failed")
                .arg(ids),
        );
    Command {
        cli,
        run: Box::new(|core, arguments| Box::pin(async move { run(&core, &arguments).await })),
    }
}

async fn run(core: &Core, arguments: &ArgMatches) -> anyhow::Result<()> {
    match arguments.subcommand() {
        Some(("replay", given)) => {
            let ids: Vec<&String> = given.get_many("id").into_iter().flatten().collect();
            replay(core, &ids).await
        }
        Some((_, given)) => list(core, given.get_flag("json")).await,
        None => Ok(()),
    }
}

/// More than anybody reads.
const MOST: i64 = 1000;

async fn list(core: &Core, as_json: bool) -> anyhow::Result<()> {
    let failed = Some(EventState::Failed);
    let events = store::events(core.db(), failed, (crate::ids::AFTER_ALL, MOST)).await?;
    if as_json {
        let row = |event: &StoredEvent| {
            serde_json::json!({
                "id": event.id, "event": event.event, "type": event.kind, "object": event.object,
                "received_at": event.received_at.rfc3339(), "attempts": event.attempts, "error": event.error,
            })
        };
        let rows: Vec<_> = events.iter().map(row).collect();
        say(&serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    for event in &events {
        let (at, kind) = (event.received_at, &event.kind);
        say(&format!(
            "{}  {at}  {kind:<32} {}",
            event.event, event.error
        ));
    }
    if events.is_empty() {
        say("No event failed.");
    }
    Ok(())
}

async fn replay(core: &Core, ids: &[&String]) -> anyhow::Result<()> {
    for id in ids {
        let found = match store::event(core.db(), id).await? {
            Some(found) => Some(found),
            None => store::event_named(core.db(), id).await?,
        };
        let Some(event) = found else {
            bail!("{id} is no event; `webhooks list` shows those that failed");
        };
        if matches!(event.state, EventState::Done | EventState::Ignored) {
            say(&format!("{}  {} is done already.", event.event, event.kind));
            continue;
        }
        let replayed =
            async { in_transaction!(core.db(), tx => inbox::replay(core, tx, &event.id).await) };
        replayed.await?;
        say(&format!(
            "{}  {} is worked off again.",
            event.event, event.kind
        ));
    }
    Ok(())
}
