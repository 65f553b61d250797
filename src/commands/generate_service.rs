//! `quickscale generate-service`.

use anyhow::Result;

use crate::catalogue::{Catalogue, NewService, Price, nearest};
use crate::cli::Ctx;
use crate::error::{Exit, Fault};
use crate::evolve::{self, Evolution, OnConflict, Selectors};
use crate::project::names::{NameError, ServiceName, Word};
use crate::ui::{Choice, Ui};

/// The kind that is taken when nobody can be asked.
const USUAL: &str = "basic";

/// Add an AI service: it compiles, is registered, priced, tested and shown, with no other edit
///
/// `quickscale service-examples` shows the kinds. The files are yours from then on; `quickscale undo` takes them back.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What it is called in code and in its address: lower-case letters, digits and `_`
    name: Option<String>,
    /// The kind of service that it starts as [default: basic]
    #[arg(long = "type", value_name = "KIND")]
    kind: Option<String>,
    /// What a run costs, in credits [default: what the kind costs]
    #[arg(long, value_name = "N", value_parser = Price::parse, conflicts_with = "free", allow_negative_numbers = true)]
    cost: Option<Price>,
    /// A run costs nothing
    #[arg(long)]
    free: bool,
    /// What it does, in a sentence that users read
    #[arg(long, value_name = "S")]
    description: Option<String>,
    /// What becomes of Cargo.toml when you and the service's crates changed the same lines
    #[arg(long, value_enum, default_value_t = OnConflict::Ask, value_name = "ANSWER")]
    on_conflict: OnConflict,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = ctx.project()?;
    let _lock = evolve::lock(&project, "generate-service")?;
    let service = NewService {
        name: name(args.name, &ctx.ui)?,
        kind: kind(args.kind.as_deref(), &ctx.ui)?,
        description: args.description.map(description).transpose()?,
        price: args.cost.or(args.free.then_some(Price::FREE)),
    };
    let evolution = Evolution::read(project, Selectors::default())?.with_service(&service)?;
    let choices = evolve::choose(&evolution.plan, args.on_conflict, &ctx.ui)?;
    let ready = evolution.ready(&choices)?;
    evolution.carry_out(&ready)?;
    for operation in &ready.operations {
        ctx.ui.status("Wrote", operation.path.as_str());
    }
    let name = &service.name;
    ctx.ui.info(&format!(
        "\nIt is at /services/{name} once the app runs.\nNext:\n  quickscale validate-service {name}\n  quickscale up"
    ));
    Ok(Exit::Done)
}

fn name(given: Option<String>, ui: &Ui) -> Result<ServiceName> {
    let given = match given {
        Some(name) => name,
        None => ui.input("Name of the service", "NAME")?,
    };
    given.parse().map_err(|error: NameError| {
        let fault = Fault::new(error.to_string());
        let fault = match error.proposal() {
            Some(near) => fault.hint(format!("try `{near}`")),
            None => fault,
        };
        fault.exit(Exit::Usage).into()
    })
}

fn kind(given: Option<&str>, ui: &Ui) -> Result<Word> {
    let kinds = &Catalogue::embedded().services;
    let names = || kinds.keys().map(Word::as_str);
    if let Some(given) = given {
        let known = kinds.keys().find(|kind| kind.as_str() == given);
        return known.cloned().ok_or_else(|| {
            let hint = match nearest(given, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there is {}", names().collect::<Vec<_>>().join(", ")),
            };
            let fault = Fault::new(format!("unknown kind of service `{given}`"));
            fault.hint(hint).exit(Exit::Usage).into()
        });
    }
    let menu = kinds.values().map(|kind| Choice {
        name: kind.manifest.kind.to_string(),
        summary: kind.manifest.summary.clone(),
    });
    let usual = names().position(|name| name == USUAL).unwrap_or(0);
    let chosen = ui.select("Kind", &menu.collect::<Vec<_>>(), usual)?;
    let chosen = kinds.keys().nth(chosen);
    Ok(chosen
        .cloned()
        .ok_or_else(|| Fault::new("this build of quickscale has no kind of service"))?)
}

/// Most letters of a description.
const LONGEST: usize = 300;

fn description(text: String) -> Result<String> {
    let text = text.trim().to_owned();
    let problem = if text.is_empty() {
        "--description is empty".to_owned()
    } else if text.chars().any(char::is_control) {
        "--description must be one line, without control characters".to_owned()
    } else if text.chars().count() > LONGEST {
        format!("--description may have {LONGEST} letters")
    } else {
        return Ok(text);
    };
    Err(Fault::new(problem).exit(Exit::Usage).into())
}
