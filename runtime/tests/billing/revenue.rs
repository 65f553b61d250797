//! What came in and stayed, by the month in which it was paid.

use std::time::Duration;

use crate::support::billing::Shopper;
use crate::support::{app, column, sign_in, sign_up_admin, themed};

impl Shopper<'_> {
    /// Buys a small pack for one of the currencies; gives its charge.
    async fn buy_small(&mut self, currency: &str) -> String {
        let page = self.browser.get("/billing/plans").await;
        let key = page.input("key").unwrap().to_owned();
        let price = format!("small:{currency}");
        let fields = [("price", &*price), ("key", &key)];
        let answer = self.browser.post("/billing/checkout", &fields).await;
        self.at_till(answer.location(), "pay").await;
        let charges =
            "SELECT object FROM billing_sandbox WHERE substr(object, 1, 3) = 'ch_' ORDER BY object";
        column(self.app, charges).await.pop().unwrap()
    }
}

#[tokio::test]
async fn what_went_back_is_taken_off_where_it_was_paid_and_currencies_stay_apart() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let refunded = ada.buy_small("eur").await;
    let disputed = ada.buy_small("eur").await;
    ada.buy_small("eur").await;
    let dollars = ada.buy_small("usd").await;
    app.clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
    ada.browser = sign_in(&app, "ada@example.com").await;
    ada.buy_small("eur").await;
    // All of it goes back a month later.
    ada.sandbox("refund", &refunded).await;
    ada.sandbox("dispute", &disputed).await;
    ada.sandbox("refund", &dollars).await;
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    let csv = staff.get("/admin/revenue.csv").await.text;
    let lines: Vec<_> = csv.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "2026-01,EUR,15.00,7.50,7.50",
            "2026-01,USD,5.00,2.50,2.50",
            "2026-02,EUR,5.00,0.00,5.00",
        ]
    );
    // The dispute is won, and its money is there again.
    let dispute = ada.object("dp_").await;
    ada.sandbox("win", &dispute).await;
    let csv = staff.get("/admin/revenue.csv").await.text;
    assert!(csv.contains("2026-01,EUR,15.00,2.50,12.50\r\n"), "{csv}");
}
