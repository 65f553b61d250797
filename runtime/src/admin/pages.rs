//! What the staff's pages are rendered with.

use serde::Serialize;

use super::audit::RecordRow;
use crate::auth::User;
use crate::auth::actions::UserCounts;
use crate::clock::Timestamp;
use crate::http::Role;
use crate::jobs::{DeadJob, JobCounts};
use crate::module::Panel;
use crate::pages::{Choice, Page, Sample};
use crate::site::ContactMessage;

pub(super) fn samples() -> Vec<Sample> {
    vec![
        Sample::of::<OverviewPage>(),
        Sample::of::<UsersPage>(),
        Sample::of::<UserPage>(),
        Sample::of::<ActivationPage>(),
        Sample::of::<MessagesPage>(),
        Sample::of::<JobsPage>(),
    ]
}

#[derive(Debug, Serialize)]
pub(super) struct OverviewPage {
    pub users: UserCounts,
    /// How many messages came within the same days as the new users.
    pub new_messages: i64,
    pub panels: Vec<Panel>,
}

impl Page for OverviewPage {
    const TEMPLATE: &'static str = "admin/overview.html";

    fn sample() -> Self {
        Self {
            users: UserCounts {
                total: 1204,
                active: 1200,
                staff: 3,
                new: 17,
            },
            new_messages: 1,
            panels: Vec::new(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct UsersPage {
    pub search: String,
    pub users: Vec<User>,
    /// Whether this is not the first page of the list.
    pub is_continued: bool,
    /// The address of the next page; none on the last.
    pub next_page: Option<String>,
}

impl Page for UsersPage {
    const TEMPLATE: &'static str = "admin/users.html";

    fn sample() -> Self {
        Self {
            search: "a\"<b>".into(),
            users: vec![sample_user(true), sample_user(false)],
            is_continued: true,
            next_page: Some("/admin/users?q=a&before=1".into()),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct UserPage {
    pub account: User,
    /// Whether it is the account of whoever looks at the page.
    pub is_own: bool,
    pub may_manage: bool,
    pub may_act: bool,
    /// What it can be made, by whoever may; else empty.
    pub roles: Vec<Choice>,
    pub sessions: i64,
    pub record: Vec<RecordRow>,
    pub panels: Vec<Panel>,
}

impl Page for UserPage {
    const TEMPLATE: &'static str = "admin/user.html";

    fn sample() -> Self {
        Self {
            account: sample_user(true),
            is_own: false,
            may_manage: true,
            may_act: true,
            roles: role_choices(),
            sessions: 2,
            record: vec![RecordRow::sample()],
            panels: Vec::new(),
        }
    }
}

/// The roles as a form offers them.
pub(super) fn role_choices() -> Vec<Choice> {
    let choice = |role: Role| {
        let label = match role {
            Role::User => "User",
            Role::Support => "Support: users and messages",
            Role::Billing => "Billing: credits and payments",
            Role::Admin => "Administrator: everything",
        };
        Choice::new(role.as_str(), label)
    };
    Role::ALL.map(choice).to_vec()
}

/// Asks before an account is deactivated or activated.
#[derive(Debug, Serialize)]
pub(super) struct ActivationPage {
    pub account: User,
    pub sessions: i64,
}

impl Page for ActivationPage {
    const TEMPLATE: &'static str = "admin/user_activation.html";

    fn sample() -> Self {
        Self {
            account: sample_user(true),
            sessions: 2,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct MessagesPage {
    pub entries: Vec<ContactMessage>,
    /// Whether this is not the first page of the list.
    pub is_continued: bool,
    /// The address of the next page; none on the last.
    pub next_page: Option<String>,
}

impl Page for MessagesPage {
    const TEMPLATE: &'static str = "admin/messages.html";

    fn sample() -> Self {
        Self {
            entries: vec![ContactMessage {
                id: "0".into(),
                name: "Ada <b>Lovelace</b>".into(),
                email: "ada@example.com".into(),
                message: "Hello\n<script>alert(1)</script>".into(),
                created_at: Timestamp::from_micros(1_795_251_905_000_000),
            }],
            is_continued: true,
            next_page: Some("/admin/messages?before=1".into()),
        }
    }
}

/// Work that failed for good, newest first.
#[derive(Debug, Serialize)]
pub(super) struct JobsPage {
    pub counts: JobCounts,
    pub jobs: Vec<DeadJob>,
    /// Whether this is not the first page of the list.
    pub is_continued: bool,
    /// The address of the next page; none on the last.
    pub next_page: Option<String>,
}

impl Page for JobsPage {
    const TEMPLATE: &'static str = "admin/jobs.html";

    fn sample() -> Self {
        let at = Timestamp::from_micros(1_795_251_905_000_000);
        Self {
            counts: JobCounts {
                open: 12,
                failing: 1,
                dead: 1,
            },
            jobs: vec![DeadJob {
                id: "0".into(),
                name: "mail.send".into(),
                attempts: 15,
                last_error: "connection refused <b>".into(),
                created_at: at,
                died_at: at,
            }],
            is_continued: true,
            next_page: Some("/admin/jobs?before=1".into()),
        }
    }
}

fn sample_user(is_active: bool) -> User {
    User {
        id: "019a0000-0000-7000-8000-000000000000".to_owned().into(),
        email: "ada&<b>@example.com".into(),
        name: "Ada <b>Lovelace</b>".into(),
        role: Role::User,
        is_active,
        created_at: Timestamp::from_micros(1_795_251_905_000_000),
        last_signed_in_at: None,
        removal_due_at: None,
        is_verified: true,
        is_removed: false,
    }
}
