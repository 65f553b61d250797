//! What the app needs when it runs: its database, its port; and whether it runs.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use url::Url;

use super::Finding;
use crate::error::Fault;
use crate::stack::port::{self, Wish};
use crate::stack::settings::Database;
use crate::stack::shell::psql;
use crate::stack::status::{Doing, status};
use crate::stack::{Site, platform};

/// How long a database server has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What every SQLite file begins with (https://sqlite.org/fileformat.html).
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Asks a PostgreSQL server whether it speaks TLS; it answers with one letter
/// (https://www.postgresql.org/docs/current/protocol-message-formats.html, SSLRequest).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

pub fn database(site: &Site<'_>) -> Finding {
    let checked = match site.settings.database(site.root) {
        Ok(Database::Sqlite(path)) => sqlite(&path),
        Ok(Database::Memory) => Ok("in the app's memory: gone with it".to_owned()),
        Ok(Database::Postgres(url)) => postgres(&url),
        Err(error) => Err(error),
    };
    match checked {
        Ok(message) => Finding::ok("database", message),
        Err(error) => Finding::fault("database", &error),
    }
}

/// The file, if there is one, and its folder, can be written.
fn sqlite(path: &Path) -> Result<String> {
    if path.exists() {
        let file = fs_err::File::options()
            .read(true)
            .write(true)
            .open(path)
            .context(
                Fault::new("the database cannot be written")
                    .hint(format!("look at the rights of {}", path.display())),
            )?;
        let mut start = Vec::new();
        file.take(SQLITE.len() as u64).read_to_end(&mut start)?;
        if !start.is_empty() && start != SQLITE {
            return Err(
                Fault::new(format!("{} is no SQLite database", path.display()))
                    .hint("move it away, or let DATABASE_URL in .env name another file")
                    .into(),
            );
        }
    }
    // SQLite writes its journal beside the file.
    let folder = path
        .ancestors()
        .skip(1)
        .find(|folder| folder.exists())
        .unwrap_or(path);
    tempfile::tempfile_in(folder).context(
        Fault::new(format!(
            "the folder of the database, {}, cannot be written",
            folder.display()
        ))
        .hint("look at its rights, or let DATABASE_URL in .env name another place"),
    )?;
    Ok(if path.exists() {
        "SQLite, writable"
    } else {
        "SQLite, created by the first `quickscale up`"
    }
    .to_owned())
}

/// Signs in where psql is installed; else sees that a PostgreSQL server answers.
fn postgres(url: &Url) -> Result<String> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().unwrap_or(5432);
    let server = format!("PostgreSQL at {host}:{port}");
    let hint = "start the server, or correct DATABASE_URL in .env";
    greet(host, port)
        .with_context(|| Fault::new(format!("{server} does not answer")).hint(hint))?;
    if !platform::has_program("psql") {
        return Ok(format!("{server} answers"));
    }
    let mut psql = psql(url);
    psql.args(["--no-psqlrc", "--no-password", "--command", "select 1"]);
    psql.env("PGCONNECT_TIMEOUT", PATIENCE.as_secs().to_string());
    let output = psql
        .stdin(Stdio::null())
        .output()
        .context("cannot run psql")?;
    if output.status.success() {
        return Ok(format!("{server} lets the app in"));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().last().unwrap_or_default().trim();
    Err(
        Fault::new(format!("{server} does not let the app in: {said}"))
            .hint("correct DATABASE_URL in .env, or create the user and the database")
            .into(),
    )
}

fn greet(host: &str, port: u16) -> Result<()> {
    let address = (host, port)
        .to_socket_addrs()?
        .next()
        .context("the host has no address")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&SSL_REQUEST)?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    if matches!(answer, [b'S' | b'N']) {
        Ok(())
    } else {
        Err(Fault::new("what answers there is no PostgreSQL").into())
    }
}

/// The port that `quickscale up` would take.
pub fn port(site: &Site<'_>) -> Finding {
    match status(site) {
        Ok(status) if matches!(status.state, Doing::Running | Doing::Unready) => {
            let port = status
                .port
                .map_or_else(String::new, |port| port.to_string());
            return Finding::ok("port", format!("{port} is the app's"));
        }
        Ok(_) | Err(_) => {}
    }
    let choice = site
        .settings
        .port()
        .and_then(|wanted| port::choose(site.settings.host()?, Wish::From(wanted)));
    match choice {
        Ok(choice) => match choice.taken {
            None => Finding::ok("port", format!("{} is free", choice.port)),
            Some(taken) => {
                let by = port::occupant(taken)
                    .map(|who| format!(" by {who}"))
                    .unwrap_or_default();
                let remedy = format!(
                    "nothing: `quickscale up` would take {}; or set PORT in .env",
                    choice.port
                );
                Finding::warning("port", format!("{taken} is taken{by}"), remedy)
            }
        },
        Err(error) => Finding::fault("port", &error),
    }
}

/// Whether the app runs, and is what the project is now.
pub fn running(site: &Site<'_>) -> Finding {
    let status = match status(site) {
        Ok(status) => status,
        Err(error) => return Finding::fault("app", &error),
    };
    let reason = status.reason.unwrap_or_default();
    match (status.state, status.outdated) {
        (Doing::Running, Some(why)) => Finding::warning(
            "app",
            format!("what runs is older than the project: {why}"),
            "quickscale restart",
        ),
        (Doing::Running, None) => {
            Finding::ok("app", format!("runs at {}", status.url.unwrap_or_default()))
        }
        (Doing::Unready, _) => Finding::error(
            "app",
            format!("runs but is not ready: {reason}"),
            "look at `quickscale logs`, then `quickscale restart`",
        ),
        (Doing::Ended, _) => Finding::warning("app", reason, "quickscale up"),
        (Doing::Stopped, _) => Finding::ok("app", "does not run"),
    }
}
