//! A customer's life at Stripe as the stand-in leads it, where one thing that happens is several events: whatever their
//! order and their shape, however often and late they come, the end is that of the orderly delivery.

use std::time::Duration;

use quickscale_runtime::billing::upkeep::verify;
use quickscale_runtime::testing::TestApp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::delivery::{post, secs, start};
use crate::shapes::Shape;
use crate::standin::{StandIn, Verb, as_before};
use crate::support::billing::Shopper;
use crate::support::{column, sign_in, sign_up_admin};

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How events come.
struct Delivery {
    shape: Shape,
    /// Without, they come in order, once.
    random: Option<StdRng>,
    late: Vec<Value>,
}

impl Delivery {
    /// Brings what happened since the last time, or a part of it.
    async fn bring(&mut self, app: &TestApp, stand_in: &StandIn) {
        let mut events = std::mem::take(&mut self.late);
        events.extend(stand_in.events());
        if let Some(random) = &mut self.random {
            let mut all = Vec::new();
            for event in events {
                let kind = event["type"].as_str().unwrap();
                // What the next step of the life needs does not come only later.
                let can_wait = kind.starts_with("invoice.") || kind.starts_with("charge.");
                match random.random_range(0..4) {
                    0 if can_wait => {
                        self.late.push(event);
                        continue;
                    }
                    0 | 1 => self.late.push(event.clone()),
                    2 => {
                        let mut twin = event.clone();
                        twin["id"] = format!("{}_again", event["id"].as_str().unwrap()).into();
                        all.push(twin);
                    }
                    _ => {}
                }
                all.insert(random.random_range(0..=all.len()), event);
            }
            events = all;
        }
        for event in events {
            let event = match self.shape {
                Shape::Before => as_before(&event),
                Shape::After => event,
            };
            post(app, &event).await;
            app.work_jobs().await;
        }
    }
}

struct Life<'a> {
    stand_in: &'a StandIn,
    ada: Shopper<'a>,
    delivery: Delivery,
}

impl Life<'_> {
    async fn pays(&mut self, item: &str) {
        let answer = self.ada.order(item, 1).await;
        assert!(answer.text.contains("/c/pay/"), "{}", answer.text);
        self.stand_in.at_last_page(Verb::Pay).unwrap();
        self.delivery.bring(self.ada.app, self.stand_in).await;
    }

    async fn changes(&mut self, plan: &str, seats: &str) {
        let key = format!("{plan}{seats}");
        let fields = [("plan", plan), ("quantity", seats), ("key", &key)];
        let path = "/billing/subscription/change";
        let answer = self.ada.browser.post(path, &fields).await;
        assert_eq!(answer.location(), "/billing", "{}", answer.text);
        self.delivery.bring(self.ada.app, self.stand_in).await;
    }

    async fn does(&mut self, verb: &str) {
        let key = format!("{verb} {}", secs(self.ada.app));
        let path = format!("/billing/subscription/{verb}");
        self.ada.browser.post(&path, &[("key", &*key)]).await;
        self.delivery.bring(self.ada.app, self.stand_in).await;
    }

    async fn month_passes(&mut self) {
        self.ada.app.clock.advance(MONTH);
        // Nobody stays signed in for so long.
        self.ada.browser = sign_in(self.ada.app, "ada@example.com").await;
        self.stand_in.set_clock(secs(self.ada.app));
        let running = self.stand_in.all("sub_0").pop().unwrap();
        self.stand_in
            .renew(running["id"].as_str().unwrap())
            .unwrap();
        self.delivery.bring(self.ada.app, self.stand_in).await;
    }

    async fn is_refunded(&mut self) {
        let mut staff = sign_up_admin(self.ada.app, "root@example.com").await;
        let sql = "SELECT id FROM billing_payments WHERE kind = 'pack'";
        let id = column(self.ada.app, sql).await.swap_remove(0);
        let fields = [("amount", "2.50"), ("reason", "Asked"), ("key", "k")];
        let path = format!("/admin/payments/{id}/refund");
        staff.post(&path, &fields).await;
        self.ada.app.work_jobs().await;
        self.delivery.bring(self.ada.app, self.stand_in).await;
    }
}

/// Leads the life; gives what is left, without Stripe's names.
async fn lead(shape: Shape, random: Option<StdRng>) -> Vec<String> {
    let (app, stand_in) = start().await;
    let ada = Shopper::sign_up(&app, "ada@example.com").await;
    let late = Vec::new();
    let delivery = Delivery {
        shape,
        random,
        late,
    };
    let mut life = Life {
        stand_in: &stand_in,
        ada,
        delivery,
    };
    life.pays("small").await;
    life.pays("team").await;
    // Whatever is late, the subscription has to be known before it is changed.
    life.delivery.bring(&app, &stand_in).await;
    life.changes("team", "2").await;
    life.month_passes().await;
    life.changes("team", "1").await;
    life.month_passes().await;
    life.is_refunded().await;
    life.does("cancel").await;
    life.does("resume").await;
    life.month_passes().await;
    life.does("cancel").await;
    life.month_passes().await;
    life.delivery.random = None;
    life.delivery.bring(&app, &stand_in).await;
    app.clock.advance(Duration::from_secs(24 * 60 * 60));
    app.work_jobs().await;
    let left = "SELECT kind || ' ' || error FROM billing_events WHERE state IN ('new', 'failed')";
    assert_eq!(column(&app, left).await, [""; 0]);
    let report = verify(&app.core, true).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    let mut state = vec![format!("balance {}", life.ada.balance().await)];
    for sql in [
        "SELECT kind || ' ' || description || ' ' || CAST(amount AS TEXT) || ' ' || state || ' '
             || CAST(refunded AS TEXT) AS told FROM billing_payments ORDER BY told",
        "SELECT status || ' ' || CAST(quantity AS TEXT) || ' ' || CAST(paid_until AS TEXT)
             FROM billing_subscriptions",
        "SELECT item || ' ' || state AS told FROM billing_orders ORDER BY told",
        "SELECT CAST(credits AS TEXT) || ' ' || CAST(revoked AS TEXT) || ' ' || CAST(is_over AS TEXT) AS told
             FROM billing_lots ORDER BY told",
    ] {
        state.extend(column(&app, sql).await);
    }
    state
}

#[tokio::test]
async fn any_order_and_either_shape_has_the_end_of_the_orderly_delivery() {
    let orderly = lead(Shape::After, None).await;
    assert_eq!(orderly[0], "balance 200");
    assert!(
        orderly.iter().any(|line| line.starts_with("canceled 1 ")),
        "{orderly:?}"
    );
    assert_eq!(lead(Shape::Before, None).await, orderly);
    for seed in 0..2 {
        for shape in Shape::BOTH {
            let random = Some(StdRng::seed_from_u64(seed));
            assert_eq!(lead(shape, random).await, orderly, "{seed} {shape:?}");
        }
    }
}
