//! `plan`, `apply`, `status` and `undo` with the real binary: a project whose templates have moved on since.

mod cases;
mod commands;
mod environment;
mod generate;
mod guides;
mod kill;
mod kinds;
mod machine;
mod moves;
mod saved;
mod selectors;
mod steps;
mod support;
mod templates;
mod terminal;
