//! The application's binary: `serve`, `migrate`, `check` and what the modules add. See `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    quickscale_runtime::cli::main(app::app)
}
