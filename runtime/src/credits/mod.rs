//! The credits domain.
