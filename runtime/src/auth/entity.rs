//! The tables of this domain as types.

use serde::Serialize;

use super::rules::{DisplayName, EmailAddress};
use crate::clock::Timestamp;
use crate::http::{Principal, Role, Visit};
use crate::ids::UserId;
use crate::times::TimeStyle;

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    pub id: UserId,
    /// As it was typed at sign-up.
    pub email: String,
    /// Empty until its owner fills it in.
    pub name: String,
    pub role: Role,
    /// Whoever is not active cannot sign in.
    pub is_active: bool,
    pub created_at: Timestamp,
    pub last_signed_in_at: Option<Timestamp>,
    /// When the person is forgotten, if he asked for it and does not sign in before.
    pub removal_due_at: Option<Timestamp>,
    /// Whether he has shown that the address is his.
    pub is_verified: bool,
    /// Whether the person behind the account has been forgotten.
    pub is_removed: bool,
}

impl User {
    /// Himself where he acts without having signed in, as a program of his does: what asks for a password that was just
    /// given is out of its reach.
    pub fn without_session(self) -> Principal {
        Principal {
            id: self.id,
            email: self.email,
            name: self.name,
            role: self.role,
            is_verified: self.is_verified,
            picture: None,
            times: TimeStyle::default(),
            session: String::new(),
            proved_at: Timestamp::from_micros(0),
            acted_by: None,
            lacks_second_factor: false,
        }
    }
}

/// An account about to be made.
#[derive(Debug)]
pub(super) struct NewUser {
    pub email: EmailAddress,
    pub name: DisplayName,
    pub password_hash: String,
    pub role: Role,
}

/// What a sign-in is checked against.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub user: UserId,
    pub password_hash: String,
    pub is_active: bool,
    pub is_verified: bool,
}

/// What a mailed link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    VerifyEmail,
    ResetPassword,
}

impl Purpose {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
        }
    }
}

/// A link that was mailed, without its secret.
#[derive(Debug)]
pub(super) struct MailedToken {
    pub purpose: Purpose,
    pub user: UserId,
    /// Where it was mailed to.
    pub email: String,
}

crate::id_type! {
    /// One sign-in on one device.
    SessionId
}

/// One sign-in on one device, as it is stored.
#[derive(Debug)]
pub(super) struct Session {
    pub id: SessionId,
    pub user: UserId,
    pub token_digest: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    pub user_agent: String,
    pub address: String,
}

/// A session as its owner sees it.
#[derive(Debug)]
pub(super) struct SeenSession {
    pub id: SessionId,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub user_agent: String,
    pub address: String,
}

/// Where a sign-in comes from.
#[derive(Debug, Clone, Default)]
pub(super) struct Browser {
    pub user_agent: String,
    pub address: String,
    /// The session that this browser already has, which a new one replaces.
    pub session: Option<SessionId>,
}

/// Longer ones are cut off: they serve people who look at their sessions, not programs.
const USER_AGENT_LENGTH: usize = 300;

impl Browser {
    pub fn of(visit: &Visit) -> Self {
        let user_agent = visit.header("user-agent").unwrap_or_default();
        let principal = visit.principal();
        Self {
            user_agent: user_agent.chars().take(USER_AGENT_LENGTH).collect(),
            address: visit.client_address(),
            session: principal.map(|principal| principal.session.clone().into()),
        }
    }
}
