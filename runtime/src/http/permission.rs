//! Roles, and what each may do beyond its own account: a permission is a value for rules, pages and tests, and a
//! type for the signatures of handlers.

use serde::{Deserialize, Serialize};

/// What somebody is to this application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    User,
    /// Helps users.
    Support,
    /// Looks after money.
    Billing,
    /// May do everything.
    Admin,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::User, Self::Support, Self::Billing, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Support => "support",
            Self::Billing => "billing",
            Self::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether this role carries `permission`.
    pub fn has(self, permission: Permission) -> bool {
        permission.is_of(self)
    }

    /// Whether it is a role of the staff's.
    pub fn is_staff(self) -> bool {
        self != Self::User
    }
}

/// A permission as a type.
pub trait Permit: Send + Sync + 'static {
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $($role:ident)|*;)+) => {
        /// What a role may do beyond its own account.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Permission {
            $($(#[$doc])* $name,)+
        }

        impl Permission {
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            fn is_of(self, role: Role) -> bool {
                match self {
                    $(Self::$name => matches!(role, Role::Admin $(| Role::$role)*),)+
                }
            }
        }

        /// Each permission as a type: `Staff<may::ViewUsers>`.
        pub mod may {
            $($(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl super::Permit for $name {
                const PERMISSION: super::Permission = super::Permission::$name;
            })+
        }
    };
}

// Who has what, beside administrators, who have everything.
permissions! {
    ViewStaffArea: Support | Billing;
    ViewUsers: Support | Billing;
    /// Deactivate and activate accounts of users.
    ManageUsers: Support;
    /// Invite people to make an account, where only whoever is invited may.
    InviteUsers: Support;
    /// See and do what a user may, but for what his account is known by and what spends his money or credits.
    ActAsUsers: Support;
    /// Give and take roles, and deactivate accounts of the staff.
    ManageRoles: ;
    ViewMessages: Support;
    AdjustCredits: Billing;
    ViewPayments: Billing;
    /// Give money back.
    RefundPayments: Billing;
    /// See everybody's runs of services, and how much each is used.
    ViewRuns: Support | Billing;
    /// Set prices of services, and switch services off and on.
    ManageServices: Billing;
    /// Have the payment provider's events worked off again.
    ReplayEvents: Billing;
    /// See work that failed for good, and have it tried again.
    ManageJobs: ;
    /// Read what the staff did.
    ViewAudit: ;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_its_work_needs() {
        let of = |role: Role| {
            let all = Permission::ALL.iter();
            all.filter(|permission| role.has(**permission)).count()
        };
        assert_eq!(of(Role::User), 0);
        assert_eq!(of(Role::Admin), Permission::ALL.len());
        assert!(Role::Support.has(Permission::ViewMessages));
        assert!(!Role::Support.has(Permission::ViewPayments));
        assert!(!Role::Support.has(Permission::RefundPayments));
        assert!(Role::Billing.has(Permission::ReplayEvents));
        assert!(!Role::Support.has(Permission::AdjustCredits));
        assert!(Role::Billing.has(Permission::RefundPayments));
        assert!(!Role::Billing.has(Permission::ManageRoles));
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
            assert_eq!(role.has(Permission::ViewStaffArea), role.is_staff());
        }
    }
}
