//! A subscription that ends before its period does: its credits end with it, whatever is told first and given back when.

use quickscale_runtime::billing::upkeep::verify;
use quickscale_runtime::credits::{self, Credits, Note, Owner};
use quickscale_runtime::testing::{Client, TestApp};

use crate::delivery::{deliver_thrice, secs, start};
use crate::effects::Subscriber;
use crate::shapes::Shape;
use crate::support::billing::{Shopper, subscribe};
use crate::support::{app, column, sign_up_admin, themed};

async fn cancel(app: &TestApp, staff: &mut Client) {
    let names = column(app, "SELECT subscription FROM billing_subscriptions").await;
    let path = format!("/admin/subscriptions/{}/cancel", names[0]);
    let fields = [("reason", "Asked"), ("when", "now"), ("key", "k")];
    let answer = staff.post(&path, &fields).await;
    assert!(answer.location().contains(&names[0]), "{}", answer.text);
    app.work_jobs().await;
}

async fn refund(app: &TestApp, staff: &mut Client, key: &str) {
    let sql = "SELECT id FROM billing_payments WHERE kind = 'subscription'";
    let id = column(app, sql).await.swap_remove(0);
    let fields = [("amount", "14.50"), ("reason", "Asked"), ("key", key)];
    let path = format!("/admin/payments/{id}/refund");
    staff.post(&path, &fields).await;
    app.work_jobs().await;
}

#[tokio::test]
async fn what_is_cancelled_now_ends_now_and_packs_stay() {
    for is_refunded_first in [false, true] {
        let app = themed(app()).start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        ada.buy("small").await;
        subscribe(&mut ada, "team", 1).await;
        let owner = Owner::User(ada.id.clone());
        let note = Note::system("use", "A test");
        let spent = Credits::whole(500);
        credits::actions::spend(&app.core, &owner, spent, &note)
            .await
            .unwrap();
        assert_eq!(ada.balance().await, "1800");
        let mut staff = sign_up_admin(&app, "root@example.com").await;
        if is_refunded_first {
            refund(&app, &mut staff, "a").await;
            assert_eq!(ada.balance().await, "800");
        }
        let page = staff.get(&staff_page(&app).await).await;
        let told = "its unused credits end at once";
        assert!(page.text.contains(told), "{}", page.text);
        cancel(&app, &mut staff).await;
        assert_eq!(ada.balance().await, "300");
        if !is_refunded_first {
            // Half of the money is less than what was not used.
            refund(&app, &mut staff, "a").await;
        }
        assert_eq!(ada.balance().await, "300");
        // The other half: what was used is owed.
        refund(&app, &mut staff, "b").await;
        assert_eq!(ada.balance().await, "-200");
        let report = verify(&app.core, true).await.unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}

async fn staff_page(app: &TestApp) -> String {
    let names = column(app, "SELECT subscription FROM billing_subscriptions").await;
    format!("/admin/subscriptions/{}", names[0])
}

#[tokio::test]
async fn an_end_before_its_time_comes_to_the_same_before_and_after_the_invoice() {
    for shape in Shape::BOTH {
        for (is_end_first, is_customer_gone, balance) in [
            (false, false, "100"),
            (true, false, "100"),
            // Whoever is deleted at the provider keeps what he has.
            (false, true, "2100"),
            (true, true, "2100"),
        ] {
            let (app, stand_in) = start().await;
            let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
            let own = Subscriber::of(&mut ada, &stand_in, shape).await;
            if !is_end_first {
                own.told(&app, &stand_in, "invoice.paid", &own.invoice(1))
                    .await;
                assert_eq!(ada.balance().await, "2100");
            }
            let mut ended = own.sub.body(shape);
            ended["status"] = "canceled".into();
            ended["ended_at"] = (secs(&app) + 60).into();
            stand_in.put(ended.clone());
            if is_customer_gone {
                let mut customer = stand_in.all("cus_").pop().unwrap();
                customer["deleted"] = true.into();
                stand_in.put(customer);
            }
            deliver_thrice(&app, "customer.subscription.deleted", &ended).await;
            own.told(&app, &stand_in, "invoice.paid", &own.invoice(1))
                .await;
            assert_eq!(ada.balance().await, balance, "{shape:?} {is_end_first}");
        }
    }
}
