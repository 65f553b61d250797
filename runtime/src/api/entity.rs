//! The tables of this domain as types.

use crate::clock::Timestamp;
use crate::http::Headers;
use crate::ids::UserId;

crate::id_type! {
    /// A key, as its owner's pages know it.
    KeyId
}

/// One key, without what opens the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: KeyId,
    pub user: UserId,
    /// The eight characters by which it is found.
    pub handle: String,
    /// What its owner calls it.
    pub name: String,
    /// Names of scopes.
    pub scopes: Vec<String>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// The key that takes its place.
    pub replaced_by: Option<KeyId>,
}

impl ApiKey {
    pub fn state(&self, now: Timestamp) -> KeyState {
        if self.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            KeyState::Expired
        } else if self.replaced_by.is_some() {
            KeyState::Replaced
        } else {
            KeyState::Active
        }
    }

    pub fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| known == scope)
    }
}

/// What can be done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    Active,
    /// It works until it expires, beside the one that takes its place.
    Replaced,
    Expired,
    Revoked,
}

impl KeyState {
    /// Whether the key opens the door.
    pub fn is_live(self) -> bool {
        match self {
            Self::Active | Self::Replaced => true,
            Self::Expired | Self::Revoked => false,
        }
    }
}

/// A key about to be made.
#[derive(Debug, Clone)]
pub(super) struct NewKey {
    pub name: String,
    pub scopes: Vec<String>,
    pub expires_at: Option<Timestamp>,
    /// The filling-in of the form.
    pub form_key: String,
}

/// A request that may come again, as it is stored.
#[derive(Debug, Clone)]
pub(super) struct KeptRequest {
    pub digest: String,
    pub attempt: String,
    pub leased_until: Timestamp,
    /// Once it has been answered.
    pub answer: Option<Kept>,
}

/// An answer that can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub status: u16,
    pub headers: Headers,
    /// JSON; a problem document where the status says so.
    pub body: String,
}
