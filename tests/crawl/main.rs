//! `quickscale crawl` against a small site that is well made, and against the same site with one defect at a time.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod site;
mod walks;
