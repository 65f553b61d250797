//! The command line: global flags, the table of commands, and the way from arguments to an exit code.

use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgAction, Args, Parser};

use crate::catalogue::{Catalogue, folder};
use crate::commands::{self, Command};
use crate::error::{Exit, Fault, exit_of};
use crate::project::{self, Project};
use crate::ui::{ColorChoice, Ui, UiOptions};

/// Creates a complete SaaS application in Rust and keeps it changeable for years.
///
/// Start with `quickscale init my-saas --up`.
#[derive(Debug, Parser)]
#[command(
    name = "quickscale",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// The project's folder; without it, the nearest folder upwards that holds a quickscale.yml
    #[arg(long, global = true, value_name = "DIR")]
    project: Option<PathBuf>,
    /// When to use colours; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    color: ColorChoice,
    /// Say nothing but data, warnings and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more
    #[arg(long, short, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Ask nothing; what has no default must then be given as a flag
    #[arg(long, short, global = true)]
    yes: bool,
}

/// What every command gets beside its arguments.
pub struct Ctx {
    /// The only way to print and to ask.
    pub ui: Ui,
    project: Option<PathBuf>,
}

impl Ctx {
    /// For a command that is about no project: `--project` is refused, saying `why`, and not dropped.
    pub fn without_project(&self, why: &str) -> anyhow::Result<()> {
        match &self.project {
            None => Ok(()),
            Some(_) => Err(Fault::new("--project means nothing here")
                .hint(why)
                .exit(Exit::Usage)
                .into()),
        }
    }

    /// The project that `--project` names or that the working directory is in, for a command that works without one too.
    pub fn project_if_any(&self) -> anyhow::Result<Option<Project>> {
        if self.project.is_none() && !project::is_around()? {
            return Ok(None);
        }
        self.project().map(Some)
    }

    /// The project that the command is about: `--project`, else found from the working directory upwards. An apply
    /// that was interrupted there is ended first.
    pub fn project(&self) -> anyhow::Result<Project> {
        let project = project::locate(self.project.as_deref())?;
        crate::evolve::recover(&project, &self.ui)?;
        Ok(project)
    }
}

/// Parses the process's arguments, runs the command, prints its error and returns the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let ctx = Ctx {
        ui: Ui::new(UiOptions {
            color: cli.global.color,
            quiet: cli.global.quiet,
            verbose: cli.global.verbose,
            yes: cli.global.yes,
        }),
        project: cli.global.project,
    };
    crate::interrupt::install();
    ExitCode::from(guarded(&ctx.ui, || run(cli.command, &ctx)).code())
}

fn run(command: Command, ctx: &Ctx) -> anyhow::Result<Exit> {
    if let Some(folder) = std::env::var_os(folder::VARIABLE) {
        Catalogue::choose(Path::new(&folder))?;
    }
    commands::run(command, ctx)
}

/// `--help`, `--version` and wrong usage: clap prints and knows the code. A closed pipe is nobody's fault.
fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    let code = if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Done
    };
    ExitCode::from(code.code())
}

/// Runs the command; a panic is a bug of ours, told as one.
fn guarded(ui: &Ui, command: impl FnOnce() -> anyhow::Result<Exit>) -> Exit {
    let hook_ui = ui.clone();
    panic::set_hook(Box::new(move |info| hook_ui.bug(info)));
    match panic::catch_unwind(AssertUnwindSafe(command)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) if is_closed_pipe(&error) => Exit::Done,
        Ok(Err(error)) => {
            ui.error(&error);
            exit_of(&error)
        }
        Err(_) => Exit::Bug,
    }
}

/// Whoever read our output has seen enough (`quickscale logs | head`).
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .root_cause()
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_panic_is_a_bug_and_a_closed_pipe_is_nothing() {
        let ui = Ui::new(UiOptions {
            color: ColorChoice::Never,
            quiet: true,
            verbose: 0,
            yes: true,
        });
        assert_eq!(guarded(&ui, || panic!("never")), Exit::Bug);
        let closed = || Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into());
        assert_eq!(guarded(&ui, closed), Exit::Done);
        assert_eq!(guarded(&ui, || anyhow::bail!("no")), Exit::Fault);
    }
}
