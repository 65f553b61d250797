//! The staff's pages of what is offered: how much each service is used, its price and its switch.

use std::time::Duration;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::super::entity::RunFilter;
use super::super::offers::{self, Offered};
use super::super::{actions, rules};
use super::pages::{
    PriceForm, PriceRow, StaffServicePage, StaffServiceRow, StaffServicesPage, UnheededPrice,
    UsageView,
};
use crate::auth::audit::Actor;
use crate::credits::{self, Credits};
use crate::error::{FieldErrors, Result};
use crate::http::{Form, Level, Permission, Staff, Visit, may};

/// What "lately" is.
pub(super) const PERIOD: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How many prices a page shows.
const PRICES: u32 = 20;
/// How many runs the page of a service shows.
const RECENT: usize = 5;
/// The most that a run may cost: what somebody mistyped should not take an account along.
const MOST: Credits = Credits::whole(1_000_000);

pub(super) async fn list(visit: Staff<may::ViewRuns>) -> Result<Response> {
    let core = visit.core();
    offers::forget(core)?;
    let usage = actions::usage(core, PERIOD).await?;
    let all = offers::all(core).await?;
    let rows = all.iter().map(|offered| {
        let usage = usage.get(offered.name).cloned().unwrap_or_default();
        StaffServiceRow::new(offered, usage.into())
    });
    visit.render(&StaffServicesPage {
        services: rows.collect(),
    })
}

pub(super) async fn show(
    visit: Staff<may::ViewRuns>,
    Path(name): Path<String>,
) -> Result<Response> {
    offers::forget(visit.core())?;
    let offered = offers::find(visit.core(), &name).await?;
    let form = form_of(&visit, &offered);
    let page = page(&visit, &offered, form).await?;
    visit.render(&page)
}

/// The form with the price that holds, for whoever may change it.
fn form_of(visit: &Visit, offered: &Offered) -> Option<PriceForm> {
    visit.may(Permission::ManageServices).then(|| PriceForm {
        amount: offered.price.amount.to_string(),
        seen: offered.price.version.number,
        errors: FieldErrors::default(),
    })
}

async fn page(
    visit: &Visit,
    offered: &Offered,
    form: Option<PriceForm>,
) -> Result<StaffServicePage> {
    let core = visit.core();
    let usage = actions::usage(core, PERIOD).await?;
    let usage = usage.get(offered.name).cloned().unwrap_or_default();
    let history = credits::actions::price_history(core, &rules::item(offered.name), PRICES).await?;
    let people = history.iter().filter_map(|(_, by, _)| match by {
        credits::Actor::User(user) => Some(user.clone()),
        credits::Actor::System => None,
    });
    let emails = crate::auth::actions::emails(core, people).await?;
    let its = RunFilter {
        service: Some(offered.name.to_owned()),
        ..RunFilter::default()
    };
    let (runs, _) = actions::runs_of(core, None, &its, RECENT).await?;
    Ok(StaffServicePage {
        service: StaffServiceRow::new(offered, UsageView::from(usage)),
        description: offered.service.description().to_owned(),
        is_in_background: offered.service.background(),
        form,
        prices: PriceRow::all(&history, &emails),
        unheeded: UnheededPrice::of(offered, &history),
        runs: super::rows(visit, &runs).await?,
    })
}

#[derive(Deserialize)]
pub(super) struct PriceFields {
    #[serde(default)]
    amount: String,
    seen: i64,
}

pub(super) async fn set_price(
    visit: Staff<may::ManageServices>,
    Path(name): Path<String>,
    Form(fields): Form<PriceFields>,
) -> Result<Response> {
    let core = visit.core();
    let offered = offers::find(core, &name).await?;
    let errors = match price(&fields.amount) {
        Err(why) => FieldErrors::one("amount", why),
        Ok(amount) => {
            let by = Actor::of(&visit)?;
            match actions::set_price(core, (offered.name, fields.seen), amount, &by).await {
                Ok(price) => {
                    let text = format!(
                        "A run of {} costs this from now on: {}.",
                        offered.service.title(),
                        rules::price(price.amount)
                    );
                    return Ok(visit.redirect_with(&path(&offered), Level::Success, text));
                }
                Err(why) if why.status() == StatusCode::CONFLICT => {
                    FieldErrors::one("amount", why.problem().detail.clone())
                }
                Err(why) => return Err(why),
            }
        }
    };
    let offered = offers::find(core, &name).await?;
    let form = PriceForm {
        amount: fields.amount,
        seen: offered.price.version.number,
        errors,
    };
    let page = page(&visit, &offered, Some(form)).await?;
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

fn price(text: &str) -> Result<Credits, String> {
    let amount: Credits = text
        .trim()
        .parse()
        .map_err(|why: credits::AmountError| why.to_string())?;
    match amount <= MOST {
        true => Ok(amount),
        false => Err(format!("A run can cost {MOST} credits at most.")),
    }
}

#[derive(Deserialize)]
pub(super) struct SwitchForm {
    on: bool,
}

pub(super) async fn switch(
    visit: Staff<may::ManageServices>,
    Path(name): Path<String>,
    Form(form): Form<SwitchForm>,
) -> Result<Response> {
    let offered = offers::find(visit.core(), &name).await?;
    actions::switch(visit.core(), offered.name, form.on, &Actor::of(&visit)?).await?;
    let title = offered.service.title();
    let text = match form.on {
        true => format!("{title} can be run again."),
        false => format!("{title} is switched off. Runs that wait or are under way go on."),
    };
    Ok(visit.redirect_with(&path(&offered), Level::Success, text))
}

fn path(offered: &Offered) -> String {
    format!("/admin/services/{}", offered.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_nothing_or_more_and_no_slip() {
        assert_eq!(price(" 0 "), Ok(Credits::ZERO));
        assert_eq!(price("0.125"), Ok(Credits::from_milli(125)));
        for wrong in ["", "-1", "1e3", "0.0001", "1000000.001", "many"] {
            assert!(price(wrong).is_err(), "{wrong:?}");
        }
    }
}
