//! Every query of this domain.

pub mod keys;
pub mod requests;
