//! Every query of the ledger. Amounts cross this border as checked types.

mod accounts;
mod entries;
mod holds;
mod lots;

pub(super) use accounts::{
    NEVER, Taking, close_hold_on, find_account, insert_account, lock_account, lock_account_by_id,
    save_account, take_available,
};
pub(super) use entries::{NewEntry, entries, entry_by_key, insert_allocation, insert_entry};
pub(super) use holds::{
    ClosedHold, NewHold, close_hold, find_hold, hold_by_key, insert_hold, overdue_holds,
};
pub(super) use lots::{
    Use, expired_lots, insert_lot, lots_of, move_remaining, next_due, settle_lot, usable_lots,
};

use super::amount::Credits;
use crate::error::Result;
use sqlx::Row as _;
use sqlx::any::AnyRow;

fn credits(row: &AnyRow, column: usize) -> Result<Credits> {
    Credits::from_column(row.try_get(column)?)
}
