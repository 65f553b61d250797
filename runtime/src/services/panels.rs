//! What this domain shows on the pages of others.

use minijinja::value::{Serde, Value};

use super::offers;
use super::pages::{ServiceCard, ServicesPanel};
use super::staff;
use crate::error::Result;
use crate::http::Visit;
use crate::module::{Panel, PanelPlace};

pub(super) async fn panel(visit: &Visit, place: &PanelPlace) -> Result<Option<Panel>> {
    let template = match place {
        PanelPlace::Dashboard => "services/panels/dashboard.html",
        PanelPlace::Pricing => "services/panels/pricing.html",
        PanelPlace::SignIn { .. }
        | PanelPlace::SecondFactor { .. }
        | PanelPlace::Confirm { .. }
        | PanelPlace::Security
        | PanelPlace::Profile => return Ok(None),
        PanelPlace::StaffOverview | PanelPlace::StaffUser(_) => {
            return staff::panel(visit, place).await;
        }
    };
    let services = ServiceCard::all(&offers::all(visit.core()).await?);
    Ok(Some(Panel {
        template,
        data: Value::from(Serde(ServicesPanel { services })),
    }))
}
