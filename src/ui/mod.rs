//! The only code that prints or asks. Data goes to stdout, everything else to stderr; nobody is asked unless stdin and
//! stderr are a terminal and `--yes` was not given.

mod excerpt;
mod progress;
mod prompt;

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, Result};
use console::Style;
use serde::Serialize;

use crate::error::hint_of;

pub use excerpt::excerpts;
pub use progress::Progress;
pub use prompt::Choice;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    fn enabled(self, terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => terminal && env_is_empty("NO_COLOR") && !console::is_dumb(),
        }
    }
}

fn env_is_empty(name: &str) -> bool {
    std::env::var_os(name).is_none_or(|value| value.is_empty())
}

/// What the global flags say about talking.
#[derive(Debug, Clone, Copy)]
pub struct UiOptions {
    /// `--color`.
    pub color: ColorChoice,
    /// `--quiet`.
    pub quiet: bool,
    /// How many times `--verbose`.
    pub verbose: u8,
    /// `--yes`.
    pub yes: bool,
}

/// How the process talks to whoever started it.
#[derive(Debug, Clone)]
pub struct Ui {
    quiet: bool,
    verbose: u8,
    terminal: bool,
    interactive: bool,
    yes: bool,
}

impl Ui {
    /// Looks at the environment once: colours and terminals do not change under way.
    pub fn new(options: UiOptions) -> Self {
        let terminal = io::stderr().is_terminal();
        console::set_colors_enabled(options.color.enabled(io::stdout().is_terminal()));
        console::set_colors_enabled_stderr(options.color.enabled(terminal));
        Self {
            quiet: options.quiet,
            verbose: options.verbose,
            terminal,
            // Menus are drawn over and over, which a terminal that redraws nothing turns into a heap.
            interactive: terminal
                && io::stdin().is_terminal()
                && !console::is_dumb()
                && !options.yes,
            yes: options.yes,
        }
    }

    /// True when questions may be asked.
    pub fn interactive(&self) -> bool {
        self.interactive
    }

    /// True when stderr is a terminal, so that a line may be redrawn.
    pub fn terminal(&self) -> bool {
        self.terminal
    }

    /// Writes data to stdout as it is.
    pub fn data(&self, text: &str) -> Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .context("cannot write to standard output")
    }

    /// Writes a value to stdout as indented JSON.
    pub fn json(&self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        self.data(&format!("{text}\n"))
    }

    /// Something happened: `status("Created", "my-saas")`. The verb is set off as cargo does.
    pub fn status(&self, verb: &str, text: &str) {
        if !self.quiet {
            let verb = Style::new()
                .green()
                .bold()
                .for_stderr()
                .apply_to(format!("{verb:>12}"));
            self.line(&format!("{verb} {text}"));
        }
    }

    /// Whether the user wants to hear of results and faults only.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// A line that explains; not with `--quiet`.
    pub fn info(&self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// A line for the curious; only with `--verbose`.
    pub fn detail(&self, text: &str) {
        if self.verbose > 0 {
            self.line(text);
        }
    }

    /// Something is not as it should be, but the command goes on.
    pub fn warn(&self, text: &str) {
        let label = Style::new()
            .yellow()
            .bold()
            .for_stderr()
            .apply_to("warning:");
        self.line(&format!("{label} {text}"));
    }

    /// What the user should do about it.
    pub fn hint(&self, text: &str) {
        let label = Style::new().cyan().bold().for_stderr().apply_to("hint:");
        self.line(&format!("{label} {text}"));
    }

    /// An error with its causes and its hint. One without a message (an interrupted menu) says nothing.
    pub fn error(&self, error: &anyhow::Error) {
        let message = error.to_string();
        if message.is_empty() {
            return;
        }
        let label = Style::new().red().bold().for_stderr().apply_to("error:");
        self.line(&format!("{label} {message}"));
        let mut said = message;
        for cause in error.chain().skip(1).map(ToString::to_string) {
            // Libraries like to repeat their cause in their own message.
            if !said.contains(&cause) {
                self.line(&format!("  caused by: {cause}"));
            }
            said = cause;
        }
        if let Some(hint) = hint_of(error) {
            self.hint(hint);
        }
    }

    /// A panic: a bug of ours, with what a report needs.
    pub fn bug(&self, panic: &std::panic::PanicHookInfo<'_>) {
        let label = Style::new().red().bold().for_stderr().apply_to("bug:");
        self.line(&format!(
            "{label} quickscale {} stopped where it never should",
            env!("CARGO_PKG_VERSION")
        ));
        self.line(&format!("  {panic}"));
        self.hint("please report this, with the lines above and the command you ran, in QuickScale's issue tracker");
    }

    /// One line to stderr. Nobody is left to be told when that fails.
    fn line(&self, text: &str) {
        drop(writeln!(io::stderr().lock(), "{text}"));
    }
}
