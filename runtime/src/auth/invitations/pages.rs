//! What the pages about invitations are rendered with.

use serde::Serialize;

use super::Invitation;
use crate::clock::Timestamp;
use crate::error::FieldErrors;
use crate::pages::{Page, Sample};

pub(in crate::auth) fn samples() -> Vec<Sample> {
    vec![
        Sample::of::<InvitationsPage>(),
        Sample::of::<InvitationPage>(),
        Sample::of::<NoSignUpPage>(),
    ]
}

/// The staff's list with the form above it.
#[derive(Debug, Serialize)]
pub(super) struct InvitationsPage {
    pub email: String,
    /// How long a link works.
    pub days: u32,
    pub invitations: Vec<InvitationRow>,
    /// Whether this is not the first page of the list.
    pub is_continued: bool,
    /// The address of the next page; none on the last.
    pub next_page: Option<String>,
    pub errors: FieldErrors,
}

/// One invitation.
#[derive(Debug, Serialize)]
pub(super) struct InvitationRow {
    id: String,
    email: String,
    invited_by: String,
    created_at: Timestamp,
    /// `open`, `accepted`, `revoked` or `expired`.
    state: &'static str,
}

impl InvitationRow {
    pub fn of(invitation: &Invitation, now: Timestamp) -> Self {
        let state = match (invitation.used_at, invitation.revoked_at) {
            (Some(_), _) => "accepted",
            (None, Some(_)) => "revoked",
            (None, None) if invitation.expires_at <= now => "expired",
            (None, None) => "open",
        };
        Self {
            id: invitation.id.to_string(),
            email: invitation.email.clone(),
            invited_by: invitation.invited_by.clone(),
            created_at: invitation.created_at,
            state,
        }
    }
}

impl Page for InvitationsPage {
    const TEMPLATE: &'static str = "auth/invitations.html";

    fn sample() -> Self {
        let row = |state| InvitationRow {
            id: "019a0000-0000-7000-8000-000000000000".into(),
            email: "ada<b>@example.com".into(),
            invited_by: "root@example.com".into(),
            created_at: Timestamp::from_micros(1_795_251_905_000_000),
            state,
        };
        Self {
            email: "ada@".into(),
            days: 7,
            invitations: vec![row("open"), row("accepted"), row("revoked"), row("expired")],
            is_continued: true,
            next_page: Some("/admin/invitations?before=1".into()),
            errors: FieldErrors::one("email", "Enter an e-mail address such as ada@example.com."),
        }
    }
}

/// Where an invitation leads.
#[derive(Debug, Serialize)]
pub(super) struct InvitationPage {
    pub token: String,
    pub email: String,
    pub errors: FieldErrors,
}

impl Page for InvitationPage {
    const TEMPLATE: &'static str = "auth/invitation.html";

    fn sample() -> Self {
        Self {
            token: "a-token".into(),
            email: "ada<b>@example.com".into(),
            errors: FieldErrors::one("password", "Choose a password of at least 10 characters."),
        }
    }
}

/// What stands where one would sign up, while not everybody may.
#[derive(Debug, Serialize)]
pub(super) struct NoSignUpPage {
    /// Whether those may who were invited.
    pub by_invitation: bool,
    /// Where to go after signing in.
    pub next: String,
}

impl Page for NoSignUpPage {
    const TEMPLATE: &'static str = "auth/no_signup.html";

    fn sample() -> Self {
        Self {
            by_invitation: true,
            next: "/services?a=1&b=2".into(),
        }
    }
}
