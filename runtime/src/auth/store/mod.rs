//! Every query of this domain, but for those that count tries.

mod audit;
mod sessions;
pub(super) mod tokens;
mod users;

pub(super) use audit::{audit_entries, insert_audit_entry};
pub(super) use sessions::{
    count_sessions, delete_other_sessions, delete_session, delete_session_of, delete_sessions_of,
    insert_session, live_session, renew_session, sessions, sweep_sessions, touch_session,
};
pub(super) use users::{
    account, active_staff, change_role, count_users, credentials, credentials_in, credentials_of,
    emails, forget_password, insert_user, lock_has_password, lock_role, note_sign_in,
    replace_password, set_active, set_password, set_role, user, user_by_email, user_in, users,
};
