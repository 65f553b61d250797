//! The auth domain.
