//! Every query of the ledger. Amounts cross this border as checked types.

mod accounts;
mod audit;
mod entries;
mod holds;
mod lots;
#[cfg(test)]
mod plans;
mod prices;

pub(super) use accounts::{
    NEVER, Taking, all_owners, find_account, insert_account, lock_account, lock_account_by_id,
    note_told, overdue_owners, owner_of, save_account, take_available, terms_of,
};
pub(super) use audit::{
    KeptAccount, KeptHold, KeptLot, KeptRow, journal_rows, kept_account, kept_ends, kept_lots,
    open_holds, repeated, unknown_prices,
};
pub(super) use entries::{
    Wanted, account_with_last, entries, entry_by_key, hash_of, insert_entry, returnable,
    taken_back, used_at,
};
pub(super) use holds::{
    ClosedHold, Closing, NewHold, OverdueHold, close_hold, find_hold, hold_by_key, insert_hold,
    overdue_holds,
};
pub(super) use lots::{
    KnownLot, Use, amount_of_source, end_lot, expired_lots, find_lot, insert_lot, live_lots,
    move_remaining, next_due, settle_lot, unspend, usable_lots,
};
pub(super) use prices::{
    KnownPrice, insert_price, newest_prices, price_rows, prices, was_declared,
};

use super::amount::Credits;
use crate::error::Result;
use sqlx::Row as _;
use sqlx::any::AnyRow;

fn credits(row: &AnyRow, column: usize) -> Result<Credits> {
    Credits::from_column(row.try_get(column)?)
}
