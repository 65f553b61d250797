//! The application's binary: `serve`, `migrate`, `check`, … and what modules add.

mod check;
mod deploy;
mod health;
mod serve;

pub(crate) use serve::stop_signal;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgMatches};

use crate::app::{App, BuiltApp, Core, Overlay};
use crate::clock::Clock;
use crate::config::{Config, Environment};
use crate::db::Db;

/// Runs the command that the process's arguments name, on the application that `make` makes for the environment that
/// the process is in. A failure is printed once, with its causes.
pub fn main(make: impl Fn(Environment) -> App) -> ExitCode {
    main_with(std::env::args_os(), make)
}

/// As [`main`], with these arguments, the first of which is the name of the program.
pub fn main_with(
    arguments: impl IntoIterator<Item = OsString>,
    make: impl Fn(Environment) -> App,
) -> ExitCode {
    let root = Path::new(".");
    let app = make(Environment::of_process(root));
    let matches = cli(&app).get_matches_from(arguments);
    let app = if for_deployment(&matches) {
        make(Environment::Production)
    } else {
        app
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(fault) => return fail(&anyhow::Error::new(fault).context("cannot start the runtime")),
    };
    match runtime.block_on(run(app, root, &matches)) {
        Ok(code) => code,
        Err(fault) => fail(&fault),
    }
}

fn fail(fault: &anyhow::Error) -> ExitCode {
    say_error(&format!("error: {fault:#}"));
    ExitCode::FAILURE
}

fn cli(app: &App) -> clap::Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    let command = |name: &'static str, about: &'static str| clap::Command::new(name).about(about);
    clap::Command::new("app")
        .about(format!("{}: the web application and its tools", app.name()))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            command("serve", "Answer requests until told to stop")
                .arg(flag(
                    "migrate",
                    "Apply pending migrations first, in production too",
                ))
                .arg(flag(
                    "without-jobs",
                    "Leave enqueued work to processes that run `worker`",
                )),
        )
        .subcommand(command("migrate", "Apply pending migrations").arg(flag(
            "status",
            "Only show which are applied and which are pending",
        )))
        .subcommand(
            command("check", "Check the configuration and the database").arg(flag(
                "deploy",
                "Hold the configuration to what production needs",
            )),
        )
        .subcommand(
            command("routes", "List every route and who may call it")
                .arg(flag("json", "Print JSON")),
        )
        .subcommand(
            command("flags", "List the feature flags and their values")
                .arg(flag("json", "Print JSON")),
        )
        .subcommand(command(
            "health",
            "Ask a running server on this machine whether it is ready",
        ))
        .subcommands(app.commands().into_iter().map(|command| command.cli))
}

/// Whether `check` is to hold the application to what production needs.
fn for_deployment(matches: &ArgMatches) -> bool {
    let check = matches.subcommand_matches("check");
    check.is_some_and(|arguments| arguments.get_flag("deploy"))
}

async fn run(app: App, root: &Path, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let (name, arguments) = matches.subcommand().context("no command was given")?;
    if name == "check" {
        return check::run(app, root, arguments.get_flag("deploy")).await;
    }
    let config = Config::from_process(root)?;
    if name == "health" {
        return health::run(&config).await;
    }
    if matches!(name, "serve" | "worker") {
        crate::telemetry::start(&config);
    }
    let commands = app.commands();
    let db = Db::connect_by(&config.database_url, config.database_connections).await?;
    let built = app.build(config, db, Clock::System, Overlay::default())?;
    let core = built.core.clone();
    let done = dispatch(built, commands, name, arguments).await;
    core.db().close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn dispatch(
    built: BuiltApp,
    commands: Vec<crate::module::Command>,
    name: &str,
    arguments: &ArgMatches,
) -> anyhow::Result<()> {
    let core = built.core.clone();
    match name {
        "serve" => {
            let options = serve::Options {
                migrate: arguments.get_flag("migrate"),
                jobs: !arguments.get_flag("without-jobs"),
            };
            serve::run(built, &options).await
        }
        "migrate" => migrate(&core, arguments.get_flag("status")).await,
        "routes" => routes(&core, arguments.get_flag("json")),
        "flags" => flags(&core, arguments.get_flag("json")),
        name => {
            let command = commands
                .into_iter()
                .find(|command| command.cli.get_name() == name);
            let command = command.context("no module brings this command")?;
            ready_database(&core, false).await?;
            (command.run)(core, arguments.clone()).await
        }
    }
}

/// Applies pending migrations, unasked in development only; in production they are applied by whoever says so.
pub(super) async fn ready_database(core: &Core, asked: bool) -> anyhow::Result<()> {
    if asked || !core.config().environment.is_production() {
        for done in core.migrate().await? {
            tracing::info!(
                module = done.module,
                migration = done.name,
                "migration applied"
            );
        }
        return Ok(());
    }
    let status = core.migration_status().await?;
    match status.iter().find(|one| !one.applied) {
        None => Ok(()),
        Some(pending) => bail!(
            "migration {}/{} is pending; run `migrate` first",
            pending.module,
            pending.name
        ),
    }
}

async fn migrate(core: &Core, only_status: bool) -> anyhow::Result<()> {
    if only_status {
        for one in core.migration_status().await? {
            let state = if one.applied { "applied" } else { "pending" };
            say(&format!("{state}  {}/{}", one.module, one.name));
        }
        return Ok(());
    }
    let done = core.migrate().await?;
    for one in &done {
        say(&format!("applied  {}/{}", one.module, one.name));
    }
    if done.is_empty() {
        say("Nothing to do: every migration is applied.");
    }
    Ok(())
}

fn routes(core: &Core, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        say(&serde_json::to_string_pretty(core.routes())?);
        return Ok(());
    }
    for route in core.routes() {
        let flag = route
            .flag
            .map(|flag| format!("  (flag {flag})"))
            .unwrap_or_default();
        say(&format!(
            "{:<5} {:<40} {}{flag}",
            route.method, route.path, route.rule
        ));
    }
    Ok(())
}

fn flags(core: &Core, as_json: bool) -> anyhow::Result<()> {
    let flags = core.flags().iter();
    if as_json {
        let all: Vec<_> = flags
            .map(|(flag, on)| {
                serde_json::json!({
                    "name": flag.name,
                    "variable": flag.variable(),
                    "on": on,
                    "default": flag.default,
                    "summary": flag.summary,
                })
            })
            .collect();
        say(&serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    for (flag, on) in flags {
        let value = if on { "on" } else { "off" };
        say(&format!(
            "{:<24} {value:<4} {}",
            flag.variable(),
            flag.summary
        ));
    }
    Ok(())
}

/// Prints a line of a command's result.
pub fn say(line: &str) {
    use std::io::Write as _;
    // A reader that has gone away (`| head`) is no fault.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn say_error(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}
