//! `quickscale services`.

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::evolve;

/// List the services of the project: every file in src/services, with the kind that it started as
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let services = evolve::services(&ctx.project()?)?;
    if args.json {
        ctx.ui.json(&services)?;
        return Ok(Exit::Done);
    }
    if services.is_empty() {
        ctx.ui
            .info("There are no services; `quickscale generate-service NAME` adds one.");
    }
    let width = |text: fn(&evolve::Service) -> &str| {
        services
            .iter()
            .map(|one| text(one).len())
            .max()
            .unwrap_or(0)
    };
    let (name, kind) = (width(|one| &one.name), width(shown_kind));
    for service in &services {
        let line = format!(
            "{:name$}  {:kind$}  {}\n",
            service.name,
            shown_kind(service),
            service.file
        );
        ctx.ui.data(&line)?;
    }
    Ok(Exit::Done)
}

fn shown_kind(service: &evolve::Service) -> &str {
    service.kind.as_ref().map_or("own", |kind| kind.as_str())
}
