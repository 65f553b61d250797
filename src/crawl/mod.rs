//! Walks every page and asset of a running app, as a visitor, a user or staff, and says what is broken. Reads only:
//! nothing is submitted but the sign-in.

mod client;
mod css;
mod judge;
mod page;
mod report;
mod sign_in;
mod walk;

use std::time::Duration;

use anyhow::Result;
use url::Url;

use crate::error::Fault;

pub use report::{Finding, Kind, PageRow, Report, Role, describe};

/// What is to be walked, and as whom.
#[derive(Debug)]
pub struct Options {
    /// Where the app stands; pages of this origin only are walked.
    pub url: Url,
    /// The e-mail address and password to sign in with.
    pub credentials: Option<Credentials>,
    /// The account is staff: the staff pages must be reachable.
    pub admin: bool,
    /// How many addresses are asked for at most.
    pub max_requests: usize,
    /// How long the walk may take.
    pub limit: Duration,
}

/// Whose pages are walked.
pub struct Credentials {
    pub email: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

/// Walks the app and judges what was seen. An app that cannot be reached or refuses the sign-in is an error; everything
/// else is a finding.
pub fn crawl(options: &Options) -> Result<Report> {
    let client = client::Client::new(&options.url);
    let home = client.get(&options.url);
    if let Err(why) = &home.answer {
        return Err(
            Fault::new(format!("{} does not answer: {why}", options.url))
                .hint("start the app with `quickscale up`, or name where it runs with --url")
                .into(),
        );
    }
    let mut seeds = vec![options.url.clone()];
    if let Some(credentials) = &options.credentials {
        seeds.push(sign_in::sign_in(&client, &options.url, credentials)?);
    }
    if options.admin {
        seeds.push(options.url.join(STAFF)?);
    }
    let seen = walk::walk(&client, options, seeds);
    Ok(judge::judge(options, &seen))
}

/// Where the staff pages begin.
const STAFF: &str = "/admin";
