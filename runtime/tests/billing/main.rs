//! Money: what is bought, paid, changed and given back, at the sandbox and with webhooks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

// The runtime's manifest travels into projects and can name nothing outside of its folder.
#[expect(dead_code, reason = "the process that a browser meets uses the rest")]
#[path = "../../../tests/stripe-standin/src/lib.rs"]
mod standin;
#[path = "../support/mod.rs"]
mod support;

mod beside;
mod changes;
mod client;
mod deaths;
mod delivery;
mod effects;
mod ends;
mod foreign;
mod grace;
mod history;
mod kept;
mod lives;
mod missed;
mod packs;
mod parts;
mod previews;
mod receipts;
mod refunds;
mod revenue;
mod shapes;
mod shelf;
mod staff;
mod standin_life;
mod stripe;
mod subscriptions;
mod upkeep;
mod webhooks;
