//! What ran, how it ended and what it cost; told at the end in a table and in the words of `cargo test`.

use std::time::Duration;

use anyhow::{Result, bail};

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tests {
    passed: u64,
    failed: u64,
    ignored: u64,
    filtered: u64,
}

impl Tests {
    /// Counts a line of a test program's output, if it is the one with the numbers:
    /// `test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.00s`.
    pub fn read(&mut self, line: &str) {
        let Some(numbers) = line.strip_prefix("test result: ") else {
            return;
        };
        let words: Vec<_> = numbers
            .split([' ', ';', '.'])
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else {
                continue;
            };
            match pair[1] {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                "filtered" => self.filtered += number,
                _ => {}
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.filtered += other.filtered;
    }
}

/// A step that ran.
pub struct Row {
    pub name: &'static str,
    pub succeeded: bool,
    pub wall: Duration,
    /// Of the programs that it ran; servers that outlive it count for none.
    pub cpu: Duration,
    pub tests: Tests,
}

/// All that ran.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Prints the table; fails if a step failed.
    pub fn conclude(&self) -> Result<()> {
        let mut all = Tests::default();
        println!(
            "\n{:<18} {:<7} {:>7} {:>7} {:>8} {:>8}",
            "step", "result", "passed", "failed", "wall s", "CPU s"
        );
        for Row {
            name,
            succeeded,
            wall,
            cpu,
            tests,
        } in &self.rows
        {
            let result = if *succeeded { "ok" } else { "FAILED" };
            all.add(*tests);
            println!(
                "{name:<18} {result:<7} {:>7} {:>7} {:>8.1} {:>8.1}",
                tests.passed,
                tests.failed,
                wall.as_secs_f64(),
                cpu.as_secs_f64()
            );
        }
        let failed: Vec<_> = self
            .rows
            .iter()
            .filter(|row| !row.succeeded)
            .map(|row| row.name)
            .collect();
        let wall: Duration = self.rows.iter().map(|row| row.wall).sum();
        println!(
            "\ntest result: {}. {} passed; {} failed; {} ignored; 0 measured; {} filtered out; finished in {:.2}s",
            if failed.is_empty() { "ok" } else { "FAILED" },
            all.passed,
            all.failed,
            all.ignored,
            all.filtered,
            wall.as_secs_f64()
        );
        if !failed.is_empty() {
            bail!(
                "{} of {} steps failed: {}",
                failed.len(),
                self.rows.len(),
                failed.join(", ")
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_what_test_programs_tell() {
        let mut tests = Tests::default();
        tests.read("running 4 tests");
        tests.read("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s");
        tests.read("test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s");
        assert_eq!(
            tests,
            Tests {
                passed: 7,
                failed: 2,
                ignored: 1,
                filtered: 2
            }
        );
    }

    #[test]
    fn a_failed_step_fails_the_whole() {
        let row = |name, succeeded| Row {
            name,
            succeeded,
            wall: Duration::from_secs(1),
            cpu: Duration::from_secs(2),
            tests: Tests::default(),
        };
        let mut report = Report::default();
        report.add(row("fmt", true));
        assert!(report.conclude().is_ok());
        report.add(row("clippy", false));
        let fault = report.conclude().expect_err("clippy failed");
        assert_eq!(fault.to_string(), "1 of 2 steps failed: clippy");
    }
}
