//! `quickscale service-examples`.

use anyhow::Result;
use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::cli::Ctx;
use crate::error::Exit;

/// Show the kinds of service that can be generated, each with a command to try
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Example<'a> {
    kind: &'a str,
    summary: &'a str,
    /// What a run costs unless --cost says otherwise.
    price: String,
    command: String,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    ctx.without_project("it shows what this quickscale can generate")?;
    let kinds = Catalogue::embedded()
        .services
        .values()
        .map(|kind| &kind.manifest);
    let examples: Vec<_> = kinds
        .map(|kind| Example {
            kind: kind.kind.as_str(),
            summary: &kind.summary,
            price: kind.cost.in_words(),
            command: format!(
                "quickscale generate-service my_{} --type {}",
                kind.kind, kind.kind
            ),
        })
        .collect();
    if args.json {
        ctx.ui.json(&examples)?;
        return Ok(Exit::Done);
    }
    for Example {
        kind,
        summary,
        price,
        command,
    } in examples
    {
        ctx.ui.data(&format!(
            "{kind}  {summary} ({price} a run)\n    $ {command}\n"
        ))?;
    }
    Ok(Exit::Done)
}
