//! The API from outside: keys, the door, the endpoints against their description, requests that come twice.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../services/offered.rs"]
#[expect(dead_code, reason = "a part of the services is used here")]
mod offered;
#[path = "../support/mod.rs"]
mod support;

mod contract;
mod cross_origin;
mod deaths;
mod events;
mod guide;
mod history;
mod hostile;
mod keys;
mod limits;
mod once;
mod preferences;
mod program;
mod snippets;
mod trouble;
