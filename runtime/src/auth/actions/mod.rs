//! What can be done with accounts and sessions; all that other domains may call.

mod accounts;
mod confirming;
mod mailed;
mod sessions;
mod users;

pub(super) use accounts::{PasswordChange, SignUp};
pub(super) use accounts::{change_password, create_user, sign_up};
pub(super) use confirming::{
    Confirmation, Confirmed, Wanted, choose_instead, confirm_email, confirmation,
};
pub use mailed::require_verified;
pub(super) use mailed::{
    AskReset, ask_for_new_email, ask_for_reset, find_link, is_strange, mail_reset_link,
    resend_verification, reset_link, reset_password, sweep_links, verify,
};
pub(super) use sessions::{
    Sessions, SignIn, Token, admit, ask_again, confirm, end_other_sessions, end_session,
    open_session, renew, sessions, sign_in, sign_out,
};
pub(super) use users::{Ensured, ensure_user, tell_staff};
pub use users::{
    UserCounts, UserQuery, count_sessions, count_users, emails, find_user, find_user_by_email,
    list_users, lock_user, set_active, set_role,
};
