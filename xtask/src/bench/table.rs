//! What was measured, as a Markdown table, and the commands that made it.

use std::time::Duration;

/// One measured thing.
struct Row {
    what: String,
    measured: String,
    aim: String,
}

/// Everything that was measured, in order.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
    commands: Vec<String>,
}

impl Table {
    /// Adds a line; `aim` is empty where nothing is aimed at.
    pub fn add(
        &mut self,
        what: impl Into<String>,
        measured: impl Into<String>,
        aim: impl Into<String>,
    ) {
        let row = Row {
            what: what.into(),
            measured: measured.into(),
            aim: aim.into(),
        };
        eprintln!("{}: {}", row.what, row.measured);
        self.rows.push(row);
    }

    /// Adds how the lines before it were made.
    pub fn made_by(&mut self, command: impl Into<String>) {
        let command = command.into();
        if !self.commands.contains(&command) {
            self.commands.push(command);
        }
    }

    pub fn print(&self) {
        let width = |of: fn(&Row) -> &str, head: &str| {
            let rows = self.rows.iter().map(|row| of(row).chars().count());
            rows.chain([head.len()]).max().unwrap_or_default()
        };
        let what = width(|row| &row.what, "what");
        let measured = width(|row| &row.measured, "measured");
        let aim = width(|row| &row.aim, "aim");
        println!(
            "\n| {:<what$} | {:<measured$} | {:<aim$} |",
            "what", "measured", "aim"
        );
        println!("|{:-<what$}--|{:-<measured$}--|{:-<aim$}--|", "", "", "");
        for row in &self.rows {
            println!(
                "| {:<what$} | {:<measured$} | {:<aim$} |",
                row.what, row.measured, row.aim
            );
        }
        println!("\nMade by:");
        for command in &self.commands {
            println!("- {command}");
        }
    }
}

/// The value below which `share` of `values` lie.
///
/// # Panics
/// When there are no values.
pub fn percentile(values: &[Duration], share: f64) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let last = sorted.len() - 1;
    let index = (last as f64 * share).round() as usize;
    sorted[index.min(last)]
}

pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// In the megabytes of disks and memory sticks: a million bytes.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<_> = (1..=20).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&values, 0.0), Duration::from_millis(1));
        assert_eq!(percentile(&values, 0.5), Duration::from_millis(11));
        assert_eq!(percentile(&values, 1.0), Duration::from_millis(20));
        assert_eq!(percentile(&values[..1], 0.99), Duration::from_millis(20));
    }
}
