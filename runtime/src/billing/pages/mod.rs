//! What the pages and panels of this domain are rendered with.

mod account;
mod sandbox;
mod shop;

pub use account::*;
pub use sandbox::*;
pub use shop::*;

use crate::clock::Timestamp;
use crate::pages::Sample;

pub(super) fn samples() -> Vec<Sample> {
    vec![
        Sample::of::<OverviewPage>(),
        Sample::of::<PlansPage>(),
        Sample::of::<ChangePage>(),
        Sample::of::<LeavePage>(),
        Sample::of::<OrderPage>(),
        Sample::of::<PaymentsPage>(),
        Sample::of::<PaymentPage>(),
        Sample::of::<SandboxPage>(),
        Sample::of::<TillPage>(),
    ]
}

const SAMPLE_TIME: Timestamp = Timestamp::from_micros(1_795_251_905_000_000);
