//! The runtime of every application that QuickScale generates.
