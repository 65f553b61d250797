//! QuickScale's command-line tool as a library, so that tests and `xtask` can use its parts.
