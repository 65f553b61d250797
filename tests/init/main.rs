//! `quickscale init` from outside: the real binary, in a folder and an environment of its own.

mod build_script;
mod files;
mod flags;
mod names;
mod places;
mod support;
#[cfg(unix)]
mod terminal;
