//! What the staff sees of runs on the pages of others: the overview, and the page of one user.

use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::super::actions;
use super::super::entity::RunFilter;
use super::pages::{StaffOverviewPanel, StaffUserPanel};
use super::{RUNS, rows, services};
use crate::auth::actions::find_user;
use crate::error::Result;
use crate::http::{Permission, Visit};
use crate::ids::UserId;
use crate::listing::address;
use crate::module::{Panel, PanelPlace};

const RECENT: usize = 5;

/// The panel for a place of the staff's, for whoever may see runs.
pub(in super::super) async fn panel(visit: &Visit, place: &PanelPlace) -> Result<Option<Panel>> {
    if !visit.may(Permission::ViewRuns) {
        return Ok(None);
    }
    match place {
        PanelPlace::StaffOverview => overview(visit).await.map(Some),
        PanelPlace::StaffUser(user) => of_user(visit, user).await.map(Some),
        PanelPlace::Dashboard
        | PanelPlace::Pricing
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

async fn overview(visit: &Visit) -> Result<Panel> {
    let usage = actions::usage(visit.core(), services::PERIOD).await?;
    let data = StaffOverviewPanel::of(usage.into_values());
    Ok(of("services/panels/staff_overview.html", data))
}

async fn of_user(visit: &Visit, user: &UserId) -> Result<Panel> {
    let (all, core) = (RunFilter::default(), visit.core());
    let (runs, _) = actions::runs_of(core, Some(user), &all, RECENT).await?;
    let email = find_user(visit.core(), user).await?.email;
    let data = StaffUserPanel {
        runs: rows(visit, &runs).await?,
        path: address(RUNS, &[("user", &email)]),
    };
    Ok(of("services/panels/staff_user.html", data))
}
