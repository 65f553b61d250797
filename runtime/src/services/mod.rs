//! The services domain.
