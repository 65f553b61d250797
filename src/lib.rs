//! QuickScale's command-line tool as a library, so that tests and `xtask` can use its parts.

pub mod apply;
pub mod birth;
pub mod catalogue;
pub mod cli;
pub mod commands;
pub mod crawl;
pub mod digest;
pub mod error;
pub mod evolve;
pub mod interrupt;
pub mod merge;
pub mod plan;
pub mod project;
pub mod render;
pub mod sdk;
pub mod stack;
pub mod sync_back;
pub mod ui;
