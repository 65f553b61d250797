//! The admin domain.
