//! Servers that tests and benchmarks need beside the application, each on a port of its own, gone when dropped.

mod chromedriver;
mod postgres;

pub use chromedriver::Chromedriver;
pub use postgres::{Durability, Postgres};
