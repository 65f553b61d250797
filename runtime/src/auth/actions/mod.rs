//! What can be done with accounts and sessions; all that other domains may call.

mod accounts;
mod mailed;
mod sessions;
mod users;

pub(super) use accounts::{PasswordChange, SignUp};
pub(super) use accounts::{change_password, create_user, rename, sign_up};
pub(super) use mailed::{
    AskReset, Confirmed, ask_for_new_email, ask_for_reset, confirm_email, find_link,
    mail_reset_link, resend_verification, reset_link, reset_password, sweep_links, verify,
};
pub use mailed::{is_verified, require_verified};
pub(super) use sessions::{
    Sessions, SignIn, Token, admit, confirm, end_other_sessions, end_session, open_session, renew,
    sessions, sign_in, sign_out,
};
pub(super) use users::{Ensured, ensure_user, tell_staff};
pub use users::{
    UserCounts, UserQuery, count_sessions, count_users, emails, find_user, find_user_by_email,
    list_users, set_active, set_role,
};
