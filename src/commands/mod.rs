//! The verbs: one file each, with its arguments and a `run` that returns the exit code.

use anyhow::Result;
use clap::Subcommand;

use crate::cli::Ctx;
use crate::error::Exit;

/// Declares the commands: per line the module, which is the file and the verb, and the variant.
macro_rules! commands {
    ($($(#[$meta:meta])* $module:ident => $variant:ident),+ $(,)?) => {
        $(pub mod $module;)+

        /// Every verb of the command line.
        #[derive(Debug, Subcommand)]
        pub enum Command {
            $($(#[$meta])* $variant($module::Args),)+
        }

        /// Runs one command.
        pub fn run(command: Command, ctx: &Ctx) -> Result<Exit> {
            match command {
                $(Command::$variant(args) => $module::run(args, ctx),)+
            }
        }
    };
}

// The order is that of `--help`. The help itself is the doc comment of each `Args`.
commands! {
    init => Init,
    plan => Plan,
    apply => Apply,
    status => Status,
    undo => Undo,
    update => Update,
    sync_back => SyncBack,
    modules => Modules,
    config => Config,
    generate_service => GenerateService,
    validate_service => ValidateService,
    services => Services,
    service_examples => ServiceExamples,
    up => Up,
    down => Down,
    restart => Restart,
    ps => Ps,
    logs => Logs,
    shell => Shell,
    manage => Manage,
    check => Check,
    crawl => Crawl,
    sdk => Sdk,
    #[command(name = "__launch", hide = true)]
    launch => Launch,
    #[command(name = "__sweep", hide = true)]
    sweep => Sweep,
    completions => Completions,
    version => Version,
}
