//! `quickscale logs`.

use anyhow::Result;
use jiff::Timestamp;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::stack::Site;
use crate::stack::logs::{Part, parse_since, show};

/// Show the log of the app in the background
///
/// The log stands in .quickscale/run/app.log. A start on a log of more than 8 MiB begins a new file and keeps the last
/// three, which are shown as one.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Go on showing what is written, over restarts, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// How many of the last lines; 100 unless --since is given
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<usize>,
    /// Only from a moment on: 10m, 2h, 1d, or an RFC 3339 time
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = ctx.project()?;
    let part = match &args.since {
        Some(since) => Part::Since(parse_since(since, Timestamp::now())?, args.lines),
        None => Part::Last(args.lines.unwrap_or(100)),
    };
    show(&Site::open(&project, &ctx.ui)?, &part, args.follow)?;
    Ok(Exit::Done)
}
