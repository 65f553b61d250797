//! A shell of the app's database, with the tool that the database brings.

use std::io::ErrorKind;
use std::process::Command;

use anyhow::{Context, Result};
use percent_encoding::percent_decode_str;
use url::Url;

use super::record::Record;
use super::settings::Database;
use super::{Site, docker, platform};
use crate::error::{Exit, Fault};
use crate::interrupt;

/// Opens the shell and returns what it exits with.
pub fn shell(site: &Site<'_>) -> Result<Exit> {
    if let Some(Record::Docker(noted)) = site.run.read()? {
        return docker::shell(site, &noted);
    }
    match site.settings.database(site.root)? {
        Database::Memory => Err(Fault::new(
            "the database lives in the app's memory, where no shell reaches it",
        )
        .hint("set DATABASE_URL in .env to a file, for example sqlite://var/app.db")
        .into()),
        Database::Sqlite(path) if !path.exists() => Err(Fault::new(format!(
            "there is no database at {} yet",
            path.display()
        ))
        .hint("quickscale up creates it")
        .into()),
        Database::Sqlite(path) => {
            let mut command = Command::new("sqlite3");
            command.arg(path);
            run(site, command, "sqlite3")
        }
        Database::Postgres(url) => run(site, psql(&url), "postgresql-client"),
    }
}

/// psql for a database URL. The password goes through the environment: arguments can be read by everybody.
pub(super) fn psql(url: &Url) -> Command {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut command = Command::new("psql");
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            command.env(name, value);
        }
    };
    set("PGHOST", url.host_str().map(decoded));
    set("PGPORT", url.port().map(|port| port.to_string()));
    set("PGUSER", Some(decoded(url.username())));
    set("PGPASSWORD", url.password().map(decoded));
    set(
        "PGDATABASE",
        Some(decoded(url.path().trim_start_matches('/'))),
    );
    let parameter = |wanted: &str| {
        let mut pairs = url.query_pairs();
        pairs
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    };
    set(
        "PGSSLMODE",
        parameter("sslmode").or_else(|| parameter("ssl-mode")),
    );
    command
}

fn run(site: &Site<'_>, mut command: Command, package: &str) -> Result<Exit> {
    let program = command.get_program().to_string_lossy().into_owned();
    // Ctrl-C is the shell's own.
    let _deferred = interrupt::defer();
    match command.current_dir(site.root).status() {
        Ok(status) => Ok(Exit::Passed(platform::code_of(status))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Fault::new(format!("{program} is not installed"))
                .hint(format!(
                    "install it, for example: sudo apt-get install {package}"
                ))
                .into())
        }
        Err(error) => Err(error).with_context(|| format!("cannot start {program}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_in_the_environment_and_not_in_the_arguments() {
        let url = Url::parse("postgres://me:p%40ss@db.example:5433/my-app?sslmode=require")
            .expect("a url");
        let command = psql(&url);
        assert_eq!(command.get_args().count(), 0);
        let mut set: Vec<_> = command
            .get_envs()
            .map(|(name, value)| format!("{}={}", name.display(), value.expect("set").display()))
            .collect();
        set.sort();
        let expected = [
            "PGDATABASE=my-app",
            "PGHOST=db.example",
            "PGPASSWORD=p@ss",
            "PGPORT=5433",
            "PGSSLMODE=require",
            "PGUSER=me",
        ];
        assert_eq!(set, expected);
    }
}
