//! Where the staff begin to act as a user, and leave off.

use axum::extract::Path;
use axum::response::Response;

use crate::auth::audit::Actor;
use crate::auth::routes::enter;
use crate::error::Result;
use crate::http::{ACTING_END, Access, Level, Principal, Routes, Staff, Visit, may, permitted};

pub(in crate::auth) fn routes() -> Routes {
    Routes::new()
        .post("/admin/users/{id}/act", permitted().fresh(), start)
        .post(ACTING_END, Access::SignedIn, end)
}

async fn start(visit: Staff<may::ActAsUsers>, Path(id): Path<String>) -> Result<Response> {
    let staff = visit.require_principal()?;
    let token = super::start(visit.core(), staff, &Actor::of(&visit)?, &id.parse()?).await?;
    enter(&visit, &token, visit.redirect("/dashboard"))
}

async fn end(visit: Visit, principal: Principal) -> Result<Response> {
    let Some(_) = &principal.acted_by else {
        return Ok(visit.redirect("/dashboard"));
    };
    let address = visit.client_address();
    super::end_in(visit.core(), &principal.session, &address).await?;
    let path = format!("/admin/users/{}", principal.id);
    Ok(visit.redirect_with(&path, Level::Info, "You act as yourself again."))
}
