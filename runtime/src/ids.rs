//! Identifiers: UUID version 7, so that they sort by the time of their making. Stored as `TEXT`.

use crate::clock::Timestamp;

/// A new UUIDv7 (RFC 9562) for the instant `at`.
pub fn new_id(at: Timestamp) -> String {
    let micros = u64::try_from(at.as_micros()).unwrap_or(0);
    let (secs, nanos) = (micros / 1_000_000, (micros % 1_000_000) * 1000);
    let nanos = u32::try_from(nanos).unwrap_or(0);
    uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, secs, nanos)).to_string()
}

/// Sorts after every identifier, in every collation: where lists that go backwards begin.
pub const AFTER_ALL: &str = "z";

/// What stands where an identifier should is none. A request that names one finds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnId;

/// `text` as identifiers are written, if it is a UUID.
///
/// # Errors
/// When it is none.
pub fn parse_id(text: &str) -> Result<String, NotAnId> {
    let id = uuid::Uuid::try_parse(text).map_err(|_| NotAnId)?;
    Ok(id.to_string())
}

/// Defines a newtype over an identifier's text.
#[macro_export]
macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new identifier for the instant `at`.
            pub fn new(at: $crate::clock::Timestamp) -> Self {
                Self($crate::ids::new_id(at))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ids::NotAnId;

            fn from_str(text: &str) -> Result<Self, $crate::ids::NotAnId> {
                $crate::ids::parse_id(text).map(Self)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id_type! {
    /// Who an action is done by or for.
    UserId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uuids_are_identifiers() {
        let id = new_id(Timestamp::from_micros(1_000_000));
        assert_eq!(parse_id(&id.to_uppercase()), Ok(id));
        for text in [
            "",
            "1",
            "\0",
            "../admin",
            "019a0000-0000-7000-8000-00000000000g",
        ] {
            assert_eq!(text.parse::<UserId>(), Err(NotAnId), "{text:?}");
        }
    }

    #[test]
    fn later_identifiers_sort_later() {
        let early = new_id(Timestamp::from_micros(1_000_000));
        let late = new_id(Timestamp::from_micros(2_000_000));
        assert!(early < late);
    }
}
