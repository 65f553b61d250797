//! `quickscale crawl`.

use std::time::Duration;

use anyhow::{Context, Result};
use url::Url;

use crate::cli::Ctx;
use crate::crawl::{Credentials, Options, crawl, describe};
use crate::error::{Exit, Fault};
use crate::stack::Site;
use crate::stack::status::status;

/// The variable that holds the password, out of sight of whoever lists processes.
const PASSWORD: &str = "QUICKSCALE_CRAWL_PASSWORD";

/// Walk every page and asset of a running app and say what is broken
///
/// Follows links, forms that only read, style sheets, scripts, images and what style sheets load, within the app. Fails
/// on errors, blank pages, pages without title, heading or style sheet, broken links and anchors, missing, empty or
/// foreign assets, wrong content types, doubled ids and endless redirects. Nothing is submitted but the sign-in, and no
/// link that signs out is followed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the app runs; without it, where this project's app runs
    #[arg(long, value_name = "U")]
    url: Option<Url>,
    /// Sign in with this e-mail address
    #[arg(long, value_name = "E")]
    email: Option<String>,
    /// The password to sign in with [env: QUICKSCALE_CRAWL_PASSWORD]
    // Not clap's `env`: to clap a variable that stands there for other walks is as good as the option, which needs --email.
    #[arg(long, value_name = "P", requires = "email")]
    password: Option<String>,
    /// The account is staff: /admin must be open to it
    #[arg(long, requires = "email")]
    admin: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Ask for this many addresses at most
    #[arg(long, value_name = "N", default_value_t = 5000)]
    max_requests: usize,
    /// End the walk after this time
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let url = match args.url {
        Some(url) => url,
        None => running(ctx)?,
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Fault::new(format!("{url} is not an address of the web"))
            .exit(Exit::Usage)
            .into());
    }
    let credentials = args
        .email
        .map(|email| credentials(email, args.password))
        .transpose()?;
    let report = crawl(&Options {
        url,
        credentials,
        admin: args.admin,
        max_requests: args.max_requests,
        limit: Duration::from_secs(args.timeout),
    })?;
    if args.json {
        ctx.ui.json(&report)?;
    } else {
        ctx.ui.data(&describe(&report))?;
    }
    let seen = format!("{} pages and {} assets", report.pages.len(), report.assets);
    if report.findings.is_empty() {
        ctx.ui
            .status("Walked", &format!("{seen}: nothing is wrong"));
        return Ok(Exit::Done);
    }
    let count = report.findings.len();
    let findings = if count == 1 {
        "finding".to_owned()
    } else {
        "findings".to_owned()
    };
    Err(Fault::new(format!("{count} {findings} on {seen}"))
        .hint("each is listed above, with where it was found")
        .into())
}

/// An address with its password, which the environment may hold.
fn credentials(email: String, password: Option<String>) -> Result<Credentials> {
    let password = password.or_else(|| std::env::var(PASSWORD).ok());
    let password = password.ok_or_else(|| {
        Fault::new("--email needs a password")
            .hint(format!("give it with --password, or in {PASSWORD}"))
            .exit(Exit::Usage)
    })?;
    Ok(Credentials { email, password })
}

/// Where the project's app runs.
fn running(ctx: &Ctx) -> Result<Url> {
    let project = ctx.project()?;
    let url = status(&Site::open(&project, &ctx.ui)?)?.url;
    let url = url.ok_or_else(|| {
        Fault::new("the project's app does not run")
            .hint("start it with `quickscale up`, or name an address with --url")
    })?;
    Url::parse(&url).context("the running app has no address")
}
