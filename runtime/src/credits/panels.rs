//! What this domain shows on the pages of others.

use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::actions;
use super::entity::Owner;
use super::pages::{DashboardPanel, PricingPanel, StaffUserPanel, entry_rows};
use super::{Settings, routes, rules};
use crate::error::Result;
use crate::http::Visit;
use crate::ids::UserId;
use crate::module::{Panel, PanelPlace};

/// How many entries a panel shows.
const RECENT: u32 = 5;

pub(super) async fn panel(visit: &Visit, place: &PanelPlace) -> Result<Option<Panel>> {
    match place {
        PanelPlace::Dashboard => dashboard(visit).await.map(Some),
        PanelPlace::StaffUser(user) => staff_user(visit, user).await.map(Some),
        PanelPlace::Pricing => pricing(visit),
        PanelPlace::StaffOverview
        | PanelPlace::SignIn { .. }
        | PanelPlace::SecondFactor { .. }
        | PanelPlace::Confirm { .. }
        | PanelPlace::Security
        | PanelPlace::Profile => Ok(None),
    }
}

fn of(template: &'static str, data: impl Serialize) -> Panel {
    Panel {
        template,
        data: Value::from(Serde(data)),
    }
}

async fn dashboard(visit: &Visit) -> Result<Panel> {
    let core = visit.core();
    let owner = Owner::User(visit.require_principal()?.id.clone());
    let ((balance, full), last) = actions::overview(core, &owner, RECENT).await?;
    let percent = core.state::<Settings>()?.low_balance_percent;
    let level = rules::level(balance.available, full, percent);
    let data = DashboardPanel {
        balance: balance.into(),
        warning: rules::warning(level),
        entries: entry_rows(last),
    };
    Ok(of("credits/panels/dashboard.html", data))
}

async fn staff_user(visit: &Visit, user: &UserId) -> Result<Panel> {
    let core = visit.core();
    let owner = Owner::User(user.clone());
    let ((balance, _), last) = actions::overview(core, &owner, RECENT).await?;
    let data = StaffUserPanel {
        balance: balance.into(),
        entries: entry_rows(last),
        form: routes::adjust_form(visit, user),
        path: routes::staff_path(user),
    };
    Ok(of("credits/panels/staff_user.html", data))
}

fn pricing(visit: &Visit) -> Result<Option<Panel>> {
    let gift = visit.core().state::<Settings>()?.signup_grant;
    let data = PricingPanel {
        gift: gift.in_words(),
    };
    Ok((!gift.is_zero()).then(|| of("credits/panels/pricing.html", data)))
}
