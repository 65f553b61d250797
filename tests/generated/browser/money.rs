//! Money at the sandbox and at Stripe: buying, subscribing, changing, cancelling, keeping, and what staff gives back.

use super::journey::{STAFF, sign_in, sign_up};
use super::person::{Browser, Device, Scripts};

/// Whose payment page it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Till {
    Sandbox,
    Stripe,
}

/// All of it, by a user and by staff.
pub async fn journey(site: &str, till: Till) {
    let email = match till {
        Till::Sandbox => "mona@example.com",
        Till::Stripe => "stella@example.com",
    };
    let user = Browser::open(site, Scripts::On, Device::Desktop).await;
    sign_up(&user, email).await;
    buys_a_pack(&user).await;
    subscribes(&user).await;
    changes_the_plan(&user).await;
    cancels_and_keeps(&user).await;
    if till == Till::Stripe {
        looks_into_the_portal(&user).await;
    }
    let staff = Browser::open(site, Scripts::Off, Device::Desktop).await;
    sign_in(&staff, STAFF).await;
    gives_back(&staff, email).await;
    user.visit("/billing/payments?kind=pack").await;
    user.sees("Refunded 5.00 EUR").await;
    user.visit("/dashboard").await;
    user.sees_after_a_while("4100 credits available").await;
    user.close().await;
    staff.close().await;
}

/// A card that is declined charges nothing; the page of the order waits for the event and says so.
async fn buys_a_pack(user: &Browser) {
    user.visit("/billing/plans?currency=eur").await;
    user.press("Buy Small pack").await;
    user.press("Let the card be declined").await;
    user.sees("Nothing was charged").await;
    user.has_clean_console(Some(402)).await;
    user.press("Pay").await;
    user.sees("Thank you").await;
    user.sees("200 credits were added to your balance").await;
    user.visit("/dashboard").await;
    user.sees("300 credits available").await;
}

async fn subscribes(user: &Browser) {
    user.visit("/billing/plans?currency=eur").await;
    user.press("Subscribe to Team").await;
    user.press("Pay").await;
    user.sees("Your subscription has begun").await;
    user.follow("Your billing").await;
    user.sees_after_a_while("29.00 EUR a month, with 2000 credits")
        .await;
}

/// More seats begin at once; a smaller plan with the next period, and not at all when that is taken back.
async fn changes_the_plan(user: &Browser) {
    user.visit("/billing/subscription/change?plan=team").await;
    user.fill("quantity", "2").await;
    user.press("Change the plan").await;
    user.sees("Team, 2 seats").await;
    user.visit("/billing/subscription/change?plan=starter")
        .await;
    user.press("Change the plan").await;
    user.sees("Starter begins with the next period").await;
    user.press("Stay with Team").await;
    user.sees("stays as it is").await;
}

async fn cancels_and_keeps(user: &Browser) {
    user.press("Cancel at the end of the period").await;
    user.sees("It ends on").await;
    user.press("Keep the subscription").await;
    user.sees("It renews on").await;
}

/// Cancels there, and keeps the subscription here: what is done at Stripe is told here.
async fn looks_into_the_portal(user: &Browser) {
    user.press("Cards and invoices").await;
    user.press("Pay with the other card").await;
    user.sees("A card that ends in 4444").await;
    user.sees("2900 EUR, paid").await;
    user.press("Cancel the plan").await;
    user.sees("The plan ends with its period").await;
    user.follow("Back to the shop").await;
    user.sees_after_a_while("It ends on").await;
    user.press("Keep the subscription").await;
    user.sees("It renews on").await;
}

/// Sees what it takes first, and finds it settled.
async fn gives_back(staff: &Browser, email: &str) {
    staff
        .visit(&format!("/admin/payments?kind=pack&q={email}"))
        .await;
    staff.follow("Small pack: 200 credits").await;
    staff.follow("Refund").await;
    staff.sees("5.00 EUR takes 200 credits back").await;
    staff.fill("reason", "Asked for it in time").await;
    staff.press("Give 5.00 EUR back").await;
    staff.sees("Asked for it in time").await;
    staff.sees_after_a_while("Refunded 5.00 EUR").await;
}
