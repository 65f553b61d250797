//! What configures a project's app: the environment of the caller, over the project's `.env`. Also what of that
//! environment a started app or cargo gets to see.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::error::Fault;

/// The file of a project's secrets and local settings.
pub const ENV_FILE: &str = ".env";

/// Where the app listens unless told otherwise.
pub const DEFAULT_PORT: u16 = 8000;

/// What a project's app is configured with. A variable of the environment wins over `.env`, as it does in the app.
#[derive(Debug, Default)]
pub struct Settings {
    file: BTreeMap<String, String>,
    caller: BTreeMap<String, String>,
}

impl Settings {
    /// Reads `.env` of the project in `root`; a missing file is an empty one.
    pub fn load(root: &Path) -> Result<Self> {
        let caller: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        // The app does the same: in production the environment is all there is.
        let file = match caller.get("APP_ENV").map(String::as_str) {
            Some("production") => BTreeMap::new(),
            _ => read_file(&root.join(ENV_FILE))?,
        };
        Ok(Self { file, caller })
    }

    /// The value of a variable; an empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.caller.get(name).or_else(|| self.file.get(name))?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// The port that is asked for without `--port`.
    pub fn port(&self) -> Result<u16> {
        self.port_in("PORT")
    }

    fn port_in(&self, name: &str) -> Result<u16> {
        match self.get(name) {
            None => Ok(DEFAULT_PORT),
            Some(port) => port
                .parse()
                .ok()
                .filter(|&port| port != 0)
                .with_context(|| {
                    Fault::new(format!("{name} is {port:?}, which is no port")).hint(format!(
                        "set {name} in .env to a number from 1 to 65535, or remove it"
                    ))
                }),
        }
    }

    /// The port of this machine that compose publishes the app on without `--port`.
    pub fn docker_port(&self) -> Result<u16> {
        self.port_in("APP_PORT")
    }

    /// The address that the app listens on.
    pub fn host(&self) -> Result<IpAddr> {
        match self.get("HOST") {
            None if self.get("APP_ENV") == Some("production") => Ok(Ipv4Addr::UNSPECIFIED.into()),
            None => Ok(Ipv4Addr::LOCALHOST.into()),
            Some(host) => host.parse().with_context(|| {
                Fault::new(format!("HOST is {host:?}, which is no address")).hint(
                    "set HOST in .env to 127.0.0.1 (this machine only) or 0.0.0.0 (everybody)",
                )
            }),
        }
    }

    /// The database that the app of the project in `root` uses.
    pub fn database(&self, root: &Path) -> Result<Database> {
        match self.get("DATABASE_URL") {
            Some(url) => Database::parse(url, root).with_context(|| {
                Fault::new("DATABASE_URL is not the address of a database").hint(
                    "set it in .env to sqlite://var/app.db or postgres://user:password@host/name",
                )
            }),
            None => Err(Fault::new("DATABASE_URL is not set")
                .hint("set it in .env, for example to sqlite://var/app.db")
                .into()),
        }
    }

    /// What the app calls itself when it listens on `port` of this machine: `APP_URL` with that port, or `APP_URL` as it
    /// is when it names another machine (a tunnel, a proxy).
    pub fn app_url(&self, port: u16) -> String {
        let configured = self
            .get("APP_URL")
            .and_then(|url| url::Url::parse(url).ok());
        match configured {
            Some(mut url) if url.scheme() == "http" && is_this_machine(&url) => {
                // Cannot fail: the URL has a host.
                let _ = url.set_port(Some(port));
                url.as_str().trim_end_matches('/').to_owned()
            }
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://127.0.0.1:{port}"),
        }
    }

    /// Where the app that listens on `port` answers on this machine.
    pub fn local_url(&self, port: u16) -> String {
        let url = self.app_url(port);
        let local =
            url::Url::parse(&url).is_ok_and(|url| url.scheme() == "http" && is_this_machine(&url));
        if local {
            url
        } else {
            format!("http://127.0.0.1:{port}")
        }
    }
}

/// Where an app keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file of this machine.
    Sqlite(PathBuf),
    /// Gone with the process.
    Memory,
    Postgres(Box<url::Url>),
}

impl Database {
    /// As sqlx reads it: `sqlite://PATH`, `sqlite:PATH`, `sqlite::memory:` with parameters behind a `?`, or
    /// `postgres://…`. A relative path is one below `root`, where the app runs.
    fn parse(text: &str, root: &Path) -> Option<Self> {
        if let Some(place) = text.strip_prefix("sqlite:") {
            let place = place.strip_prefix("//").unwrap_or(place);
            let path = place.split('?').next().unwrap_or(place);
            return match path {
                "" => None,
                ":memory:" => Some(Self::Memory),
                path => Some(Self::Sqlite(root.join(path))),
            };
        }
        let url = url::Url::parse(text).ok()?;
        let known = matches!(url.scheme(), "postgres" | "postgresql") && url.host().is_some();
        known.then(|| Self::Postgres(Box::new(url)))
    }
}

fn is_this_machine(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(url::Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
        None => false,
    }
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>> {
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let text = fs_err::read(path)?;
    let mut variables = BTreeMap::new();
    for item in dotenvy::from_read_iter(text.as_slice()) {
        let (name, value) = item.map_err(|error| malformed(&text, &error))?;
        // As the app reads it: the first of two equal names counts.
        variables.entry(name).or_insert(value);
    }
    Ok(variables)
}

/// Says where `.env` is malformed and not what stands there: it may be a secret.
fn malformed(text: &[u8], error: &dotenvy::Error) -> Fault {
    // The crate gives the line or, for a fault in the value, what stands behind the name.
    let line = match error {
        dotenvy::Error::LineParse(fragment, _) => {
            let fragment = fragment.lines().next().unwrap_or_default().trim_end();
            let text = String::from_utf8_lossy(text);
            text.lines()
                .position(|line| line.trim_end().ends_with(fragment))
        }
        _ => None,
    };
    let place = line.map_or_else(
        || ENV_FILE.to_owned(),
        |index| format!("{ENV_FILE} line {}", index + 1),
    );
    Fault::new(format!("{place} is not of the form NAME=value"))
        .hint("put a value with spaces, quotes or # in single quotes")
}

/// Hides from `command` what cargo, rustup and quickscale leave in the environment for their own children. Everything
/// else of the caller's environment stays: an app is configured by it.
pub fn clean_app_environment(command: &mut Command) {
    remove(command, |name| {
        is_of_tool(name) || name == "CARGO" || name.starts_with("CARGO_")
    });
}

/// The same for cargo, which keeps its own settings (`CARGO_HOME`, `CARGO_TARGET_DIR`, `CARGO_NET_…`).
pub fn clean_cargo_environment(command: &mut Command) {
    remove(command, |name| is_of_tool(name) || is_of_package(name));
}

fn remove(command: &mut Command, unwanted: impl Fn(&str) -> bool) {
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| OsStr::to_str(name).is_some_and(&unwanted)) {
        command.env_remove(name);
    }
}

fn is_of_tool(name: &str) -> bool {
    name.starts_with("QUICKSCALE_")
        || matches!(name, "RUST_RECURSION_COUNT" | "MAKEFLAGS" | "OUT_DIR")
}

fn is_of_package(name: &str) -> bool {
    const PREFIXES: [&str; 5] = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CFG_",
        "CARGO_FEATURE_",
    ];
    matches!(
        name,
        "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "CARGO_MAKEFLAGS"
    ) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Settings {
        Settings {
            file: BTreeMap::from([(name.to_owned(), value.to_owned())]),
            caller: BTreeMap::new(),
        }
    }

    #[test]
    fn moves_the_own_url_to_the_port() {
        let table = [
            (
                "http://localhost:8000",
                "http://localhost:8001",
                "http://localhost:8001",
            ),
            (
                "http://127.0.0.1:8000/",
                "http://127.0.0.1:8001",
                "http://127.0.0.1:8001",
            ),
            (
                "https://tunnel.example",
                "https://tunnel.example",
                "http://127.0.0.1:8001",
            ),
            ("", "http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ];
        for (configured, app, local) in table {
            let settings = with("APP_URL", configured);
            assert_eq!(settings.app_url(8001), app, "{configured}");
            assert_eq!(settings.local_url(8001), local, "{configured}");
        }
    }

    #[test]
    fn knows_the_databases() {
        let root = Path::new("/p");
        let parse = |text| Database::parse(text, root);
        assert_eq!(
            parse("sqlite://var/app.db"),
            Some(Database::Sqlite("/p/var/app.db".into()))
        );
        assert_eq!(
            parse("sqlite:var/app.db?mode=rwc"),
            Some(Database::Sqlite("/p/var/app.db".into()))
        );
        assert_eq!(
            parse("sqlite:///data/app.db"),
            Some(Database::Sqlite("/data/app.db".into()))
        );
        assert_eq!(parse("sqlite::memory:"), Some(Database::Memory));
        assert!(matches!(
            parse("postgres://me:pw@db/app"),
            Some(Database::Postgres(_))
        ));
        for wrong in ["", "sqlite:", "mysql://x/y", "postgres:", "var/app.db"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let mut settings = with("PORT", "9000");
        assert_eq!(settings.port().expect("a port"), 9000);
        settings.caller.insert("PORT".into(), "9001".into());
        assert_eq!(settings.port().expect("a port"), 9001);
    }

    #[test]
    fn refuses_what_is_no_port() {
        for wrong in ["http", "0", "70000", "-1"] {
            assert!(with("PORT", wrong).port().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_malformed_line_is_named_and_not_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(ENV_FILE);
        fs_err::write(&path, "A=1\nSECRET=two words\n").expect("written");
        let said = read_file(&path).expect_err("malformed").to_string();
        assert_eq!(said, ".env line 2 is not of the form NAME=value");
    }
}
