//! What this domain shows on the pages of others.

use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::pages::{PictureForm, StaffPanel};
use super::rules::SIDE;
use super::{Studio, actions};
use crate::error::{FieldErrors, Result};
use crate::http::{Permission, Visit};
use crate::ids::UserId;
use crate::module::{Panel, PanelPlace};

pub(super) async fn panel(visit: &Visit, place: &PanelPlace) -> Result<Option<Panel>> {
    match place {
        PanelPlace::Profile => own(visit).map(Some),
        PanelPlace::StaffUser(user) => staff(visit, user).await,
        PanelPlace::Dashboard
        | PanelPlace::Pricing
        | PanelPlace::StaffOverview
        | PanelPlace::SignIn { .. }
        | PanelPlace::SecondFactor { .. }
        | PanelPlace::Confirm { .. }
        | PanelPlace::Security => Ok(None),
    }
}

fn of(template: &'static str, data: impl Serialize) -> Panel {
    Panel {
        template,
        data: Value::from(Serde(data)),
    }
}

fn own(visit: &Visit) -> Result<Panel> {
    let data = form(visit, FieldErrors::default())?;
    Ok(of("pictures/panels/profile.html", data))
}

/// The form of whoever looks at the page.
pub(super) fn form(visit: &Visit, errors: FieldErrors) -> Result<PictureForm> {
    let picture = visit.require_principal()?.picture.as_deref();
    let studio = visit.core().state::<Studio>()?;
    let most = studio.settings.max_megabytes;
    Ok(PictureForm::new(picture, most, errors))
}

async fn staff(visit: &Visit, user: &UserId) -> Result<Option<Panel>> {
    let picture = actions::address(visit.core(), user).await?;
    let removal = visit
        .may(Permission::ManageUsers)
        .then(|| format!("/admin/users/{user}/picture/remove"));
    Ok(picture.map(|picture| {
        let data = StaffPanel {
            picture,
            side: SIDE,
            removal,
        };
        of("pictures/panels/staff_user.html", data)
    }))
}
