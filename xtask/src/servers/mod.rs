//! Servers that tests and benchmarks need beside the application, each on a port of its own, gone when dropped.

mod chromedriver;
mod docker;
mod postgres;

pub use chromedriver::Chromedriver;
pub use docker::{Docker, is_possible as docker_is_possible};
pub use postgres::{Durability, Postgres};
