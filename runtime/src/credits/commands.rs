//! `credits verify` of the application's binary.

use anyhow::bail;
use clap::{Arg, ArgAction};

use super::verify::{Report, verify};
use crate::app::Core;
use crate::cli::say;
use crate::module::Command;

pub(super) fn commands() -> Vec<Command> {
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Print the whole report as JSON");
    let cli = clap::Command::new("credits")
        .about("Tools for the ledger of credits")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("verify")
                .about("Play every journal through and compare it with what is kept; fails where they differ")
                .arg(json),
        );
    vec![Command {
        cli,
        run: Box::new(|core, matches| {
            Box::pin(async move {
                let verify = matches.subcommand_matches("verify");
                run(&core, verify.is_some_and(|given| given.get_flag("json"))).await
            })
        }),
    }]
}

async fn run(core: &Core, as_json: bool) -> anyhow::Result<()> {
    let report = verify(core).await?;
    if as_json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        show(&report);
    }
    match report.verdict() {
        None => Ok(()),
        Some(verdict) => bail!(verdict),
    }
}

fn show(report: &Report) {
    for finding in &report.findings {
        let account = finding.account.as_ref();
        let place = account.map(|account| match finding.entry {
            Some(entry) => format!("account {account} entry {entry}: "),
            None => format!("account {account}: "),
        });
        say(&format!("{}{}", place.unwrap_or_default(), finding.what));
    }
    let Report {
        accounts, entries, ..
    } = report;
    let verdict = if report.is_clean() {
        "everything adds up"
    } else {
        "not everything adds up"
    };
    say(&format!(
        "{accounts} accounts, {entries} entries: {verdict}"
    ));
}
