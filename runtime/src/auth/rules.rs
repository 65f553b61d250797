//! What counts as an address, a password and a name, and how long a session lives. Pure.

use std::time::Duration;

use passwords::analyzer::is_common_password;
use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::Timestamp;

/// That a session was seen is written no more often than this.
pub const SEEN_INTERVAL: Duration = Duration::from_secs(60);

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLife {
    /// While nobody uses them.
    pub idle: Duration,
    /// However busy.
    pub absolute: Duration,
}

impl SessionLife {
    pub fn of_days(idle: u32, absolute: u32) -> Self {
        let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 60 * 60);
        Self {
            idle: days(idle),
            absolute: days(absolute),
        }
    }

    /// When a session ends unless it is used again.
    pub fn end(self, created_at: Timestamp, last_seen_at: Timestamp) -> Timestamp {
        let idle = last_seen_at.plus(self.idle);
        idle.min(created_at.plus(self.absolute))
    }
}

/// What a browser calls itself, in words: `Firefox on Linux`. Only for people who look at their sessions.
pub fn device(user_agent: &str) -> String {
    // Most browsers name others, too, that they are like: the odd ones come first.
    let browsers = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    let systems = [
        ("iPhone", "an iPhone"),
        ("iPad", "an iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "a Mac"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find = |names: &[(&str, &'static str)]| {
        let found = names.iter().find(|(part, _)| user_agent.contains(part));
        found.map(|(_, name)| *name)
    };
    match (find(&browsers), find(&systems)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "An unknown device".to_owned(),
    }
}

/// An e-mail address that mail can be sent to, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

/// RFC 5321, section 4.5.3.1: a path of 256 octets with its brackets, a local part of 64.
const EMAIL_LENGTH: usize = 254;
const LOCAL_PART_LENGTH: usize = 64;
/// Beside letters and digits, what a local part may hold without quotes (RFC 5322, section 3.2.3).
const LOCAL_PART_SIGNS: &str = "!#$%&'*+-/=?^_`{|}~.";

impl EmailAddress {
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("Enter an e-mail address.");
        }
        let parts = text.rsplit_once('@').filter(|(local, domain)| {
            text.len() <= EMAIL_LENGTH && is_local_part(local) && is_domain(domain)
        });
        match parts {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err("Enter an e-mail address such as ada@example.com."),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// By what the address is found and compared: two that differ in case alone are one.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

fn is_local_part(text: &str) -> bool {
    (1..=LOCAL_PART_LENGTH).contains(&text.len())
        && !text.starts_with('.')
        && !text.ends_with('.')
        && !text.contains("..")
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || LOCAL_PART_SIGNS.contains(c))
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.contains('.') && text.split('.').all(is_label)
}

/// A password that may protect an account. Never shown, never logged.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

/// In characters. No rules on their kind: length is what counts (NIST SP 800-63B, section 3.1.1.2).
pub const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 10..=128;

impl Password {
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn new(text: &str, email: &EmailAddress, site: &str) -> Result<Self, &'static str> {
        let length = text.chars().count();
        if length < *PASSWORD_LENGTH.start() {
            return Err("Choose a password of at least 10 characters.");
        }
        if length > *PASSWORD_LENGTH.end() {
            return Err("Choose a password of at most 128 characters.");
        }
        let lower = text.trim().to_lowercase();
        if lower == email.key() || lower == email.local_part().to_lowercase() {
            return Err("Choose a password that is not your e-mail address.");
        }
        if lower == site.trim().to_lowercase() {
            return Err("Choose a password that is not the name of this site.");
        }
        if [text, &lower].into_iter().any(is_common_password) {
            return Err("Choose another password: this one is among those that are tried first.");
        }
        Ok(Self(text.into()))
    }

    /// A password that nobody can guess: 20 characters, 120 bits.
    pub fn generate() -> Self {
        let mut text = crate::crypto::random_token();
        text.truncate(20);
        Self(text.into())
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What somebody wants to be called; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DisplayName(String);

const NAME_LENGTH: usize = 100;

impl DisplayName {
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.chars().count() > NAME_LENGTH {
            return Err("Enter a name of at most 100 characters.");
        }
        if text.contains(char::is_control) {
            return Err("Enter a name in one line.");
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    #[test]
    fn an_address_is_kept_as_typed_and_compared_without_case() {
        let typed = email("  Ada.Lovelace+x@Example.COM ");
        assert_eq!(typed.as_str(), "Ada.Lovelace+x@Example.COM");
        assert_eq!(typed.key(), email("ada.lovelace+X@example.com").key());
        assert_eq!(
            email("jürgen@bücher.example").as_str(),
            "jürgen@bücher.example"
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_domain = format!("a@{}.com", "a".repeat(260));
        for text in [
            "",
            " ",
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "ada@exa mple.com",
            "a b@example.com",
            "a@b@example.com",
            "ada@.example.com",
            "ada@example.com.",
            "ada@-a.com",
            ".a@example.com",
            "a..b@example.com",
            "a\0b@example.com",
            "a\nb@example.com",
            "a\u{202e}b@example.com",
            "<ada@example.com>",
            "ada@exam\u{200b}ple.com",
            &long_local,
            &long_domain,
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_password_is_judged_by_its_length_and_what_it_repeats() {
        let check = |text: &str| {
            Password::new(text, &email("augusta.ada@example.com"), "My Fine Site").is_ok()
        };
        for (text, good) in [
            ("123456789", false),
            ("1234567890", false),
            ("1234567898765", true),
            ("QWERTYuiop", false),
            ("ManchesterUnited", false),
            ("éééééééééé", true),
            (&*"x".repeat(128), true),
            (&*"x".repeat(129), false),
            ("Augusta.Ada@example.com", false),
            ("augusta.ADA", false),
            ("my fine site", false),
            (" My Fine Site ", false),
            ("my fine site and more", true),
        ] {
            assert_eq!(check(text), good, "{text:?}");
        }
    }

    #[test]
    fn a_password_shows_in_no_debug_output() {
        let password = Password::new("correct horse", &email("a@example.com"), "Site").unwrap();
        assert!(!format!("{password:?}").contains("horse"));
    }

    #[test]
    fn generated_passwords_are_long_and_differ() {
        let (one, other) = (Password::generate(), Password::generate());
        assert_eq!(one.expose().len(), 20);
        assert_ne!(one.expose(), other.expose());
    }

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(DisplayName::parse(" Ada ").unwrap().as_str(), "Ada");
        assert!(DisplayName::parse("").is_ok());
        assert!(DisplayName::parse(&"n".repeat(101)).is_err());
        assert!(DisplayName::parse("a\nb").is_err());
        assert!(DisplayName::parse("a\0b").is_err());
    }

    #[test]
    fn a_session_ends_when_idle_or_too_old() {
        let start = Timestamp::from_micros(0);
        let day = Duration::from_secs(24 * 60 * 60);
        let life = SessionLife::of_days(14, 90);
        for (last_seen, end) in [(0, 14), (70, 84), (89, 90)] {
            assert_eq!(
                life.end(start, start.plus(last_seen * day)),
                start.plus(end * day)
            );
        }
    }

    #[test]
    fn browsers_are_told_in_words() {
        for (user_agent, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1 Safari/537.36 Edg/1",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 (KHTML, like Gecko) Version/17 Safari/605",
                "Safari on a Mac",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 CriOS/1 Mobile Safari/605",
                "Chrome on an iPhone",
            ),
            ("Mozilla/5.0 (Linux; Android 14)", "A browser on Android"),
            ("curl/8.0", "curl"),
            ("", "An unknown device"),
        ] {
            assert_eq!(device(user_agent), expected, "{user_agent}");
        }
    }
}
