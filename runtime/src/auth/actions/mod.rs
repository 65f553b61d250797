//! What can be done with accounts and sessions; all that other domains may call.

mod accounts;
mod sessions;

pub(super) use accounts::{PasswordChange, SignUp};
pub(super) use accounts::{change_password, rename, sign_up};
pub(super) use sessions::{Sessions, SignIn, Token, sign_in, sign_out};
