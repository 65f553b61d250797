//! Identifiers: UUID version 7, so that they sort by the time of their making. Stored as `TEXT`.

use crate::clock::Timestamp;

/// A new UUIDv7 (RFC 9562) for the instant `at`.
pub fn new_id(at: Timestamp) -> String {
    let micros = u64::try_from(at.as_micros()).unwrap_or(0);
    let (secs, nanos) = (micros / 1_000_000, (micros % 1_000_000) * 1000);
    let nanos = u32::try_from(nanos).unwrap_or(0);
    uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, secs, nanos)).to_string()
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
    fn later_identifiers_sort_later() {
        let early = new_id(Timestamp::from_micros(1_000_000));
        let late = new_id(Timestamp::from_micros(2_000_000));
        assert!(early < late);
    }
}
