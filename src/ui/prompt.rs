//! Questions. A question that may not be asked is answered by its default, or is an error that names the flag.

use std::io;

use anyhow::Result;
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};
use dialoguer::{Confirm, Input, MultiSelect, Select};

use super::Ui;
use crate::error::{Exit, Fault};

/// One line of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is chosen.
    pub name: String,
    /// What that means, in a few words.
    pub summary: String,
}

impl Ui {
    /// Yes or no; `default` when nobody can be asked.
    pub fn confirm(&self, question: &str, default: bool) -> Result<bool> {
        if !self.interactive {
            return Ok(default);
        }
        let theme = self.theme();
        let asked = Confirm::with_theme(theme.as_ref())
            .with_prompt(question)
            .default(default);
        answered(asked.interact_opt())
    }

    /// Leave to do what cannot be taken back: asked for, or given by `--yes`; an error when neither can be had.
    pub fn agree(&self, question: &str) -> Result<bool> {
        if self.yes {
            return Ok(true);
        }
        if !self.interactive {
            let fault = Fault::new(format!("{question} Nobody can be asked here"));
            return Err(fault.exit(Exit::Usage).hint("pass --yes to agree").into());
        }
        self.confirm(question, false)
    }

    /// One of several, by index; `default` when nobody can be asked.
    pub fn select(&self, question: &str, choices: &[Choice], default: usize) -> Result<usize> {
        if !self.interactive {
            return Ok(default);
        }
        let theme = self.theme();
        let asked = Select::with_theme(theme.as_ref())
            .with_prompt(question)
            .items(lines(choices))
            .default(default);
        answered(asked.interact_opt())
    }

    /// Any of several, by index; those of `default` when nobody can be asked.
    pub fn multi_select(
        &self,
        question: &str,
        choices: &[Choice],
        default: &[bool],
    ) -> Result<Vec<usize>> {
        if !self.interactive {
            return Ok((0..choices.len()).filter(|&index| default[index]).collect());
        }
        let theme = self.theme();
        let question = format!("{question} (space toggles, enter accepts)");
        let asked = MultiSelect::with_theme(theme.as_ref()).with_prompt(question);
        answered(asked.items(lines(choices)).defaults(default).interact_opt())
    }

    /// A line of text that has no default; an error that names `flag` when nobody can be asked.
    pub fn input(&self, question: &str, flag: &str) -> Result<String> {
        if !self.interactive {
            let fault =
                Fault::new(format!("{question}: nobody can be asked here")).exit(Exit::Usage);
            return Err(fault.hint(format!("pass {flag}")).into());
        }
        let theme = self.theme();
        let asked = Input::<String>::with_theme(theme.as_ref()).with_prompt(question);
        answered(asked.interact_text().map(Some))
    }

    fn theme(&self) -> Box<dyn Theme> {
        if console::colors_enabled_stderr() {
            Box::new(ColorfulTheme::default())
        } else {
            Box::new(SimpleTheme)
        }
    }
}

fn lines(choices: &[Choice]) -> Vec<String> {
    let width = choices
        .iter()
        .map(|choice| choice.name.chars().count())
        .max()
        .unwrap_or(0);
    choices
        .iter()
        .map(|choice| format!("{:width$}  {}", choice.name, choice.summary))
        .collect()
}

/// Escape and Ctrl-C both mean: leave, without a word.
fn answered<T>(answer: dialoguer::Result<Option<T>>) -> Result<T> {
    match answer {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => Err(Fault::interrupted("").into()),
        Err(dialoguer::Error::IO(error)) if error.kind() == io::ErrorKind::Interrupted => {
            drop(console::Term::stderr().show_cursor());
            Err(Fault::interrupted("").into())
        }
        Err(dialoguer::Error::IO(error)) => Err(anyhow::Error::new(error)
            .context(Fault::new("the terminal cannot be asked").hint("pass --yes and flags"))),
    }
}
