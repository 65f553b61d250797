//! For how long a subscription can be used that is not paid for.

use std::time::Duration;

use quickscale_runtime::billing::{Standing, actions};
use quickscale_runtime::testing::TestApp;

use crate::delivery::{deliver_as, deliver_thrice, start};
use crate::effects::Subscriber;
use crate::shapes::{Bill, Shape, Sub};
use crate::standin::StandIn;
use crate::support::billing::Shopper;
use crate::support::column;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Subscriber {
    /// Stripe says that the period with this number has begun and is not paid for.
    async fn owes(&self, app: &TestApp, stand_in: &StandIn, (number, shape): (i64, Shape)) {
        let body = Sub {
            status: "past_due".into(),
            period: self.period(number),
            ..self.sub.clone()
        }
        .body(shape);
        stand_in.put(body.clone());
        deliver_thrice(app, "customer.subscription.updated", &body).await;
    }

    fn failed(&self, number: i64) -> Bill {
        Bill {
            is_paid: false,
            intent: None,
            ..self.invoice(number)
        }
    }
}

async fn standing(ada: &Shopper<'_>) -> Option<Standing> {
    actions::standing(&ada.app.core, &ada.id).await.unwrap()
}

#[tokio::test]
async fn a_failure_that_was_never_told_has_its_days_of_grace_and_no_more() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let shape = Shape::After;
    let own = Subscriber::of(&mut ada, &stand_in, shape).await;
    own.told(&app, &stand_in, "invoice.paid", &own.invoice(1))
        .await;
    app.clock.advance(32 * DAY);
    own.owes(&app, &stand_in, (2, shape)).await;
    assert_eq!(standing(&ada).await, Some(Standing::Usable));
    app.clock.advance(DAY);
    assert_eq!(standing(&ada).await, Some(Standing::Suspended));
}

#[tokio::test]
async fn only_what_is_owed_now_takes_days_of_grace() {
    for (kind, status) in [
        ("invoice.voided", "void"),
        ("invoice.marked_uncollectible", "uncollectible"),
    ] {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        let shape = Shape::After;
        let own = Subscriber::of(&mut ada, &stand_in, shape).await;
        own.told(&app, &stand_in, "invoice.paid", &own.invoice(1))
            .await;
        // The second fails and stays open; the third is paid.
        app.clock.advance(30 * DAY);
        let failed = "invoice.payment_failed";
        own.told(&app, &stand_in, failed, &own.failed(2)).await;
        app.clock.advance(30 * DAY);
        own.told(&app, &stand_in, "invoice.paid", &own.invoice(3))
            .await;
        // The fourth fails and is written off; what is told late of it changes nothing.
        app.clock.advance(30 * DAY);
        own.told(&app, &stand_in, failed, &own.failed(4)).await;
        let mut body = own.failed(4).body(shape);
        body["status"] = status.into();
        deliver_thrice(&app, kind, &body).await;
        let mails = app.mails().await.len();
        let late = Bill {
            attempts: 2,
            ..own.failed(4)
        };
        deliver_as(&app, "evt_late", failed, &late.body(shape)).await;
        assert_eq!(app.mails().await.len(), mails);
        let since = "SELECT COALESCE(CAST(failing_since AS TEXT), '-') FROM billing_subscriptions";
        own.owes(&app, &stand_in, (4, shape)).await;
        assert_eq!(column(&app, since).await, ["-"], "{status}");
        // The fifth begins days of grace of its own.
        app.clock.advance(30 * DAY);
        own.told(&app, &stand_in, failed, &own.failed(5)).await;
        own.owes(&app, &stand_in, (5, shape)).await;
        let expected = own.failed(5).created * 1_000_000;
        assert_eq!(column(&app, since).await, [expected.to_string()]);
        app.clock.advance(2 * DAY);
        assert_eq!(standing(&ada).await, Some(Standing::Usable));
        app.clock.advance(DAY);
        assert_eq!(standing(&ada).await, Some(Standing::Suspended));
    }
}
