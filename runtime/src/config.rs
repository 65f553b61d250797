//! Configuration from environment variables. Every fault is found before any is reported.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};

use crate::crypto::{Key, KeyRing};
use crate::db::default_connections;
use crate::http::TrustedProxies;

/// The variables of a process, by name. Values taken from `.env` are among them.
pub type Vars = BTreeMap<String, String>;

/// Which kind of place the application runs in (`APP_ENV`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    Development,
    Test,
    Production,
}

impl Environment {
    /// What `APP_ENV` says, in the process's environment or in `.env` below `root`; development when it says nothing
    /// that is known, which [`Config::from_process`] refuses.
    pub fn of_process(root: &Path) -> Self {
        let named = process_vars(root).remove("APP_ENV");
        let named = named.and_then(|name| name.trim().parse().ok());
        named.unwrap_or(Self::Development)
    }

    pub fn is_production(self) -> bool {
        self == Self::Production
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Production => "production",
        }
    }
}

impl FromStr for Environment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "development" => Ok(Self::Development),
            "test" => Ok(Self::Test),
            "production" => Ok(Self::Production),
            other => Err(format!(
                "{other:?} is none of development, test, production"
            )),
        }
    }
}

/// How log lines are written (`LOG_FORMAT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("{other:?} is neither text nor json")),
        }
    }
}

/// Everything that the environment says.
#[derive(Debug, Clone)]
pub struct Config {
    pub environment: Environment,
    pub database_url: String,
    /// How many connections to PostgreSQL this process has at most.
    pub database_connections: NonZeroUsize,
    /// The public address without a trailing slash, as people and mails use it.
    pub url: String,
    pub host: IpAddr,
    pub port: u16,
    /// Whose word on where a request comes from is believed.
    pub trusted_proxies: TrustedProxies,
    pub log_format: LogFormat,
    /// Which log events are kept, as `tracing_subscriber::filter::Targets` reads it (`RUST_LOG`).
    pub log_filter: String,
    /// The folder with `templates/`, `static/` and `migrations/`.
    pub root: PathBuf,
    /// The variables that were read, for modules that have their own.
    pub vars: Vars,
    secret_key: SecretString,
    /// Keys that were replaced; what was encrypted with them can still be read.
    previous_keys: Vec<SecretString>,
}

/// What is wrong with one variable, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub variable: String,
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.problem)
    }
}

/// All faults of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} fault(s):", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Faults {}

/// Shorter secrets can be guessed; `openssl rand -hex 32` makes 64 characters.
const SECRET_KEY_LENGTH: usize = 32;

impl Config {
    /// Reads the process's environment, and in development `.env` below `root` for what is not set.
    ///
    /// # Errors
    /// All faults at once.
    pub fn from_process(root: &Path) -> Result<Self, Faults> {
        Self::from_vars(process_vars(root), root)
    }

    /// Reads `vars`. Pure.
    ///
    /// # Errors
    /// All faults at once.
    pub fn from_vars(vars: Vars, root: &Path) -> Result<Self, Faults> {
        let mut reader = Reader {
            vars: &vars,
            faults: Vec::new(),
        };
        let environment = reader.parse("APP_ENV", Environment::Development);
        let port = reader.parse("PORT", 8000);
        let production = environment.is_production();
        let host = if production {
            [0, 0, 0, 0]
        } else {
            [127, 0, 0, 1]
        };
        let host = reader.parse("HOST", IpAddr::from(host));
        let format = if production {
            LogFormat::Json
        } else {
            LogFormat::Text
        };
        let trusted_proxies = reader.parse("TRUSTED_PROXIES", TrustedProxies::default());
        let log_format = reader.parse("LOG_FORMAT", format);
        let secret_key = reader.secret_key();
        let url = reader.url(production, port);
        let database_url = reader.database_url(production);
        let database_connections = reader.parse("DATABASE_CONNECTIONS", default_connections());
        let log_filter = vars
            .get("RUST_LOG")
            .cloned()
            .unwrap_or_else(|| "info".into());
        let faults = reader.faults;
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        let root = root.to_path_buf();
        let secret_key = SecretString::from(secret_key);
        let previous = vars.get("APP_SECRET_KEYS_PREVIOUS").map(String::as_str);
        let previous = previous.unwrap_or_default().split(',').map(str::trim);
        let previous = previous.filter(|key| !key.is_empty());
        let previous_keys = previous
            .map(|key| SecretString::from(key.to_owned()))
            .collect();
        Ok(Self {
            environment,
            database_url,
            database_connections,
            url,
            host,
            port,
            trusted_proxies,
            log_format,
            log_filter,
            root,
            vars,
            secret_key,
            previous_keys,
        })
    }

    /// The key for one purpose, derived from `APP_SECRET_KEY`.
    pub fn key(&self, purpose: &str) -> Key {
        Key::derive(self.secret_key.expose_secret().as_bytes(), purpose)
    }

    /// The keys for encrypting at one purpose: the one of `APP_SECRET_KEY`, and for reading those of
    /// `APP_SECRET_KEYS_PREVIOUS` too.
    pub fn keys(&self, purpose: &str) -> KeyRing {
        let all = std::iter::once(&self.secret_key).chain(&self.previous_keys);
        let keys = all.map(|secret| Key::derive(secret.expose_secret().as_bytes(), purpose));
        KeyRing::new(keys)
    }

    /// The host of [`Config::url`], without its port.
    pub fn host_name(&self) -> &str {
        let (_, host) = self.origin().split_once("://").unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, port)| {
            if port.bytes().all(|b| b.is_ascii_digit()) {
                name
            } else {
                host
            }
        });
        name.trim_matches(['[', ']'])
    }

    /// Whether people reach the application over TLS, so that cookies may demand it.
    pub fn is_secure(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// The scheme, host and port of [`Config::url`], as a browser's `Origin` header has it.
    pub fn origin(&self) -> &str {
        let start = self.url.find("://").map_or(0, |at| at + 3);
        self.url[start..]
            .find('/')
            .map_or(&*self.url, |end| &self.url[..start + end])
    }
}

/// The process's environment, and in development `.env` below `root` for what is not set.
fn process_vars(root: &Path) -> Vars {
    let mut vars: Vars = std::env::vars().collect();
    let development = vars.get("APP_ENV").is_none_or(|env| env != "production");
    if development && let Ok(entries) = dotenvy::from_path_iter(root.join(".env")) {
        for (name, value) in entries.flatten() {
            vars.entry(name).or_insert(value);
        }
    }
    vars
}

struct Reader<'a> {
    vars: &'a Vars,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.vars
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    fn fault(&mut self, variable: &str, problem: impl Into<String>) {
        self.faults.push(Fault {
            variable: variable.into(),
            problem: problem.into(),
        });
    }

    fn parse<T: FromStr<Err: fmt::Display>>(&mut self, name: &str, default: T) -> T {
        match self.get(name).map(str::parse) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                let problem = error.to_string();
                self.fault(name, problem);
                default
            }
        }
    }

    fn secret_key(&mut self) -> String {
        let key = self.get("APP_SECRET_KEY").unwrap_or_default().to_owned();
        if key.is_empty() {
            self.fault(
                "APP_SECRET_KEY",
                "is not set; make one with `openssl rand -hex 32`",
            );
        } else if key.len() < SECRET_KEY_LENGTH || distinct_characters(&key) < 8 {
            self.fault(
                "APP_SECRET_KEY",
                "can be guessed; make one with `openssl rand -hex 32` (at least 32 characters)",
            );
        }
        key
    }

    fn url(&mut self, production: bool, port: u16) -> String {
        let Some(url) = self
            .get("APP_URL")
            .map(|url| url.trim_end_matches('/').to_owned())
        else {
            if production {
                self.fault(
                    "APP_URL",
                    "is not set; set it to the public address, https://…",
                );
            }
            return format!("http://localhost:{port}");
        };
        let local = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
        let plain = url.starts_with("http://");
        if !plain && !url.starts_with("https://") {
            self.fault(
                "APP_URL",
                format!("{url:?} does not begin with https:// or http://"),
            );
        } else if production && plain && !local.iter().any(|host| url.starts_with(host)) {
            self.fault(
                "APP_URL",
                "is plain http; in production people must come over https://",
            );
        }
        url
    }

    fn database_url(&mut self, production: bool) -> String {
        match self.get("DATABASE_URL").map(str::to_owned) {
            Some(url) if is_database_url(&url) => url,
            // The value may hold a password and is not repeated.
            Some(_) => {
                self.fault(
                    "DATABASE_URL",
                    "does not begin with sqlite:// or postgres://",
                );
                String::new()
            }
            None if production => {
                self.fault(
                    "DATABASE_URL",
                    "is not set; set it to postgres://… (or sqlite://…)",
                );
                String::new()
            }
            None => "sqlite://var/app.db".into(),
        }
    }
}

fn is_database_url(url: &str) -> bool {
    ["sqlite:", "postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

fn distinct_characters(text: &str) -> usize {
    text.chars()
        .collect::<std::collections::BTreeSet<_>>()
        .len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Faults> {
        let vars = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Config::from_vars(vars, Path::new("."))
    }

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn variables(result: Result<Config, Faults>) -> Vec<String> {
        result
            .unwrap_err()
            .0
            .into_iter()
            .map(|fault| fault.variable)
            .collect()
    }

    #[test]
    fn development_needs_only_a_secret() {
        let config = read(&[("APP_SECRET_KEY", KEY), ("PORT", "9000")]).unwrap();
        assert_eq!(config.url, "http://localhost:9000");
        assert_eq!(config.host, IpAddr::from([127, 0, 0, 1]));
        assert!(!config.is_secure());
    }

    #[test]
    fn the_environment_is_known_before_anything_else_is_right() {
        let folder = std::env::temp_dir().join(format!("quickscale_env_{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (text, environment) in [
            ("APP_ENV=test\nPORT=x\n", Environment::Test),
            ("APP_ENV='production'\n", Environment::Production),
            ("APP_ENV=prod\n", Environment::Development),
            ("", Environment::Development),
        ] {
            std::fs::write(folder.join(".env"), text).unwrap();
            assert_eq!(Environment::of_process(&folder), environment, "{text}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let faults = read(&[
            ("APP_ENV", "prod"),
            ("PORT", "http"),
            ("DATABASE_URL", "mysql://x"),
            ("DATABASE_CONNECTIONS", "0"),
        ]);
        let expected = [
            "APP_ENV",
            "PORT",
            "APP_SECRET_KEY",
            "DATABASE_URL",
            "DATABASE_CONNECTIONS",
        ];
        assert_eq!(variables(faults), expected);
    }

    #[test]
    fn production_refuses_weak_settings() {
        let weak = read(&[
            ("APP_ENV", "production"),
            ("APP_SECRET_KEY", "changeme"),
            ("APP_URL", "http://example.com"),
        ]);
        assert_eq!(
            variables(weak),
            ["APP_SECRET_KEY", "APP_URL", "DATABASE_URL"]
        );
    }

    #[test]
    fn a_fault_never_repeats_a_secret() {
        let faults = read(&[
            ("APP_SECRET_KEY", "hunter2"),
            ("DATABASE_URL", "mysql://a:pw@b"),
        ]);
        let text = faults.unwrap_err().to_string();
        assert!(!text.contains("hunter2") && !text.contains("pw"), "{text}");
    }

    #[test]
    fn the_origin_has_no_path() {
        let at = |url| read(&[("APP_SECRET_KEY", KEY), ("APP_URL", url)]).unwrap();
        assert_eq!(at("https://a.example/app/").origin(), "https://a.example");
        assert_eq!(
            at("http://localhost:8000").origin(),
            "http://localhost:8000"
        );
    }
}
