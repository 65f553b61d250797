//! The ledger of credits: its verbs, its laws under any sequence of verbs, and under many at once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod deaths;
mod model;
mod notices;
mod pages;
mod processes;
mod races;
mod sequences;
mod tampering;
mod verbs;
