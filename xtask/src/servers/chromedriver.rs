//! chromedriver, which starts and steers browsers for whoever speaks WebDriver to it.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::process::{self, Background};
use crate::tools;

/// A running chromedriver. Dropping it ends it, with its browsers.
pub struct Chromedriver {
    url: String,
    _server: Background,
    _home: TempDir,
}

impl Chromedriver {
    /// Starts it on a free port, with a home of its own, so that no browser touches ours.
    pub fn start() -> Result<Self> {
        let binary =
            tools::find_program("chromedriver").context("chromedriver is not installed")?;
        let home = tempfile::Builder::new()
            .prefix("quickscale-browser-")
            .tempdir()?;
        let mut command = process::tied(&binary, Signal::SIGTERM, None);
        command
            .arg("--port=0")
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = Background::start(&mut command, Signal::SIGTERM)?;
        let output = server
            .child()
            .stdout
            .take()
            .context("the output is piped")?;
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let port = lines
            .find_map(|line| port_of(&line))
            .context("chromedriver ended without telling its port")?;
        // It must never block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self {
            url: format!("http://127.0.0.1:{port}"),
            _server: server,
            _home: home,
        })
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// `ChromeDriver was started successfully on port 40123.`
fn port_of(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("successfully on port ")?;
    rest.trim_end_matches('.').trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_port_that_chromedriver_tells() {
        let told = "ChromeDriver was started successfully on port 40123.";
        assert_eq!(port_of(told), Some(40123));
        assert_eq!(port_of("Only local connections are allowed."), None);
    }
}
