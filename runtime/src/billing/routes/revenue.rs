//! Revenue by month and currency, what comes back every month, and who left.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::billing::figures::{self, Figures};
use crate::billing::pages::RevenuePage;
use crate::error::Result;
use crate::http::{Staff, may};

pub(super) async fn page(visit: Staff<may::ViewPayments>) -> Result<Response> {
    let Figures {
        months,
        recurring,
        subscriptions,
    } = figures::figures(visit.core()).await?;
    visit.render(&RevenuePage::of(&months, &recurring, &subscriptions))
}

pub(super) async fn csv(visit: Staff<may::ViewPayments>) -> Result<Response> {
    let figures = figures::figures(visit.core()).await?;
    let mut text = String::from("month,currency,paid,went back,net\r\n");
    for month in &figures.months {
        let (paid, lost, net) = (
            month.paid.digits(),
            month.lost.digits(),
            month.net().digits(),
        );
        text += &format!(
            "{},{},{paid},{lost},{net}\r\n",
            month.month, month.paid.currency
        );
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"revenue.csv\"",
        ),
    ];
    Ok((headers, text).into_response())
}
