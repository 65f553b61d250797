//! Commands of the application's binary: `worker` and `jobs`.

use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches};

use super::{actions, worker};
use crate::app::Core;
use crate::cli::{say, stop_signal};
use crate::in_transaction;
use crate::module::Command;

pub(super) fn commands() -> Vec<Command> {
    let worker = clap::Command::new("worker")
        .about("Do the work that is enqueued, and answer no requests, until told to stop");
    let jobs = clap::Command::new("jobs")
        .about("Show the work that failed for good, or have it tried again")
        .arg(
            Arg::new("replay")
                .long("replay")
                .value_name("ID")
                .action(ArgAction::Append)
                .help("Try this one again; may be given several times"),
        )
        .arg(
            Arg::new("replay-all")
                .long("replay-all")
                .action(ArgAction::SetTrue)
                .help("Try all of them again"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("Print JSON"),
        );
    vec![
        Command {
            cli: worker,
            run: Box::new(|core, _| Box::pin(work_until_told(core))),
        },
        Command {
            cli: jobs,
            run: Box::new(|core, arguments| {
                Box::pin(async move { show_or_replay(&core, &arguments).await })
            }),
        },
    ]
}

async fn work_until_told(core: Core) -> anyhow::Result<()> {
    let (stop, stopped) = tokio::sync::watch::channel(());
    let told = core.clone();
    tokio::spawn(async move {
        stop_signal().await;
        told.shutdown().begin();
        drop(stop);
    });
    tracing::info!("working");
    worker::work(core, stopped).await;
    tracing::info!("stopped");
    Ok(())
}

/// More dead letters than anybody reads.
const MOST: i64 = 10_000;

async fn show_or_replay(core: &Core, arguments: &ArgMatches) -> anyhow::Result<()> {
    let mut ids: Vec<String> = arguments
        .get_many("replay")
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let dead = actions::dead_jobs(core, None, MOST).await?;
    if arguments.get_flag("replay-all") {
        ids = dead.iter().map(|job| job.id.clone()).collect();
        if ids.is_empty() {
            say("Nothing to do: no job failed for good.");
            return Ok(());
        }
    }
    if ids.is_empty() {
        return show(&dead, arguments.get_flag("json"));
    }
    for id in ids {
        if !dead.iter().any(|job| job.id == id) {
            bail!("{id} is no job that failed for good; `jobs` lists those");
        }
        let replayed =
            async { in_transaction!(core.db(), tx => actions::replay(core, tx, &id).await) };
        let name = replayed.await?;
        say(&format!("{id}  {name}  is tried again."));
    }
    Ok(())
}

fn show(dead: &[super::DeadJob], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        say(&serde_json::to_string_pretty(dead)?);
        return Ok(());
    }
    for job in dead {
        let (id, name, at, error) = (&job.id, &job.name, job.died_at, &job.last_error);
        say(&format!("{id}  {at}  {name:<24} {error}"));
    }
    if dead.is_empty() {
        say("No job failed for good.");
    }
    Ok(())
}
