//! What the pages of this domain are rendered with. Passwords are never among it.

use serde::Serialize;

use crate::error::FieldErrors;
use crate::module::Panel;
use crate::pages::{Page, Sample};

pub(super) fn samples() -> Vec<Sample> {
    vec![
        Sample::of::<SignUpPage>(),
        Sample::of::<SignInPage>(),
        Sample::of::<SignOutPage>(),
        Sample::of::<ConfirmPage>(),
        Sample::of::<PasswordPage>(),
        Sample::of::<DashboardPage>(),
        Sample::of::<VerifyPage>(),
        Sample::of::<CheckMailPage>(),
        Sample::of::<UnconfirmedPage>(),
        Sample::of::<EmailPage>(),
        Sample::of::<ResetPage>(),
        Sample::of::<NewPasswordPage>(),
        Sample::of::<StaleLinkPage>(),
    ]
}

#[derive(Debug, Default, Serialize)]
pub(super) struct SignUpPage {
    pub email: String,
    /// Where to go afterwards.
    pub next: String,
    pub errors: FieldErrors,
}

impl Page for SignUpPage {
    const TEMPLATE: &'static str = "auth/signup.html";

    fn sample() -> Self {
        Self {
            email: "ada<b>@example.com".into(),
            next: "/services?a=1&b=2".into(),
            errors: FieldErrors::one("email", "Enter an e-mail address such as ada@example.com."),
        }
    }
}

#[derive(Debug, Default, Serialize)]
pub(super) struct SignInPage {
    pub email: String,
    /// Where to go afterwards.
    pub next: String,
    /// Whether the page may send visitors on to sign up.
    pub registration_is_open: bool,
    /// Whether one may sign in by mail.
    pub magic_links: bool,
    /// What modules offer beside.
    pub ways: Vec<Panel>,
    pub errors: FieldErrors,
}

impl Page for SignInPage {
    const TEMPLATE: &'static str = "auth/login.html";

    fn sample() -> Self {
        Self {
            email: "ada@example.com".into(),
            next: "/services?a=1&b=2".into(),
            registration_is_open: true,
            magic_links: true,
            ways: Vec::new(),
            errors: FieldErrors::one("form", "The e-mail address or the password is not right."),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct SignOutPage {}

impl Page for SignOutPage {
    const TEMPLATE: &'static str = "auth/logout.html";

    fn sample() -> Self {
        Self {}
    }
}

/// Asks for the password again before what matters most.
#[derive(Debug, Serialize)]
pub(super) struct ConfirmPage {
    /// Where to go afterwards.
    pub next: String,
    pub has_password: bool,
    /// Whether a mail does as well.
    pub magic_links: bool,
    /// What modules offer beside.
    pub ways: Vec<Panel>,
    pub errors: FieldErrors,
}

impl Page for ConfirmPage {
    const TEMPLATE: &'static str = "auth/confirm.html";

    fn sample() -> Self {
        Self {
            next: "/accounts/email?a=1&b=2".into(),
            has_password: true,
            magic_links: true,
            ways: Vec::new(),
            errors: FieldErrors::one("password", "This is not your password."),
        }
    }
}

#[derive(Debug, Default, Serialize)]
pub(super) struct PasswordPage {
    pub errors: FieldErrors,
}

impl Page for PasswordPage {
    const TEMPLATE: &'static str = "auth/password_change.html";

    fn sample() -> Self {
        Self {
            errors: FieldErrors::one("current_password", "This is not your current password."),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct DashboardPage {
    pub panels: Vec<Panel>,
}

impl Page for DashboardPage {
    const TEMPLATE: &'static str = "auth/dashboard.html";

    fn sample() -> Self {
        Self { panels: Vec::new() }
    }
}

/// Asks for a click, because mail scanners follow links too, and for what shows whose the account is.
#[derive(Debug, Serialize)]
pub(super) struct VerifyPage {
    pub token: String,
    pub email: String,
    pub asks_password: bool,
    /// Whether a new password may be chosen in its place.
    pub may_choose: bool,
    /// In another way than by a password, which the account does not have.
    pub must_sign_in: bool,
    pub errors: FieldErrors,
}

impl Page for VerifyPage {
    const TEMPLATE: &'static str = "auth/verify.html";

    fn sample() -> Self {
        Self {
            token: "a-token".into(),
            email: "ada<b>@example.com".into(),
            asks_password: true,
            may_choose: true,
            must_sign_in: false,
            errors: FieldErrors::one("password", "This is not the password of the account."),
        }
    }
}

/// Where a sign-up ends that has to be confirmed first.
#[derive(Debug, Serialize)]
pub(super) struct CheckMailPage {}

impl Page for CheckMailPage {
    const TEMPLATE: &'static str = "auth/check_mail.html";

    fn sample() -> Self {
        Self {}
    }
}

/// What stands between somebody and what he wanted to pay for.
#[derive(Debug, Serialize)]
pub(super) struct UnconfirmedPage {
    pub email: String,
    pub is_verified: bool,
}

impl Page for UnconfirmedPage {
    const TEMPLATE: &'static str = "auth/unconfirmed.html";

    fn sample() -> Self {
        Self {
            email: "ada<b>@example.com".into(),
            is_verified: false,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct EmailPage {
    pub email: String,
    pub is_verified: bool,
    pub new_email: String,
    pub errors: FieldErrors,
}

impl Page for EmailPage {
    const TEMPLATE: &'static str = "auth/email.html";

    fn sample() -> Self {
        Self {
            email: "ada<b>@example.com".into(),
            is_verified: false,
            new_email: "countess@".into(),
            errors: FieldErrors::one("email", "Enter an e-mail address such as ada@example.com."),
        }
    }
}

/// Whoever forgot his password says his address.
#[derive(Debug, Default, Serialize)]
pub(super) struct ResetPage {
    pub email: String,
    pub errors: FieldErrors,
}

impl Page for ResetPage {
    const TEMPLATE: &'static str = "auth/password_reset.html";

    fn sample() -> Self {
        Self {
            email: "ada@".into(),
            errors: FieldErrors::one("email", "Enter an e-mail address such as ada@example.com."),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct NewPasswordPage {
    pub token: String,
    pub email: String,
    pub errors: FieldErrors,
}

impl Page for NewPasswordPage {
    const TEMPLATE: &'static str = "auth/password_new.html";

    fn sample() -> Self {
        Self {
            token: "a-token".into(),
            email: "ada<b>@example.com".into(),
            errors: FieldErrors::one("password", "Choose a password of at least 10 characters."),
        }
    }
}

/// What is behind a link that was used or is too old.
#[derive(Debug, Serialize)]
pub(super) struct StaleLinkPage {}

impl Page for StaleLinkPage {
    const TEMPLATE: &'static str = "auth/stale_link.html";

    fn sample() -> Self {
        Self {}
    }
}
