//! QuickScale's command-line tool as a library, so that tests and `xtask` can use its parts.

pub mod cli;
pub mod commands;
pub mod crawl;
pub mod error;
pub mod interrupt;
pub mod project;
pub mod stack;
pub mod ui;
