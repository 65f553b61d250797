//! Money: what is bought, paid, changed and given back, at the sandbox and with webhooks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../support/mod.rs"]
mod support;

mod changes;
mod deaths;
mod delivery;
mod effects;
mod lives;
mod missed;
mod packs;
mod refunds;
mod shapes;
mod shelf;
mod staff;
mod standin;
mod standin_plans;
mod stripe;
mod subscriptions;
mod upkeep;
mod webhooks;
