//! What this domain shows on the pages of others.

use minijinja::value::{Serde, Value};

use super::pages::{ServiceCard, ServicesPanel};
use super::registry::Registry;
use crate::error::Result;
use crate::http::Visit;
use crate::module::{Panel, PanelPlace};

pub(super) async fn panel(visit: &Visit, place: &PanelPlace) -> Result<Option<Panel>> {
    let template = match place {
        PanelPlace::Dashboard => "services/panels/dashboard.html",
        PanelPlace::Pricing => "services/panels/pricing.html",
        PanelPlace::StaffOverview
        | PanelPlace::StaffUser(_)
        | PanelPlace::SignIn { .. }
        | PanelPlace::Confirm { .. }
        | PanelPlace::Security => return Ok(None),
    };
    let services = ServiceCard::all(visit.core().state::<Registry>()?.as_ref());
    Ok(Some(Panel {
        template,
        data: Value::from(Serde(ServicesPanel { services })),
    }))
}
