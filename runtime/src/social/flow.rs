//! What a browser holds while it is at a provider: encrypted, so that it can neither be read nor made up, and worth
//! nothing to another browser.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::providers::Provider;
use crate::app::Core;
use crate::clock::Timestamp;
use crate::crypto::random_token;
use crate::ids::UserId;

/// How long somebody may take at a provider.
const LIFE: Duration = Duration::from_secs(10 * 60);
/// A longer way back would not fit into a cookie.
const NEXT_LENGTH: usize = 1_000;

/// What somebody goes to a provider for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Purpose {
    SignIn,
    /// This user shows once more that it is he.
    Confirm(UserId),
    /// This user adds a way to sign in.
    Link(UserId),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Flow {
    provider: String,
    /// What the provider sends back unchanged.
    pub state: String,
    /// What the provider writes into the token.
    pub nonce: String,
    /// What proves to the provider that the same party comes back (RFC 7636).
    pub verifier: String,
    pub purpose: Purpose,
    /// Where to go afterwards.
    pub next: String,
    ends_at: i64,
}

impl Flow {
    pub fn start(core: &Core, provider: &Provider, purpose: Purpose, next: &str) -> Self {
        Self {
            provider: provider.name.clone(),
            state: random_token(),
            nonce: random_token(),
            verifier: random_token(),
            purpose,
            next: match next.len() {
                0..=NEXT_LENGTH => next.to_owned(),
                _ => String::new(),
            },
            ends_at: core.now().plus(LIFE).as_micros(),
        }
    }

    /// Whether the provider has to ask who somebody is, though he may have told it before.
    pub fn is_anew(&self) -> bool {
        match self.purpose {
            Purpose::Confirm(_) => true,
            Purpose::SignIn | Purpose::Link(_) => false,
        }
    }

    /// When the browser was sent away, in seconds since 1970.
    pub fn started_at(&self) -> i64 {
        let life = i64::try_from(LIFE.as_micros()).unwrap_or(i64::MAX);
        (self.ends_at - life) / 1_000_000
    }

    /// What is sent to the provider for the verifier.
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }

    pub fn seal(&self, core: &Core) -> String {
        let plain = serde_json::to_vec(self).unwrap_or_default();
        core.config().keys("social flow").encrypt(&plain)
    }

    /// What the cookie holds, if it is of this provider, not too old, and `state` is what was sent with it.
    pub fn open(core: &Core, sealed: &str, provider: &Provider, state: &str) -> Option<Self> {
        let plain = core.config().keys("social flow").decrypt(sealed)?;
        let flow: Self = serde_json::from_slice(&plain).ok()?;
        let is_state = bool::from(flow.state.as_bytes().ct_eq(state.as_bytes()));
        let is_live = Timestamp::from_micros(flow.ends_at) > core.now();
        (is_state && is_live && flow.provider == provider.name).then_some(flow)
    }
}
