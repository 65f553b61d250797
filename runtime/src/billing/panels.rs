//! What this domain shows on the pages of others.

use minijinja::value::{Serde, Value};

use super::pages::PlansPage;
use super::setup::Billing;
use crate::error::Result;
use crate::http::Visit;
use crate::module::{Panel, PanelPlace};

pub(super) async fn panel(visit: &Visit, place: &PanelPlace) -> Result<Option<Panel>> {
    match place {
        PanelPlace::Pricing => pricing(visit).await,
        PanelPlace::Dashboard
        | PanelPlace::StaffOverview
        | PanelPlace::StaffUser(_)
        | PanelPlace::SignIn { .. }
        | PanelPlace::SecondFactor { .. }
        | PanelPlace::Confirm { .. }
        | PanelPlace::Security
        | PanelPlace::Profile => Ok(None),
    }
}

/// The first currency's prices.
async fn pricing(visit: &Visit) -> Result<Option<Panel>> {
    let billing = visit.core().state::<Billing>()?;
    let catalogue = billing.catalogue(visit.core()).await?;
    let currency = catalogue.currencies().into_iter().next();
    let Some(currency) = currency.filter(|_| billing.takes_money()) else {
        return Ok(None);
    };
    let data = PlansPage::of(&catalogue, currency, None, String::new());
    Ok(Some(Panel {
        template: "billing/panels/pricing.html",
        data: Value::from(Serde(data)),
    }))
}
