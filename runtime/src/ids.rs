//! Identifiers: UUID version 7, so that they sort by the time of their making. Stored as `TEXT`.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::clock::Timestamp;

/// How many of an identifier's bits tell apart and put in order what one process makes in one microsecond.
const SEQUENCE_BITS: u8 = 24;
/// How many bits the microsecond within its millisecond takes.
const MICROSECOND_BITS: u8 = 10;

/// A new UUIDv7 (RFC 9562) for the instant `at`: its millisecond, the microsecond in it, a number that counts up in this process, and 40 random bits.
/// So identifiers sort by the microsecond of their making, and those of one process in the order of their making.
pub fn new_id(at: Timestamp) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let micros = u64::try_from(at.as_micros()).unwrap_or(0);
    let sequence = NEXT.fetch_add(1, Ordering::Relaxed) % (1 << SEQUENCE_BITS);
    let counter = u128::from(micros % 1000) << SEQUENCE_BITS | u128::from(sequence);
    let (secs, nanos) = (micros / 1_000_000, (micros % 1_000_000) * 1000);
    let nanos = u32::try_from(nanos).unwrap_or(0);
    let width = MICROSECOND_BITS + SEQUENCE_BITS;
    uuid::Uuid::new_v7(uuid::Timestamp::from_unix_time(secs, nanos, counter, width)).to_string()
}

/// Sorts before every identifier of the instant `at` and after, and after every one of a millisecond before.
pub fn first_id(at: Timestamp) -> String {
    let millis = u64::try_from(at.as_micros()).unwrap_or(0) / 1000;
    uuid::Uuid::from_u128(u128::from(millis) << 80).to_string()
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
        let between = first_id(Timestamp::from_micros(2_000_000));
        assert!(early < between && between < late, "{between}");
        let moments = (0..5_000).map(|at| new_id(Timestamp::from_micros(2_000_000 + at)));
        assert!(moments.is_sorted(), "a microsecond apart");
    }

    #[test]
    fn what_is_made_at_once_sorts_in_the_order_of_its_making() {
        let at = Timestamp::from_micros(1_767_225_600_123_456);
        let made: Vec<String> = (0..10_000).map(|_| new_id(at)).collect();
        assert!(made.windows(2).all(|two| two[0] < two[1]));
    }

    #[test]
    fn no_two_are_the_same_whoever_makes_them() {
        let at = Timestamp::from_micros(1_767_225_600_999_999);
        let makers: Vec<_> = (0..8)
            .map(|_| std::thread::spawn(move || (0..2_000).map(|_| new_id(at)).collect::<Vec<_>>()))
            .collect();
        let all: std::collections::HashSet<String> = makers
            .into_iter()
            .flat_map(|maker| maker.join().unwrap())
            .collect();
        assert_eq!(all.len(), 16_000);
        for id in all {
            let id = uuid::Uuid::parse_str(&id).unwrap();
            assert_eq!(id.get_version_num(), 7);
            assert_eq!(id.get_timestamp().unwrap().to_unix().0, 1_767_225_600);
        }
    }
}
