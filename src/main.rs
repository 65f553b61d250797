//! The `quickscale` binary: parse, run one command, print the error, exit.

fn main() -> std::process::ExitCode {
    quickscale::cli::main()
}
