//! Which providers there are, as the environment says.

use secrecy::SecretString;

use crate::config::{Config, Fault, Faults};

const GOOGLE: &str = "https://accounts.google.com";
const GITHUB: &str = "https://github.com";
const GITHUB_API: &str = "https://api.github.com";

/// Where people can sign in.
#[derive(Debug, Clone)]
pub(super) struct Provider {
    /// As it stands in paths: `google`.
    pub name: String,
    /// As people read it: `Google`.
    pub label: String,
    pub client_id: String,
    pub client_secret: SecretString,
    pub kind: Kind,
}

/// What a provider speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// OpenID Connect, found by its issuer.
    OpenId { issuer: String },
    /// OAuth alone, with an API of its own.
    GitHub { site: String, api: String },
}

impl Provider {
    /// Under what its identities are kept.
    pub fn issuer(&self) -> &str {
        match &self.kind {
            Kind::OpenId { issuer } => issuer,
            Kind::GitHub { site, .. } => site,
        }
    }

    /// Where a provider sends browsers back to.
    pub fn callback(&self, config: &Config) -> String {
        format!("{}/accounts/social/{}/callback", config.url, self.name)
    }
}

/// The providers that `SOCIAL_PROVIDERS` names, in its order.
///
/// # Errors
/// Every variable that is missing or wrong.
pub(super) fn read(config: &Config) -> Result<Vec<Provider>, Faults> {
    let mut reader = Reader {
        config,
        faults: Vec::new(),
    };
    let mut all: Vec<Provider> = Vec::new();
    for name in reader.text("SOCIAL_PROVIDERS").split(',').map(str::trim) {
        if name.is_empty() {
            continue;
        }
        if !is_name(name) || all.iter().any(|known| known.name == name) {
            let problem = format!(
                "{name:?} is no name, or there twice; names are of lower-case letters, digits and -"
            );
            reader.fault("SOCIAL_PROVIDERS", problem);
            continue;
        }
        all.push(reader.provider(name));
    }
    match reader.faults.is_empty() {
        true => Ok(all),
        false => Err(Faults(reader.faults)),
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

struct Reader<'a> {
    config: &'a Config,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    fn text(&self, variable: &str) -> &'a str {
        self.config
            .vars
            .get(variable)
            .map_or("", |text| text.trim())
    }

    fn fault(&mut self, variable: &str, problem: impl Into<String>) {
        self.faults.push(Fault {
            variable: variable.to_owned(),
            problem: problem.into(),
        });
    }

    fn needed(&mut self, variable: &str) -> String {
        let text = self.text(variable);
        if text.is_empty() {
            self.fault(
                variable,
                "is not set, and SOCIAL_PROVIDERS names this provider",
            );
        }
        text.to_owned()
    }

    fn provider(&mut self, name: &str) -> Provider {
        let variable = |part: &str| {
            let name = name.to_uppercase().replace('-', "_");
            format!("SOCIAL_{name}_{part}")
        };
        let kind = match name {
            "github" => Kind::GitHub {
                site: self.address(&variable("URL"), Some(GITHUB)),
                api: self.address(&variable("API_URL"), Some(GITHUB_API)),
            },
            "google" => Kind::OpenId {
                issuer: self.address(&variable("ISSUER"), Some(GOOGLE)),
            },
            _ => Kind::OpenId {
                issuer: self.address(&variable("ISSUER"), None),
            },
        };
        let label = match (name, self.text(&variable("LABEL"))) {
            ("google", "") => "Google",
            ("github", "") => "GitHub",
            (name, "") => name,
            (_, label) => label,
        };
        Provider {
            name: name.to_owned(),
            label: label.to_owned(),
            client_id: self.needed(&variable("CLIENT_ID")),
            client_secret: self.needed(&variable("CLIENT_SECRET")).into(),
            kind,
        }
    }

    /// An address that secrets may be sent to: over TLS, or to this machine.
    fn address(&mut self, variable: &str, default: Option<&str>) -> String {
        let text = match (self.text(variable), default) {
            ("", Some(default)) => default.to_owned(),
            ("", None) => self.needed(variable),
            (text, _) => text.to_owned(),
        };
        let may_be_local = !self.config.environment.is_production();
        if !text.is_empty() && !is_safe(&text, may_be_local) {
            self.fault(variable, "is no address that begins with https://");
        }
        // An issuer is compared letter by letter: its slash stays.
        text
    }
}

/// Whether what is sent to an address cannot be read on its way.
pub(super) fn is_safe(address: &str, may_be_local: bool) -> bool {
    let Ok(address) = address.parse::<axum::http::Uri>() else {
        return false;
    };
    let is_local = matches!(address.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match address.scheme_str() {
        Some("https") => address.host().is_some_and(|host| !host.is_empty()),
        Some("http") => may_be_local && is_local,
        _ => false,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn config(environment: &str, vars: &[(&str, &str)]) -> Config {
        let common = [
            ("APP_ENV", environment),
            ("APP_SECRET_KEY", "0123456789abcdef0123456789abcdef"),
            ("APP_URL", "https://shop.example"),
            ("DATABASE_URL", "postgres://app@db/app"),
        ];
        let all = common.iter().chain(vars);
        let vars = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::from_vars(vars.collect(), ".".as_ref()).unwrap()
    }

    #[test]
    fn the_environment_names_them_in_the_order_of_their_buttons() {
        assert!(read(&config("production", &[])).unwrap().is_empty());
        let vars = [
            ("SOCIAL_PROVIDERS", "github, google,our-own"),
            ("SOCIAL_GITHUB_CLIENT_ID", "a"),
            ("SOCIAL_GITHUB_CLIENT_SECRET", "b"),
            ("SOCIAL_GOOGLE_CLIENT_ID", "c"),
            ("SOCIAL_GOOGLE_CLIENT_SECRET", "d"),
            ("SOCIAL_OUR_OWN_CLIENT_ID", "e"),
            ("SOCIAL_OUR_OWN_CLIENT_SECRET", "f"),
            ("SOCIAL_OUR_OWN_ISSUER", "https://id.example/"),
            ("SOCIAL_OUR_OWN_LABEL", "Our own"),
        ];
        let config = config("production", &vars);
        let all = read(&config).unwrap();
        let seen: Vec<_> = all
            .iter()
            .map(|one| (&*one.name, &*one.label, one.issuer()))
            .collect();
        assert_eq!(
            seen,
            [
                ("github", "GitHub", "https://github.com"),
                ("google", "Google", "https://accounts.google.com"),
                ("our-own", "Our own", "https://id.example/"),
            ]
        );
        assert_eq!(
            all[2].callback(&config),
            "https://shop.example/accounts/social/our-own/callback"
        );
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let vars = [
            ("SOCIAL_PROVIDERS", "Google,acme,acme"),
            ("SOCIAL_ACME_ISSUER", "http://id.example"),
        ];
        let faults = read(&config("production", &vars)).unwrap_err().0;
        let named: Vec<_> = faults.iter().map(|fault| &*fault.variable).collect();
        assert_eq!(
            named,
            [
                "SOCIAL_PROVIDERS",
                "SOCIAL_ACME_ISSUER",
                "SOCIAL_ACME_CLIENT_ID",
                "SOCIAL_ACME_CLIENT_SECRET",
                "SOCIAL_PROVIDERS"
            ]
        );
    }

    #[test]
    fn secrets_go_over_tls_or_nowhere_else() {
        assert!(is_safe("https://id.example/x", false));
        assert!(is_safe("http://127.0.0.1:4000", true));
        for address in [
            "http://127.0.0.1:4000",
            "http://id.example",
            "ftp://x",
            "x",
            "",
        ] {
            assert!(!is_safe(address, false), "{address}");
        }
        assert!(!is_safe("http://id.example", true));
    }
}
