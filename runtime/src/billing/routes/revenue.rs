//! Revenue by month and currency, what comes back every month, and who left: to look at, and as files, which are
//! recorded.

use axum::extract::Query;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use crate::auth::audit::{Actor, AuditEntry};
use crate::billing::figures::{self, Figures};
use crate::billing::pages::{RevenuePage, churn};
use crate::error::{Error, Result};
use crate::http::{Staff, may};
use crate::in_transaction;

pub(super) async fn page(visit: Staff<may::ViewPayments>) -> Result<Response> {
    let figures = figures::figures(visit.core()).await?;
    visit.render(&RevenuePage::of(&figures))
}

/// Which table is wanted: `revenue`, `recurring` or `subscriptions`.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default = "revenue")]
    of: String,
}

fn revenue() -> String {
    "revenue".into()
}

pub(super) async fn csv(
    visit: Staff<may::ViewPayments>,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let core = visit.core();
    let figures = figures::figures(core).await?;
    let text = match wanted.of.as_str() {
        "revenue" => revenue_csv(&figures),
        "recurring" => recurring_csv(&figures),
        "subscriptions" => subscriptions_csv(&figures),
        _ => return Err(Error::not_found()),
    };
    let (by, now) = (Actor::of(&visit)?, core.now());
    in_transaction!(core.db(), tx => {
        let entry = AuditEntry::new(&by, "revenue.exported", ("revenue", &wanted.of));
        entry.details(json!({ "table": wanted.of })).record(tx, now).await
    })?;
    let name = format!("attachment; filename=\"{}.csv\"", wanted.of);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, text).into_response())
}

fn revenue_csv(figures: &Figures) -> String {
    let mut text = String::from("month,currency,paid,went back,net\r\n");
    for month in &figures.months {
        let (paid, lost, net) = (
            month.paid.digits(),
            month.lost.digits(),
            month.net().digits(),
        );
        let (name, currency) = (&month.month, month.paid.currency);
        text += &format!("{name},{currency},{paid},{lost},{net}\r\n");
    }
    text
}

fn recurring_csv(figures: &Figures) -> String {
    let mut text = String::from("month,currency,recurring\r\n");
    for month in &figures.course {
        for money in &month.recurring {
            let (name, currency) = (&month.month, money.currency);
            text += &format!("{name},{currency},{}\r\n", money.digits());
        }
    }
    text
}

fn subscriptions_csv(figures: &Figures) -> String {
    let mut text = String::from("month,active,trials,at its beginning,ended,churn in per cent\r\n");
    for month in &figures.course {
        let share = churn(month.there, month.left).unwrap_or_default();
        let (name, active, trials) = (&month.month, month.active, month.trials);
        let (there, left) = (month.there, month.left);
        text += &format!("{name},{active},{trials},{there},{left},{share}\r\n");
    }
    text
}
