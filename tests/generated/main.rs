//! Generated projects as people get them: made, built and used by the real binary. Run by `cargo xtask test`, in the
//! steps `generated` and `browser`: these tests take minutes, and need PostgreSQL and chromedriver.

mod browser;
mod checks;
mod circle;
mod docker;
mod modules;
mod programs;
mod project;
mod tutorial;
mod visitor;
