//! Who may call a route. A route without a rule does not compile: `Routes` asks for one.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::endpoint::Scope;
use crate::app::Core;
use crate::error::Result;
use crate::flags::Flag;
use crate::ids::UserId;

/// What somebody is to this application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    User,
    Admin,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::User, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
    }

    /// Whether this role carries `permission`.
    pub fn has(self, permission: Permission) -> bool {
        match (self, permission) {
            (Self::Admin, Permission::ViewStaffArea | Permission::ViewUsers) => true,
            (Self::Admin, Permission::ManageUsers) => true,
            (Self::Admin, Permission::AdjustCredits | Permission::ViewMessages) => true,
            (Self::Admin, Permission::ManageJobs) => true,
            (Self::User, _) => false,
        }
    }
}

/// What a role may do beyond its own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    ViewStaffArea,
    ViewUsers,
    /// Deactivate and activate accounts.
    ManageUsers,
    AdjustCredits,
    ViewMessages,
    /// See work that failed for good, and have it tried again.
    ManageJobs,
}

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Principal {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub role: Role,
    /// Which sign-in this is; ends with it.
    #[serde(skip)]
    pub session: String,
}

impl Principal {
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
    /// Whoever has signed in with a role that carries the permission.
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
}

const BODY_LIMIT: usize = 1024 * 1024;

impl From<Access> for Rule {
    fn from(access: Access) -> Self {
        Self {
            access,
            flag: None,
            body_limit: BODY_LIMIT,
            csrf: !matches!(access, Access::Machine | Access::Key(_)),
        }
    }
}

impl Access {
    /// The route exists only while `flag` is on.
    pub fn when(self, flag: &'static Flag) -> Rule {
        Rule {
            flag: Some(flag),
            ..self.into()
        }
    }

    /// Allows bodies of up to `bytes`.
    pub fn body_limit(self, bytes: usize) -> Rule {
        Rule {
            body_limit: bytes,
            ..self.into()
        }
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
}
