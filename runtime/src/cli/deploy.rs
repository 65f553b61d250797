//! What holds, and is still too weak for a place that people from everywhere reach: each with its remedy. Pure.

use std::collections::BTreeSet;

use crate::config::{Config, Fault};

/// Every weakness of a configuration that holds.
pub(super) fn weaknesses(config: &Config) -> Vec<Fault> {
    let text = |name: &str| config.vars.get(name).map_or("", |value| value.trim());
    let mut found = Vec::new();
    let mut fault = |variable: &str, problem: &str| {
        found.push(Fault {
            variable: variable.into(),
            problem: problem.into(),
        });
    };
    if ["localhost", "127.0.0.1", "::1"].contains(&config.host_name()) {
        fault(
            "APP_URL",
            "is an address of this machine alone: links in mails would lead nowhere; set it to the public address",
        );
    }
    let everybody = |network: &str| network.trim().ends_with("/0");
    if text("TRUSTED_PROXIES").split(',').any(everybody) {
        fault(
            "TRUSTED_PROXIES",
            "believes everybody, so that limits by network address limit nobody; name your proxies alone",
        );
    }
    for key in text("APP_SECRET_KEYS_PREVIOUS").split(',').map(str::trim) {
        let distinct: BTreeSet<_> = key.chars().collect();
        if !key.is_empty() && (key.len() < 32 || distinct.len() < 8) {
            fault(
                "APP_SECRET_KEYS_PREVIOUS",
                "holds a key that can be guessed; take it out once nothing is encrypted with it any more",
            );
        }
    }
    let level = text("RUST_LOG").to_lowercase();
    if level.split([',', '=']).any(|part| part.trim() == "trace") {
        fault(
            "RUST_LOG",
            "logs at the level trace, which writes down what people send; take info",
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(changes: &[(&str, &str)]) -> Vec<String> {
        let strong = [
            ("APP_ENV", "production"),
            ("APP_SECRET_KEY", "0123456789abcdef0123456789abcdef"),
            ("APP_URL", "https://shop.example"),
            ("DATABASE_URL", "postgres://app@db/app"),
            ("TRUSTED_PROXIES", "10.0.0.0/8"),
            ("RUST_LOG", "info"),
        ];
        let all = strong.iter().chain(changes);
        let vars = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::from_vars(vars.collect(), ".".as_ref()).unwrap();
        let found = weaknesses(&config);
        found.into_iter().map(|fault| fault.variable).collect()
    }

    #[test]
    fn each_weakness_is_found_and_nothing_else() {
        assert_eq!(found(&[]), [""; 0]);
        for (variable, weak, strong) in [
            (
                "APP_URL",
                "http://localhost:8000",
                "https://localhost.example",
            ),
            ("TRUSTED_PROXIES", "10.0.0.1, 0.0.0.0/0", "10.0.0.1"),
            ("TRUSTED_PROXIES", "::/0", "::1"),
            (
                "APP_SECRET_KEYS_PREVIOUS",
                "secret",
                "fedcba9876543210fedcba9876543210",
            ),
            ("RUST_LOG", "info,sqlx=trace", "info,sqlx=debug"),
        ] {
            assert_eq!(found(&[(variable, weak)]), [variable], "{weak}");
            assert_eq!(found(&[(variable, strong)]), [""; 0], "{strong}");
        }
    }
}
