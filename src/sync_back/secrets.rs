//! What nobody else may see: the values of a project's `.env` files, and keys that can be told by their looks.

use std::collections::BTreeSet;

use url::Url;

/// Shorter values are no secrets worth the name, and stand everywhere.
const SHORTEST: usize = 8;

/// What keys begin with that services hand out.
const KEYS: [&str; 6] = ["sk_live_", "rk_live_", "whsec_", "ghp_", "AKIA", "xoxb-"];

/// How many characters of a key follow its beginning.
const KEY_LENGTH: usize = 12;

/// The private values of a project.
#[derive(Debug, Clone, Default)]
pub struct Secrets(BTreeSet<String>);

impl Secrets {
    /// The values of `files`, the texts of `.env` and its like, but those that everybody can read in `example`.
    pub fn of<'a>(files: impl IntoIterator<Item = &'a [u8]>, example: &[u8]) -> Self {
        let public: BTreeSet<String> = values(example).collect();
        let private = files.into_iter().flat_map(values);
        let all = private.filter(|value| !public.contains(value));
        let parts = all
            .flat_map(|value| [password(&value), Some(value)])
            .flatten();
        Self(
            parts
                .filter(|part| part.chars().count() >= SHORTEST)
                .collect(),
        )
    }

    /// Whether `text` holds one, or something that looks like one.
    pub fn are_in(&self, text: &str) -> bool {
        self.0.iter().any(|secret| text.contains(secret.as_str())) || looks_secret(text)
    }
}

fn values(text: &[u8]) -> impl Iterator<Item = String> {
    let pairs = dotenvy::from_read_iter(text);
    pairs.flatten().map(|(_, value)| value)
}

/// The password in an address, as it is written.
fn password(value: &str) -> Option<String> {
    let url = Url::parse(value).ok()?;
    let password = url.password()?;
    value.contains(password).then(|| password.to_owned())
}

fn looks_secret(text: &str) -> bool {
    let is_key = |start: &str| {
        text.split(start).skip(1).any(|rest| {
            let key = rest.chars().take_while(|c| c.is_ascii_alphanumeric());
            key.count() >= KEY_LENGTH
        })
    };
    text.contains("PRIVATE KEY-----") || KEYS.into_iter().any(is_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENV: &[u8] = b"APP_ENV=development\nAPP_SECRET_KEY=0123456789abcdef\nPORT=8000\n\
        DATABASE_URL=postgres://app:hunter2hunter2@db/app\n";

    #[test]
    fn values_of_env_are_secret_but_those_of_the_example() {
        let secrets = Secrets::of([ENV], b"APP_ENV=development\nAPP_SECRET_KEY=\n");
        assert!(secrets.are_in("key = \"0123456789abcdef\""));
        assert!(secrets.are_in("password: hunter2hunter2"));
        assert!(!secrets.are_in("in development it listens on 8000"));
    }

    #[test]
    fn keys_are_told_by_their_looks() {
        let secrets = Secrets::default();
        assert!(secrets.are_in("-----BEGIN PRIVATE KEY-----"));
        assert!(secrets.are_in(concat!("sk_", "live_4eC39HqLyjWDarjtT1zdp7dc")));
        assert!(!secrets.are_in("keys begin with sk_live_ or whsec_…"));
    }
}
