//! The `quickscale` binary: parse, run one command, print the error, exit.

fn main() {}
