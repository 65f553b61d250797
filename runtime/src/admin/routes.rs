//! The staff's pages.

use std::time::Duration;

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;

use super::actions::replay;
use super::audit::RecordRow;
use super::pages::{
    ActivationPage, JobsPage, MessagesPage, OverviewPage, UserPage, UsersPage, role_choices,
};
use crate::auth::actions::{self, UserQuery};
use crate::auth::audit::{Actor, entries_about};
use crate::error::Result;
use crate::http::{Form, Level, Permission, Role, Routes, Staff, may, permitted};
use crate::ids::UserId;
use crate::jobs;
use crate::listing::{address, cut, one_more};
use crate::module::PanelPlace;
use crate::site;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/admin", permitted(), overview)
        .get("/admin/users", permitted(), users)
        .get("/admin/users/{id}", permitted(), user)
        .get("/admin/users/{id}/activation", permitted(), ask_activation)
        .post("/admin/users/{id}/activation", permitted(), set_activation)
        .post("/admin/users/{id}/role", permitted().fresh(), set_role)
        .get("/admin/messages", permitted(), messages)
        .get("/admin/jobs", permitted(), jobs)
        .post("/admin/jobs/{id}/replay", permitted(), replay_job)
}

/// What "new" means on the overview.
const NEW: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const USERS_PER_PAGE: usize = 50;
const MESSAGES_PER_PAGE: usize = 25;
const JOBS_PER_PAGE: usize = 50;
const RECORD_LENGTH: i64 = 50;
/// Longer than any address.
const SEARCH_LENGTH: usize = 254;

async fn overview(visit: Staff<may::ViewStaffArea>) -> Result<Response> {
    let core = visit.core();
    let since = core.now().minus(NEW);
    let page = OverviewPage {
        users: actions::count_users(core, since).await?,
        new_messages: site::count_messages(core, since).await?,
        panels: core.panels(&visit, &PanelPlace::StaffOverview).await?,
    };
    visit.render(&page)
}

/// Where a list begins: after the entry that the page before ended with.
#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    q: String,
    before: Option<String>,
}

async fn users(visit: Staff<may::ViewUsers>, Query(listing): Query<Listing>) -> Result<Response> {
    let search: String = listing
        .q
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    let search: String = search.chars().take(SEARCH_LENGTH).collect();
    let before = listing.before.map(|id| id.parse::<UserId>()).transpose()?;
    let query = UserQuery {
        search: search.clone(),
        before: before.clone(),
        limit: one_more(USERS_PER_PAGE),
    };
    let mut users = actions::list_users(visit.core(), &query).await?;
    let last = cut(&mut users, USERS_PER_PAGE).map(|user| user.id.as_str());
    visit.render(&UsersPage {
        is_continued: before.is_some(),
        next_page: last.map(|last| address("/admin/users", &[("q", &search), ("before", last)])),
        search,
        users,
    })
}

async fn user(visit: Staff<may::ViewUsers>, Path(id): Path<String>) -> Result<Response> {
    let core = visit.core();
    let account = actions::find_user(core, &id.parse()?).await?;
    let record = entries_about(core, ("user", account.id.as_str()), RECORD_LENGTH).await?;
    let place = PanelPlace::StaffUser(account.id.clone());
    let page = UserPage {
        is_own: visit.require_principal()?.id == account.id,
        may_manage: visit.may(match account.role.is_staff() {
            true => Permission::ManageRoles,
            false => Permission::ManageUsers,
        }),
        may_act: visit.may(Permission::ActAsUsers) && account.is_active && !account.role.is_staff(),
        roles: match visit.may(Permission::ManageRoles) {
            true => role_choices(),
            false => Vec::new(),
        },
        sessions: actions::count_sessions(core, &account.id).await?,
        record: record.into_iter().map(RecordRow::from).collect(),
        panels: core.panels(&visit, &place).await?,
        account,
    };
    visit.render(&page)
}

async fn ask_activation(
    visit: Staff<may::ManageUsers>,
    Path(id): Path<String>,
) -> Result<Response> {
    let account = actions::find_user(visit.core(), &id.parse()?).await?;
    let sessions = actions::count_sessions(visit.core(), &account.id).await?;
    visit.render(&ActivationPage { account, sessions })
}

#[derive(Deserialize)]
struct ActivationForm {
    active: bool,
}

async fn set_activation(
    visit: Staff<may::ManageUsers>,
    Path(id): Path<String>,
    Form(form): Form<ActivationForm>,
) -> Result<Response> {
    let (core, id) = (visit.core(), id.parse()?);
    actions::set_active(core, &Actor::of(&visit)?, &id, form.active).await?;
    let account = actions::find_user(core, &id).await?;
    let fate = if form.active {
        "active again"
    } else {
        "deactivated and signed out everywhere"
    };
    let text = format!("{} is {fate}.", account.email);
    Ok(visit.redirect_with(&format!("/admin/users/{id}"), Level::Success, text))
}

#[derive(Deserialize)]
struct RoleForm {
    role: Role,
}

async fn set_role(
    visit: Staff<may::ManageRoles>,
    Path(id): Path<String>,
    Form(form): Form<RoleForm>,
) -> Result<Response> {
    let (core, id) = (visit.core(), id.parse()?);
    actions::set_role(core, &Actor::of(&visit)?, &id, form.role).await?;
    let account = actions::find_user(core, &id).await?;
    let text = format!(
        "The role of {} is {} now.",
        account.email,
        form.role.as_str()
    );
    Ok(visit.redirect_with(&format!("/admin/users/{id}"), Level::Success, text))
}

async fn messages(
    visit: Staff<may::ViewMessages>,
    Query(listing): Query<Listing>,
) -> Result<Response> {
    let before = listing
        .before
        .map(|id| crate::ids::parse_id(&id))
        .transpose()?;
    let limit = one_more(MESSAGES_PER_PAGE);
    let mut entries = site::messages(visit.core(), before.as_deref(), limit).await?;
    let last = cut(&mut entries, MESSAGES_PER_PAGE).map(|entry| entry.id.as_str());
    visit.render(&MessagesPage {
        is_continued: before.is_some(),
        next_page: last.map(|last| address("/admin/messages", &[("before", last)])),
        entries,
    })
}

async fn jobs(visit: Staff<may::ManageJobs>, Query(listing): Query<Listing>) -> Result<Response> {
    let before = listing
        .before
        .map(|id| crate::ids::parse_id(&id))
        .transpose()?;
    let (core, limit) = (visit.core(), one_more(JOBS_PER_PAGE));
    let mut dead = jobs::actions::dead_jobs(core, before.as_deref(), limit).await?;
    let last = cut(&mut dead, JOBS_PER_PAGE).map(|job| job.id.as_str());
    visit.render(&JobsPage {
        counts: jobs::actions::count_jobs(core).await?,
        is_continued: before.is_some(),
        next_page: last.map(|last| address("/admin/jobs", &[("before", last)])),
        jobs: dead,
    })
}

async fn replay_job(visit: Staff<may::ManageJobs>, Path(id): Path<String>) -> Result<Response> {
    let id = crate::ids::parse_id(&id)?;
    let name = replay(visit.core(), &Actor::of(&visit)?, &id).await?;
    let text = format!("{name} is tried again.");
    Ok(visit.redirect_with("/admin/jobs", Level::Success, text))
}
