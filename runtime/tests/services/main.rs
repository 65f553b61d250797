//! Services: forms from types, runs, and what they cost.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../support/mod.rs"]
mod support;

mod at_once;
mod background;
mod born;
mod browser;
mod charging;
mod confirmed;
mod contract;
mod deaths;
mod forms;
mod journeys;
mod leaving;
mod live;
mod llm;
mod offered;
mod python;
mod staff;
