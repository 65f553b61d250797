//! `health`: asks the server on this machine whether it is ready; for container health checks.

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::say;
use crate::config::Config;

const TIME_LIMIT: Duration = Duration::from_secs(5);
const REQUEST: &[u8] =
    b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let host = if config.host.is_unspecified() {
        IpAddr::from([127, 0, 0, 1])
    } else {
        config.host
    };
    let address = SocketAddr::new(host, config.port);
    let answer = tokio::time::timeout(TIME_LIMIT, ask(address))
        .await
        .context("no answer in time")?;
    let answer = answer.with_context(|| format!("nothing answers on {address}"))?;
    let ready = answer.starts_with("HTTP/1.1 200");
    say(if ready { "ready" } else { "not ready" });
    Ok(if ready {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(REQUEST).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
