//! What the mails of this domain are written with.

use serde::Serialize;

use crate::mail::{MailSample, MailTemplate};

pub(super) fn samples() -> Vec<MailSample> {
    vec![
        MailSample::of::<VerifyMail>(),
        MailSample::of::<ResetMail>(),
        MailSample::of::<PasswordChangedMail>(),
        MailSample::of::<EmailChangedMail>(),
        MailSample::of::<AccountExistsMail>(),
        MailSample::of::<SecondFactorMail>(),
        MailSample::of::<InvitationMail>(),
        MailSample::of::<RemovalAskedMail>(),
        MailSample::of::<RemovalCancelledMail>(),
        MailSample::of::<RemovedMail>(),
        MailSample::of::<MagicLinkMail>(),
    ]
}

/// Asks whether an address is its receiver's.
#[derive(Debug, Serialize)]
pub(super) struct VerifyMail<'a> {
    pub email: &'a str,
    pub token: &'a str,
    pub hours: u64,
}

impl MailTemplate for VerifyMail<'_> {
    const NAME: &'static str = "auth/verify";

    fn sample() -> Self {
        Self {
            email: "ada&b@example.com",
            token: "a-token",
            hours: 24,
        }
    }
}

/// Lets somebody in who forgot his password.
#[derive(Debug, Serialize)]
pub(super) struct ResetMail<'a> {
    pub email: &'a str,
    pub token: &'a str,
    pub minutes: u64,
}

impl MailTemplate for ResetMail<'_> {
    const NAME: &'static str = "auth/reset_password";

    fn sample() -> Self {
        Self {
            email: "ada&b@example.com",
            token: "a-token",
            minutes: 60,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct PasswordChangedMail {}

impl MailTemplate for PasswordChangedMail {
    const NAME: &'static str = "auth/password_changed";

    fn sample() -> Self {
        Self {}
    }
}

/// Goes to the old address.
#[derive(Debug, Serialize)]
pub(super) struct EmailChangedMail<'a> {
    pub new_email: &'a str,
}

impl MailTemplate for EmailChangedMail<'_> {
    const NAME: &'static str = "auth/email_changed";

    fn sample() -> Self {
        Self {
            new_email: "countess@example.com",
        }
    }
}

/// Somebody gave an address that belongs to an account. Only its owner learns that it does.
#[derive(Debug, Serialize)]
pub(super) struct AccountExistsMail<'a> {
    pub email: &'a str,
}

impl MailTemplate for AccountExistsMail<'_> {
    const NAME: &'static str = "auth/account_exists";

    fn sample() -> Self {
        Self {
            email: "ada&b@example.com",
        }
    }
}

/// Tells somebody that his second factor was turned on or off.
#[derive(Debug, Serialize)]
pub(super) struct SecondFactorMail {
    pub is_on: bool,
}

impl MailTemplate for SecondFactorMail {
    const NAME: &'static str = "auth/second_factor";

    fn sample() -> Self {
        Self { is_on: true }
    }
}

/// Signs its receiver in.
#[derive(Debug, Serialize)]
pub(super) struct MagicLinkMail<'a> {
    pub email: &'a str,
    pub token: &'a str,
    pub code: &'a str,
    pub minutes: u32,
}

impl MailTemplate for MagicLinkMail<'_> {
    const NAME: &'static str = "auth/magic_link";

    fn sample() -> Self {
        Self {
            email: "ada&b@example.com",
            token: "a-token",
            code: "012345",
            minutes: 15,
        }
    }
}

/// Tells somebody until when he can keep his account.
#[derive(Debug, Serialize)]
pub(super) struct RemovalAskedMail {
    /// In words.
    pub due_at: String,
}

impl MailTemplate for RemovalAskedMail {
    const NAME: &'static str = "auth/removal_asked";

    fn sample() -> Self {
        Self {
            due_at: "21 Nov 2026, 09:05 UTC".into(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct RemovalCancelledMail {}

impl MailTemplate for RemovalCancelledMail {
    const NAME: &'static str = "auth/removal_cancelled";

    fn sample() -> Self {
        Self {}
    }
}

/// The last mail that somebody gets.
#[derive(Debug, Serialize)]
pub(super) struct RemovedMail {}

impl MailTemplate for RemovedMail {
    const NAME: &'static str = "auth/removed";

    fn sample() -> Self {
        Self {}
    }
}

/// Lets somebody in whom the staff has invited.
#[derive(Debug, Serialize)]
pub(super) struct InvitationMail<'a> {
    pub token: &'a str,
    pub days: u32,
}

impl MailTemplate for InvitationMail<'_> {
    const NAME: &'static str = "auth/invitation";

    fn sample() -> Self {
        Self {
            token: "a-token",
            days: 7,
        }
    }
}
