//! Accounts: who gets in and who does not, by which way, and what stays of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../support/mod.rs"]
mod support;

mod acting;
mod audit;
mod auth;
mod hostile;
mod invitations;
mod leaving;
mod limits;
mod magic;
mod passkeys;
mod pictures;
mod profile;
mod recovery;
mod second_factor;
mod sessions;
mod social;
mod users;
