//! `sync-back` with the real binary: a project of small templates, a checkout of them, and edits of both.

mod circle;
mod copied;
mod files;
mod kill;
mod rendered;
mod support;
mod terminal;
