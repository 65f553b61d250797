//! wrk, which sends as many requests as are answered and costs little itself.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::process;

/// What is sent, for how long, over how many connections.
pub struct Load<'a> {
    pub url: String,
    pub connections: u32,
    pub seconds: u64,
    /// A script in Lua that makes each request; without one, each is a GET of the URL.
    pub script: Option<&'a Path>,
    /// The `Cookie` header.
    pub cookies: Option<&'a str>,
}

/// What came back.
#[derive(Debug, PartialEq)]
pub struct Answers {
    pub requests: u64,
    pub per_second: f64,
    /// As wrk writes them: `1.25ms`.
    pub p50: String,
    pub p99: String,
}

impl Load<'_> {
    /// Sends and waits. Fails when an answer was an error.
    pub fn run(&self) -> Result<Answers> {
        let mut command = self.command();
        eprintln!("$ {}", process::show(&command));
        read(&process::read(&mut command)?)
    }

    /// Sends in the background; [`std::process::Child::wait_with_output`] and [`read`] tell what came back.
    pub fn start(&self) -> Result<std::process::Child> {
        let mut command = self.command();
        eprintln!("$ {} &", process::show(&command));
        Ok(command.stdout(Stdio::piped()).spawn()?)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("wrk");
        command
            .arg("--latency")
            .arg("-t1")
            .arg(format!("-c{}", self.connections));
        command.arg(format!("-d{}s", self.seconds));
        if let Some(script) = self.script {
            command.arg("-s").arg(script);
        }
        if let Some(cookies) = self.cookies {
            command.arg("-H").arg(format!("Cookie: {cookies}"));
        }
        command.arg(&self.url);
        command
    }
}

/// Reads wrk's report.
///
/// # Errors
/// When an answer was an error.
pub fn read(report: &str) -> Result<Answers> {
    let after = |key: &str| {
        let line = report
            .lines()
            .map(str::trim)
            .find_map(|line| line.strip_prefix(key));
        line.map(|rest| rest.trim().to_owned())
            .with_context(|| format!("wrk tells no {key:?}:\n{report}"))
    };
    for fault in ["Non-2xx or 3xx responses:", "Socket errors:"] {
        ensure!(
            !report.contains(fault),
            "the server did not answer all requests well:\n{report}"
        );
    }
    let requests = report
        .lines()
        .find_map(|line| line.trim().split_once(" requests in "));
    let (requests, _) =
        requests.with_context(|| format!("wrk tells no number of requests:\n{report}"))?;
    Ok(Answers {
        requests: requests.parse()?,
        per_second: after("Requests/sec:")?.parse()?,
        p50: after("50%")?,
        p99: after("99%")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "Running 10s test @ http://127.0.0.1:8000/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   635.91us    0.89ms  12.92ms   93.69%
    Req/Sec    56.20k     8.07k   62.00k    86.54%
  Latency Distribution
     50%  250.00us
     75%  491.00us
     90%    1.10ms
     99%    5.80ms
  218807 requests in 10.00s, 17.76GB read
Requests/sec: 21878.54
Transfer/sec:    606.33MB
";

    #[test]
    fn reads_what_wrk_reports() {
        let expected = Answers {
            requests: 218807,
            per_second: 21878.54,
            p50: "250.00us".to_owned(),
            p99: "5.80ms".to_owned(),
        };
        assert_eq!(read(REPORT).expect("a report"), expected);
    }

    #[test]
    fn an_answer_that_is_an_error_is_no_answer() {
        let report = format!("{REPORT}  Non-2xx or 3xx responses: 12\n");
        let fault = read(&report).expect_err("errors came back").to_string();
        assert!(fault.contains("12"), "{fault}");
    }
}
