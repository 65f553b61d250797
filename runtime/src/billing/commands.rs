//! `webhooks` of the application's binary: what the provider said and what became of it; and `billing`: bringing the
//! catalogue to the provider, taking in what was missed, comparing everything.

use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches};

use super::entity::{EventState, StoredEvent};
use super::{inbox, store, upkeep};
use crate::app::Core;
use crate::auth::audit::Actor;
use crate::cli::say;
use crate::in_transaction;
use crate::module::Command;

pub(super) fn commands() -> Vec<Command> {
    vec![webhooks(), billing()]
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

fn billing() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    let days = Arg::new("days")
        .long("days")
        .value_name("NUMBER")
        .value_parser(clap::value_parser!(u32))
        .default_value("30")
        .help("How far back to look; 0 looks at everything");
    let cli = clap::Command::new("billing")
        .about("Tools for payments")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("push").about(
                "Bring the packs and plans of quickscale.yml to Stripe as products and prices",
            ),
        )
        .subcommand(
            clap::Command::new("sync")
                .about("Take in what the provider has and what was missed; twice changes nothing")
                .arg(days),
        )
        .subcommand(
            clap::Command::new("verify")
                .about("Compare payments, refunds, credits and the ledger; fails where they differ")
                .arg(flag(
                    "online",
                    "Compare with the provider's own objects, too",
                ))
                .arg(flag("json", "Print the whole report as JSON")),
        );
    Command {
        cli,
        run: Box::new(|core, arguments| {
            Box::pin(async move { run_billing(&core, &arguments).await })
        }),
    }
}

async fn run_billing(core: &Core, arguments: &ArgMatches) -> anyhow::Result<()> {
    match arguments.subcommand() {
        Some(("push", _)) => {
            for done in upkeep::push(core).await? {
                let state = if done.is_new { "made " } else { "there" };
                say(&format!(
                    "{state}  {:<20} {:>16}  {}",
                    done.price.item,
                    done.price.money.to_string(),
                    done.price.price
                ));
            }
            Ok(())
        }
        Some(("sync", given)) => {
            let days = i64::from(given.get_one::<u32>("days").copied().unwrap_or_default());
            let now = core.now().as_micros().div_euclid(1_000_000);
            let since = if days == 0 {
                0
            } else {
                now - days * 24 * 60 * 60
            };
            sync(core, since).await
        }
        Some((_, given)) => verify(core, given.get_flag("online"), given.get_flag("json")).await,
        None => Ok(()),
    }
}

async fn sync(core: &Core, since: i64) -> anyhow::Result<()> {
    let synced = upkeep::sync(core, since).await?;
    say(&format!(
        "{} objects of the provider were taken in.",
        synced.objects
    ));
    for fault in &synced.faults {
        say(&format!("{}: {}", fault.object, fault.what));
    }
    match synced.faults.len() {
        0 => Ok(()),
        1 => bail!("1 object could not be taken in"),
        count => bail!("{count} objects could not be taken in"),
    }
}

async fn verify(core: &Core, online: bool, as_json: bool) -> anyhow::Result<()> {
    let report = upkeep::verify(core, online).await?;
    if as_json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        for finding in &report.findings {
            say(&format!("{}: {}", finding.object, finding.what));
        }
        let verdict = if report.findings.is_empty() {
            "everything agrees"
        } else {
            "not everything agrees"
        };
        say(&format!(
            "{} payments, {} objects of the provider: {verdict}",
            report.payments, report.objects
        ));
    }
    match report.findings.len() {
        0 => Ok(()),
        1 => bail!("there is 1 difference"),
        count => bail!("there are {count} differences"),
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
        let replayed = async {
            in_transaction!(core.db(), tx => inbox::replay(core, tx, (&event.id, &Actor::CommandLine)).await)
        };
        replayed.await?;
        say(&format!(
            "{}  {} is worked off again.",
            event.event, event.kind
        ));
    }
    Ok(())
}
