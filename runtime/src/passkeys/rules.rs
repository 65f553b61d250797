//! What is allowed. Pure.

/// The most passkeys of one account.
pub(super) const MOST: usize = 20;
/// The longest name, in characters.
const NAME_LENGTH: usize = 60;

/// What somebody calls a passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// # Errors
    /// What is wrong with it, for the person.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        match text.chars().count() {
            0 => Err("Give the passkey a name by which you know it again."),
            1..=NAME_LENGTH if !text.contains(char::is_control) => Ok(Self(text.to_owned())),
            1..=NAME_LENGTH => Err("A name has no line breaks and the like."),
            _ => Err("A name has at most 60 characters."),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_on_one_line() {
        assert_eq!(Name::parse("  My phone ").unwrap().as_str(), "My phone");
        assert!(Name::parse(&"ü".repeat(NAME_LENGTH)).is_ok());
        for bad in ["", "  ", "a\nb", &"x".repeat(NAME_LENGTH + 1)] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
    }
}
