//! `quickscale up`.

use std::time::Duration;

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::stack::Site;
use crate::stack::record::Profile;
use crate::stack::up::{Options, up};

/// Build the app, start it in the background and wait until it is ready
///
/// The app's address goes to standard output. An app that runs already is left alone, and told of when it is older than
/// the project. It listens on the port of --port, else on PORT of the environment or of .env, else on 8000; when that
/// is taken by another program, and was not asked for with --port, on the next free one.
///
/// With --docker the app runs as in production: in a container, with PostgreSQL in another. The port of this machine is
/// that of --port, else APP_PORT, else 8000.
///
/// The app sees the environment of this command, without cargo's and quickscale's own variables, with PORT and APP_URL
/// set to where it listens, and reads .env itself. Its output goes to .quickscale/run/app.log: see `quickscale logs`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run the app and PostgreSQL in containers, as compose.yml says
    #[arg(long, conflicts_with = "release")]
    docker: bool,
    /// Stay with the app and show its output; Ctrl-C stops it
    #[arg(long)]
    foreground: bool,
    /// Listen on this port or fail
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Show the app in the browser once it is ready
    #[arg(long)]
    open: bool,
    /// Build with optimisations, as for production
    #[arg(long)]
    release: bool,
    /// How long the app has to become ready
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = ctx.project()?;
    let options = Options {
        docker: args.docker,
        profile: if args.release {
            Profile::Release
        } else {
            Profile::Dev
        },
        foreground: args.foreground,
        port: args.port,
        open: args.open,
        limit: Duration::from_secs(args.timeout),
    };
    up(&Site::open(&project, &ctx.ui)?, &options)?;
    Ok(Exit::Done)
}
