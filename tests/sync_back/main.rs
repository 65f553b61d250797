//! `sync-back` with the real binary: a project of small templates, a checkout of them, and edits of both.

mod copied;
mod files;
mod rendered;
mod support;
mod terminal;
