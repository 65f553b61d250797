//! Running a project's app: as a native process or with compose, its port, health and log.

pub mod platform;
