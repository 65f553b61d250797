//! Accounts: signing up, in and out, sessions, one's own profile and password, the dashboard, and the
//! record of what the staff does. Invariants: one account an address (without regard to case); a session
//! is known by its token's digest only; whoever is deactivated has no session; audit entries stay.

mod acting;
pub mod actions;
pub mod audit;
mod commands;
mod django;
pub mod door;
mod entity;
mod hasher;
mod invitations;
mod leaving;
mod letters;
mod limits;
mod magic;
mod mailed;
mod pages;
mod panels;
mod profile;
mod routes;
mod rules;
mod second_factor;
mod security;
mod store;
mod threads;
mod users_command;
mod weaknesses;

pub use entity::User;
pub use leaving::{RemovalAsked, UserRemoved};
pub use rules::EmailAddress;

use std::time::Duration;

use axum::http::StatusCode;

use crate::app::Core;
use crate::config::{Config, Fault};
use crate::db::{Migration, Tx};
use crate::error::{EMAIL_UNCONFIRMED, Result};
use crate::http::{Access, Permission, Refusal, Routes};
use crate::ids::UserId;
use crate::mail::MailSample;
use crate::module::{Command, Event, Install, Module, NavItem, NavPlace};
use crate::pages::Sample;
use crate::site::MessageLeft;
use hasher::Hasher;

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    Open,
    /// Whoever the staff has invited.
    Invitation,
    /// Nobody by himself: the sign-up page only says so.
    Closed,
}

/// Whether whoever signs up has to show that the address is his.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailVerification {
    /// No mail is sent.
    None,
    /// A mail is sent, and the account can be used meanwhile.
    Optional,
    /// Nobody signs in before; and nobody learns from the sign-up page who has an account.
    Mandatory,
}

/// The module's options, as `quickscale.yml` has them.
#[derive(Debug, Clone)]
pub struct Settings {
    pub registration: Registration,
    pub email_verification: EmailVerification,
    /// From one network address.
    pub sign_ins_per_minute: u32,
    /// From one network address, with a wrong password.
    pub failed_sign_ins_per_minute: u32,
    /// In five minutes, for one account from one network address.
    pub failed_sign_ins_per_account: u32,
    /// From one network address; also how many mails with links it may ask for, to whomever, and messages leave.
    pub sign_ups_per_minute: u32,
    /// To one address that asks for links.
    pub mails_per_minute: u32,
    /// A session that nobody used for so many days has ended.
    pub session_idle_days: u32,
    /// A session lasts no longer than so many days, however busy.
    pub session_days: u32,
    /// Whether whoever is of the staff must have a second factor before he acts as such.
    pub second_factor_for_staff: bool,
    /// Whether one may sign in with a link or a code that is mailed.
    pub magic_links: bool,
    /// Whoever deletes his account can keep it by signing in within so many days.
    pub deletion_grace_days: u32,
    /// After one right password, or in the browser that asked for a mail to sign in with; then it begins anew.
    pub code_tries: u32,
    /// In a quarter of an hour, for one account, wherever they are tried.
    pub wrong_codes_per_account: u32,
    /// How long a right password waits for the code of the second factor.
    pub second_factor_minutes: u32,
    /// How long a link or a code works that was mailed to sign in with.
    pub magic_link_minutes: u32,
    /// Archives of his data that somebody may make.
    pub exports_per_hour: u32,
    /// How long an invitation works.
    pub invitation_days: u32,
    /// How long the staff may act as somebody.
    pub impersonation_minutes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            registration: Registration::Open,
            email_verification: EmailVerification::Optional,
            sign_ins_per_minute: 30,
            failed_sign_ins_per_minute: 10,
            failed_sign_ins_per_account: 5,
            sign_ups_per_minute: 20,
            mails_per_minute: 5,
            session_idle_days: 14,
            session_days: 90,
            second_factor_for_staff: false,
            magic_links: false,
            deletion_grace_days: 14,
            code_tries: 5,
            wrong_codes_per_account: 10,
            second_factor_minutes: 10,
            magic_link_minutes: 10,
            exports_per_hour: 5,
            invitation_days: 7,
            impersonation_minutes: 60,
        }
    }
}

impl Settings {
    fn removal_grace(&self) -> Duration {
        A_DAY * self.deletion_grace_days
    }

    fn second_factor_life(&self) -> Duration {
        A_MINUTE * self.second_factor_minutes
    }

    fn magic_link_life(&self) -> Duration {
        A_MINUTE * self.magic_link_minutes
    }

    fn invitation_life(&self) -> Duration {
        A_DAY * self.invitation_days
    }

    fn longest_impersonation(&self) -> Duration {
        A_MINUTE * self.impersonation_minutes
    }

    fn session_life(&self) -> rules::SessionLife {
        rules::SessionLife::of_days(self.session_idle_days, self.session_days)
    }
}

/// 403: what is asked for costs something, and the caller has not shown that his address is his.
pub static UNCONFIRMED: Refusal = Refusal {
    status: StatusCode::FORBIDDEN,
    code: EMAIL_UNCONFIRMED,
    detail: "Confirm your e-mail address first: open the link in the mail that we sent you.",
    members: &[],
};

/// An account was made. Told in the transaction in which it is.
#[derive(Debug, Clone)]
pub struct UserCreated {
    pub user: UserId,
    pub email: String,
}

impl Event for UserCreated {}

/// Somebody showed that the address of an account is his, which nobody had done before: whoever made the account may be
/// another. Told in the transaction in which the password and the sessions of before end; whoever takes part ends the
/// other ways in that were set up until then.
#[derive(Debug)]
pub struct TakenBack {
    pub user: UserId,
}

impl Event for TakenBack {}

/// Somebody has lost all that he gave as a second factor, and whoever runs the application takes it away.
#[derive(Debug, Clone)]
pub struct FactorsTakenAway {
    pub user: UserId,
}

impl Event for FactorsTakenAway {}

/// Asks in how many ways somebody can sign in, beside those of this domain. The user's row is locked meanwhile.
#[derive(Debug)]
pub struct CountWays {
    pub user: UserId,
    count: std::sync::atomic::AtomicI64,
}

impl CountWays {
    fn of(user: &UserId) -> Self {
        Self {
            user: user.clone(),
            count: 0.into(),
        }
    }

    /// Adds `ways`.
    pub fn add(&self, ways: i64) {
        let order = std::sync::atomic::Ordering::Relaxed;
        self.count.fetch_add(ways, order);
    }

    fn total(&self) -> i64 {
        self.count.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Event for CountWays {}

/// Gives an account another password, and takes all else from whoever made it without showing that the address is his.
async fn take_over(core: &Core, tx: &mut Tx, user: &UserId, password_hash: &str) -> Result<()> {
    store::set_password(tx, user, password_hash).await?;
    store::delete_sessions_of(tx, user).await?;
    take_back(core, tx, user).await
}

/// Takes from whoever had an account before its owner what would let him in again.
async fn take_back(core: &Core, tx: &mut Tx, user: &UserId) -> Result<()> {
    second_factor::forget(tx, user).await?;
    core.emit(tx, &TakenBack { user: user.clone() }).await
}

/// The module.
pub fn module(settings: Settings) -> impl Module {
    Auth { settings }
}

const A_MINUTE: Duration = Duration::from_secs(60);
const AN_HOUR: Duration = Duration::from_secs(60 * 60);
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Auth {
    settings: Settings,
}

/// What this domain's actions and handlers share.
struct Accounts {
    settings: Settings,
    hasher: Hasher,
}

impl Module for Auth {
    fn name(&self) -> &'static str {
        "auth"
    }

    fn migrations(&self) -> Vec<Migration> {
        vec![
            Migration::portable(
                "0001_accounts",
                include_str!("migrations/0001_accounts.sql"),
            ),
            Migration::by_dialect(
                "0002_audit_entries",
                include_str!("migrations/0002_audit_entries.sqlite.sql"),
                include_str!("migrations/0002_audit_entries.postgres.sql"),
            ),
            Migration::portable(
                "0003_mailed_tokens",
                include_str!("migrations/0003_mailed_tokens.sql"),
            ),
            Migration::portable("0004_limits", include_str!("migrations/0004_limits.sql")),
            Migration::by_dialect(
                "0005_audit_states",
                include_str!("migrations/0005_audit_states.sqlite.sql"),
                include_str!("migrations/0005_audit_states.postgres.sql"),
            ),
            Migration::portable("0006_proofs", include_str!("migrations/0006_proofs.sql")),
            Migration::portable(
                "0007_second_factors",
                include_str!("migrations/0007_second_factors.sql"),
            ),
            Migration::portable(
                "0008_magic_links",
                include_str!("migrations/0008_magic_links.sql"),
            ),
            Migration::portable(
                "0009_no_passwords",
                include_str!("migrations/0009_no_passwords.sql"),
            ),
            Migration::portable(
                "0010_removals",
                include_str!("migrations/0010_removals.sql"),
            ),
            Migration::portable(
                "0011_invitations",
                include_str!("migrations/0011_invitations.sql"),
            ),
            Migration::portable(
                "0012_impersonations",
                include_str!("migrations/0012_impersonations.sql"),
            ),
            Migration::portable(
                "0013_preferences",
                include_str!("migrations/0013_preferences.sql"),
            ),
            Migration::portable(
                "0014_other_factors",
                include_str!("migrations/0014_other_factors.sql"),
            ),
        ]
    }

    fn routes(&self) -> Routes {
        let routes = routes::routes(self.settings.registration)
            .merge(mailed::routes())
            .merge(profile::routes())
            .merge(security::routes())
            .merge(leaving::routes())
            .merge(acting::routes())
            .merge(second_factor::routes());
        let routes = match self.settings.registration {
            Registration::Open => routes,
            Registration::Invitation => routes
                .merge(invitations::routes())
                .merge(invitations::instead_of_sign_up()),
            Registration::Closed => routes.merge(invitations::instead_of_sign_up()),
        };
        match self.settings.magic_links {
            true => routes.merge(magic::routes()),
            false => routes,
        }
    }

    fn navigation(&self) -> Vec<NavItem> {
        let item = |label, path, place, access, order| NavItem {
            label,
            path,
            place,
            access,
            flag: None,
            order,
        };
        let mut items = vec![
            item(
                "Dashboard",
                "/dashboard",
                NavPlace::Main,
                Access::SignedIn,
                0,
            ),
            item(
                "Profile",
                "/accounts/profile",
                NavPlace::Account,
                Access::SignedIn,
                0,
            ),
            item(
                "Security",
                "/accounts/security",
                NavPlace::Account,
                Access::SignedIn,
                10,
            ),
            item(
                "Sign in",
                "/accounts/login",
                NavPlace::Visitor,
                Access::Public,
                0,
            ),
        ];
        if self.settings.registration == Registration::Open {
            items.push(item(
                "Sign up",
                "/accounts/signup",
                NavPlace::Visitor,
                Access::Public,
                1,
            ));
        }
        if self.settings.registration == Registration::Invitation {
            let access = Access::Staff(Permission::InviteUsers);
            let place = NavPlace::Staff;
            items.push(item("Invitations", "/admin/invitations", place, access, 15));
        }
        items
    }

    fn commands(&self) -> Vec<Command> {
        let mut commands = commands::commands();
        commands.push(users_command::command());
        commands
    }

    fn mail_samples(&self) -> Vec<MailSample> {
        letters::samples()
    }

    fn samples(&self) -> Vec<Sample> {
        let mut samples = pages::samples();
        samples.extend(profile::samples());
        samples.extend(security::samples());
        samples.extend(leaving::samples());
        samples.extend(invitations::samples());
        samples.extend(second_factor::samples());
        samples.extend(magic::samples());
        samples
    }

    fn weaknesses(&self, _config: &Config) -> Vec<Fault> {
        weaknesses::weaknesses(&self.settings)
    }

    fn cautions(&self, _config: &Config) -> Vec<Fault> {
        weaknesses::cautions(&self.settings)
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        install.state(Accounts {
            settings: self.settings.clone(),
            hasher: Hasher::new()?,
        });
        install.authenticator(actions::Sessions);
        install.job::<actions::AskReset>(|core, job| Box::pin(actions::mail_reset_link(core, job)));
        install.job::<magic::MailLink>(|core, job| Box::pin(magic::mail(core, job)));
        install.every("auth.sweep_magic_links", AN_HOUR, |core| {
            Box::pin(magic::sweep(core))
        });
        install.personal_data(leaving::files);
        install.mail_wishes(|tx, email, topic| Box::pin(profile::wants(tx, email, topic)));
        install.every("auth.end_impersonations", A_MINUTE, |core| {
            Box::pin(acting::end_overdue(core))
        });
        install.every("auth.remove_due", AN_HOUR, |core| {
            Box::pin(leaving::remove_due(core))
        });
        install.every("auth.sweep_links", AN_HOUR, |core| {
            Box::pin(actions::sweep_links(core))
        });
        install.every("auth.sweep_limits", AN_HOUR, |core| {
            Box::pin(limits::sweep(core))
        });
        install.every("auth.sweep_challenges", AN_HOUR, |core| {
            Box::pin(second_factor::sweep(core))
        });
        install.panel(0, |visit, place| {
            Box::pin(panels::unconfirmed(visit, place))
        });
        install.on::<MessageLeft>(|core, tx, left| Box::pin(actions::tell_staff(core, tx, left)));
        Ok(())
    }
}
