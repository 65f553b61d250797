//! What the pages and panels of this domain are rendered with.

mod account;
mod revenue;
mod sandbox;
mod shop;
mod staff;
mod subscriptions;

pub use account::*;
pub use revenue::*;
pub use sandbox::*;
pub use shop::*;
pub use staff::*;
pub use subscriptions::*;

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
        Sample::of::<StaffPaymentsPage>(),
        Sample::of::<StaffPaymentPage>(),
        Sample::of::<RefundPage>(),
        Sample::of::<SubscriptionsPage>(),
        Sample::of::<StaffSubscriptionPage>(),
        Sample::of::<EventsPage>(),
        Sample::of::<RevenuePage>(),
    ]
}

const SAMPLE_TIME: Timestamp = Timestamp::from_micros(1_795_251_905_000_000);
