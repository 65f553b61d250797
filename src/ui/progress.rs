//! Progress of long work: a bar on a terminal that can redraw a line, a plain line now and then elsewhere, nothing with
//! `--quiet`.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Ui;

/// How often a plain line is printed where no bar can be drawn.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Work under way, of `total` pieces.
pub struct Progress {
    drawn: Drawn,
}

enum Drawn {
    Bar(ProgressBar),
    Lines {
        ui: Ui,
        verb: String,
        done: u64,
        total: u64,
        last: Instant,
    },
    Nothing,
}

impl Ui {
    /// Starts to show progress: `verb` is a present participle (`Rendering`), `total` the number of pieces. Zero draws
    /// a bar that only moves until [`Progress::set_total`] knows better.
    pub fn progress(&self, verb: &str, total: u64) -> Progress {
        if self.quiet {
            return Progress {
                drawn: Drawn::Nothing,
            };
        }
        if !self.terminal || console::is_dumb() {
            let last = Instant::now();
            let drawn = Drawn::Lines {
                ui: self.clone(),
                verb: verb.to_owned(),
                done: 0,
                total,
                last,
            };
            return Progress { drawn };
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        bar.set_style(style());
        bar.set_prefix(format!("{verb:>12}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress {
            drawn: Drawn::Bar(bar),
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template(
        "{prefix:.cyan.bold} [{bar:28}] {pos}/{len} {elapsed:>4} {wide_msg}",
    )
    .expect("the template is a constant that a test draws")
    .progress_chars("=> ")
}

impl Progress {
    /// The number of pieces became known or changed.
    pub fn set_total(&mut self, new: u64) {
        match &mut self.drawn {
            Drawn::Bar(bar) => bar.set_length(new),
            Drawn::Lines { total, .. } => *total = new,
            Drawn::Nothing => {}
        }
    }

    /// One more piece is done; `now` names it or what comes next.
    pub fn step(&mut self, now: &str) {
        match &mut self.drawn {
            Drawn::Bar(bar) => {
                // The message draws, the number alone does not.
                bar.inc(1);
                bar.set_message(now.to_owned());
            }
            Drawn::Lines {
                ui,
                verb,
                done,
                total,
                last,
            } => {
                *done += 1;
                if last.elapsed() >= PLAIN_EVERY {
                    *last = Instant::now();
                    ui.status(verb, &format!("{done}/{total} {now}"));
                }
            }
            Drawn::Nothing => {}
        }
    }

    /// Takes the bar away; the caller says what came of it.
    pub fn finish(self) {}
}

impl Drop for Progress {
    fn drop(&mut self) {
        match &self.drawn {
            Drawn::Bar(bar) => bar.finish_and_clear(),
            Drawn::Lines { .. } | Drawn::Nothing => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_style_can_be_drawn() {
        drop(super::style());
    }
}
