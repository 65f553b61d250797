//! Refunds that staff asked for.

use super::super::entity::RefundState;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;

/// Notes how a refund ended, and what the provider calls it.
pub async fn close_refund(
    tx: &mut Tx,
    id: &str,
    (state, refund, error): (RefundState, Option<&str>, &str),
    at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "UPDATE billing_refunds SET state = $2, refund = COALESCE($3, refund), error = $4, changed_at = $5
         WHERE id = $1",
    )
    .bind(id)
    .bind(state.as_str())
    .bind(refund)
    .bind(error)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}
