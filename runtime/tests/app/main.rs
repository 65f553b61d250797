//! The application as a whole: its doors, its pages, its processes, and every option of its modules.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod admin;
mod database;
mod flags;
mod http;
mod jobs;
mod mail;
mod options;
mod replicas;
mod theme;
