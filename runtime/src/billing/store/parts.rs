//! The movements of money by which payments came, and what went back by each.

use sqlx::{AnyConnection, Row as _};

use super::super::entity::{Payment, PaymentId};
use super::super::rules;
use crate::db::Tx;
use crate::error::Result;

/// What came by one movement of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub intent: String,
    pub amount: i64,
}

/// Keeps by which movements a payment came, where there were several.
pub async fn keep_parts(tx: &mut Tx, payment: &PaymentId, parts: &[Part]) -> Result<()> {
    for part in parts {
        sqlx::query(
            "INSERT INTO billing_payment_parts (payment_id, intent, amount) VALUES ($1, $2, $3)
             ON CONFLICT (payment_id, intent) DO NOTHING",
        )
        .bind(payment.as_str())
        .bind(&part.intent)
        .bind(part.amount)
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

/// By which movements a payment came, the greatest first.
pub async fn parts_of(connection: &mut AnyConnection, payment: &Payment) -> Result<Vec<Part>> {
    let rows = sqlx::query(
        "SELECT intent, amount FROM billing_payment_parts WHERE payment_id = $1 ORDER BY amount DESC, intent",
    )
    .bind(payment.id.as_str())
    .fetch_all(connection)
    .await?;
    let mut parts = Vec::new();
    for row in &rows {
        let (intent, amount) = (row.try_get(0)?, row.try_get(1)?);
        parts.push(Part { intent, amount });
    }
    if let (true, Some(intent)) = (parts.is_empty(), &payment.intent) {
        parts.push(Part {
            intent: intent.clone(),
            amount: payment.money.minor,
        });
    }
    Ok(parts)
}

/// What went back of one movement of money: by refunds, and by disputes.
async fn lost_of(connection: &mut AnyConnection, part: &Part) -> Result<(i64, i64)> {
    let refunded = super::refunded_by_intent(&mut *connection, &part.intent).await?;
    let refunded = refunded.min(part.amount);
    let disputes = super::disputes_by_intent(connection, &part.intent).await?;
    let withdrawn = disputes
        .iter()
        .filter(|(status, _)| rules::is_withdrawn(status));
    let disputed: i64 = withdrawn.map(|(_, amount)| *amount).sum();
    Ok((refunded, disputed.min(part.amount - refunded)))
}

/// What went back of a payment that was made: by refunds, and by disputes.
pub async fn losses(connection: &mut AnyConnection, payment: &Payment) -> Result<(i64, i64)> {
    let (mut refunded, mut disputed) = (0, 0);
    for part in parts_of(&mut *connection, payment).await? {
        let lost = lost_of(&mut *connection, &part).await?;
        refunded += lost.0;
        disputed += lost.1;
    }
    Ok((refunded, disputed))
}

/// What of each movement can still be given back.
pub async fn parts_left(connection: &mut AnyConnection, payment: &Payment) -> Result<Vec<Part>> {
    let mut left = parts_of(&mut *connection, payment).await?;
    for part in &mut left {
        let (refunded, disputed) = lost_of(&mut *connection, part).await?;
        let under_way =
            super::refunds_under_way(&mut *connection, &payment.id, &part.intent).await?;
        part.amount = (part.amount - refunded - disputed - under_way).max(0);
    }
    Ok(left)
}
