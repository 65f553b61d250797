//! What this domain shows on pages that take panels.

use minijinja::context;

use super::{Accounts, EmailVerification};
use crate::error::Result;
use crate::http::Visit;
use crate::module::{Panel, PanelPlace};

/// Reminds whoever has not confirmed his address that he cannot pay for anything before.
pub(super) async fn unconfirmed(visit: &Visit, place: &PanelPlace) -> Result<Option<Panel>> {
    let (PanelPlace::Dashboard, Some(principal)) = (place, visit.principal()) else {
        return Ok(None);
    };
    let wanted = visit
        .core()
        .state::<Accounts>()?
        .settings
        .email_verification;
    if wanted == EmailVerification::None || principal.is_verified {
        return Ok(None);
    }
    Ok(Some(Panel {
        template: "auth/panels/unconfirmed.html",
        data: context! { email => &principal.email },
    }))
}
