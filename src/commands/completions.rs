//! `quickscale completions`.

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::{Cli, Ctx};
use crate::error::Exit;

/// Print the completion script of a shell
///
/// For bash: `quickscale completions bash > ~/.local/share/bash-completion/completions/quickscale`
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "quickscale", &mut script);
    ctx.ui.data(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}
