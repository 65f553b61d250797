//! `quickscale validate-service`.

use anyhow::Result;

use crate::catalogue::nearest;
use crate::cli::Ctx;
use crate::error::{Exit, Fault};
use crate::evolve;
use crate::project::Project;
use crate::project::names::ServiceName;
use crate::stack::Site;
use crate::stack::validate::{Report, validate};

/// Compile a service, run its tests and hold it to the contract of every service
///
/// A service can be shown, refuses what does not fit its types, survives hostile input and charges nothing for a run that
/// fails. Exits with 1 when it does not.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The service [default: all]
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = ctx.project()?;
    let name = args.name.map(|name| known(&project, &name)).transpose()?;
    ctx.ui
        .info("Compiling and testing; the first time takes minutes.");
    let report = validate(&Site::open(&project, &ctx.ui)?, name.as_ref())?;
    if args.json {
        ctx.ui.json(&report)?;
    } else {
        ctx.ui.data(&text(&report))?;
    }
    Ok(if report.is_good() {
        Exit::Done
    } else {
        Exit::Fault
    })
}

fn known(project: &Project, name: &str) -> Result<ServiceName> {
    let services = evolve::services(project)?;
    let names = || services.iter().map(|service| service.name.as_str());
    if names().any(|known| known == name) {
        return Ok(name
            .parse::<ServiceName>()
            .map_err(|error| Fault::new(error.to_string()))?);
    }
    let hint = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`quickscale services` lists them".to_owned(),
    };
    Err(Fault::new(format!("there is no service `{name}`"))
        .hint(hint)
        .into())
}

/// A line for each promise, with what is wrong below it.
fn text(report: &Report) -> String {
    let mut text = String::new();
    let mut service = "";
    for finding in &report.findings {
        if finding.service != service {
            service = &finding.service;
            text += &format!("{service}\n");
        }
        let verdict = if finding.faults.is_empty() {
            "ok"
        } else {
            "FAULTY"
        };
        text += &format!(
            "  {verdict:6}  {}, {} tried\n",
            finding.promise, finding.tried
        );
        for fault in &finding.faults {
            text += &format!("            {fault}\n");
        }
    }
    for test in &report.failed_tests {
        text += &format!("  FAULTY  the test {test} failed\n");
    }
    text
}
