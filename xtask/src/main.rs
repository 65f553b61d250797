//! `cargo xtask`: the repository's own tasks.

mod bench;
mod demo;
mod interrupt;
mod lock;
mod person;
mod process;
mod repo;
mod servers;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The repository's own tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Demo(demo::Args),
    Test(test::Args),
    Bench(bench::Args),
    Lock(lock::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = interrupt::install().and_then(|()| match cli.task {
        Task::Demo(args) => demo::run(&args),
        Task::Test(args) => test::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Lock(args) => lock::run(&args),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("\nerror: {fault:#}");
            ExitCode::from(if interrupt::happened() { 130 } else { 1 })
        }
    }
}
