//! Who may call a route. A route without a rule does not compile: `Routes` asks for one.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Serialize;

use super::endpoint::Scope;
use super::permission::{Permission, Role};
use super::request::Visit;
use crate::app::Core;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::flags::Flag;
use crate::ids::UserId;
use crate::times::TimeStyle;

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Principal {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub role: Role,
    /// Whether he has shown that the address is his.
    #[serde(skip)]
    pub is_verified: bool,
    /// Where his picture is; none where he or the application has none.
    #[serde(skip)]
    pub picture: Option<String>,
    /// How dates and times are shown to him.
    #[serde(skip)]
    pub times: TimeStyle,
    /// Which sign-in this is; ends with it.
    #[serde(skip)]
    pub session: String,
    /// When the password was last given in this sign-in.
    #[serde(skip)]
    pub proved_at: Timestamp,
    /// Who of the staff really makes the request, where one acts as this user.
    #[serde(skip)]
    pub acted_by: Option<ActedBy>,
    /// Whether this is one of the staff who must set up a second factor before he may act as such.
    #[serde(skip)]
    pub lacks_second_factor: bool,
}

/// One of the staff who acts as a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActedBy {
    pub id: UserId,
    pub email: String,
}

/// Where whoever acts as a user leaves off.
pub const ACTING_END: &str = "/accounts/acting/end";

/// How long a password that was given counts as just given.
pub const FRESH: Duration = Duration::from_secs(10 * 60);

impl Principal {
    /// Whether the password was given so lately that what matters most may be done.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.proved_at) < FRESH
    }

    /// How pages call this person.
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() {
            &self.email
        } else {
            &self.name
        }
    }
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; pages still know who has signed in.
    Public,
    /// Machines and health checks: no session is looked up, no token asked for.
    Machine,
    /// Whoever has signed in.
    SignedIn,
    /// Whoever has signed in with a role that carries the permission. Routes get it from their handler's signature, with
    /// [`permitted`](super::permitted).
    Staff(Permission),
    /// Programs with a key that carries the scope. Cookies count for nothing, so that no foreign site can make
    /// a browser call it. The API's [`Gate`](super::Gate) looks at the key and takes the body.
    Key(&'static Scope),
}

/// An access rule with what else is checked before the handler runs.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub access: Access,
    pub flag: Option<&'static Flag>,
    /// How many bytes a request's body may have.
    pub body_limit: usize,
    /// Whether an unsafe request must carry this browser's token.
    pub csrf: bool,
    /// Whether the password must have been given within the last minutes ([`FRESH`]); whoever has not is asked.
    pub fresh: bool,
    /// Whether the rule was made of the handler's signature, as every rule for the staff must be.
    pub(crate) is_signed: bool,
}

const BODY_LIMIT: usize = 1024 * 1024;

impl From<Access> for Rule {
    fn from(access: Access) -> Self {
        Self {
            access,
            flag: None,
            body_limit: BODY_LIMIT,
            csrf: !matches!(access, Access::Machine | Access::Key(_)),
            fresh: false,
            is_signed: false,
        }
    }
}

impl Rule {
    /// The route exists only while `flag` is on.
    #[must_use]
    pub fn when(self, flag: &'static Flag) -> Self {
        Self {
            flag: Some(flag),
            ..self
        }
    }

    /// Allows bodies of up to `bytes`.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        Self {
            body_limit: bytes,
            ..self
        }
    }

    /// Asks for the password again unless it was just given.
    #[must_use]
    pub fn fresh(self) -> Self {
        Self {
            fresh: true,
            ..self
        }
    }
}

impl Access {
    /// See [`Rule::when`].
    pub fn when(self, flag: &'static Flag) -> Rule {
        Rule::from(self).when(flag)
    }

    /// See [`Rule::body_limit`].
    pub fn body_limit(self, bytes: usize) -> Rule {
        Rule::from(self).body_limit(bytes)
    }

    /// See [`Rule::fresh`].
    pub fn fresh(self) -> Rule {
        Rule::from(self).fresh()
    }
}

/// Finds out who is behind a session's token. The `auth` module provides it.
pub trait Authenticator: Send + Sync {
    /// The principal of a live session, or `None`.
    fn authenticate<'a>(
        &'a self,
        core: &'a Core,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Option<Principal>>>;

    /// Notes that somebody of the staff was refused what `permission` allows.
    fn note_refusal<'a>(&'a self, visit: &'a Visit, permission: Permission) -> BoxFuture<'a, ()>;
}
