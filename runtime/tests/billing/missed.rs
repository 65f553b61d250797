//! What happened at Stripe while the application was down.

use std::time::Duration;

use quickscale_runtime::billing::upkeep::{sync, verify};
use quickscale_runtime::testing::TestApp;
use serde_json::json;

use crate::delivery::{deliver_thrice, secs, start};
use crate::effects::Subscriber;
use crate::shapes::{Bill, Shape, Sub};
use crate::standin::{Fault, StandIn, Verb};
use crate::support::billing::Shopper;
use crate::support::{column, sign_in, sign_up_admin};

const DAY: u64 = 24 * 60 * 60;

#[tokio::test]
async fn five_renewals_a_refund_and_an_end_are_taken_in_without_any_event() {
    for shape in Shape::BOTH {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        let own = Subscriber::of(&mut ada, &stand_in, shape).await;
        own.told(&app, &stand_in, "invoice.paid", &own.invoice(1))
            .await;
        app.clock.advance(Duration::from_secs(160 * DAY));
        for number in 1..=6 {
            let bill = own.invoice(number);
            stand_in.put(bill.body(shape));
            stand_in.put(json!({
                "id": format!("ch_{number}"), "object": "charge", "payment_intent": bill.intent, "amount": 2900,
                "amount_refunded": if number == 6 { 1450 } else { 0 }, "currency": "eur", "created": bill.created,
            }));
        }
        stand_in.put(json!({
            "id": "re_1", "object": "refund", "charge": "ch_6", "amount": 1450, "status": "succeeded",
            "metadata": {}, "created": secs(&app),
        }));
        // Made long before what is looked at, and over since yesterday.
        let (status, period) = ("canceled".into(), own.period(6));
        let ended = Sub {
            status,
            period,
            ..own.sub.clone()
        };
        stand_in.put(ended.body(shape));
        assert_eq!(ada.balance().await, "100");
        let mut states = Vec::new();
        for _ in 0..2 {
            let since = secs(&app) - 140 * i64::try_from(DAY).unwrap();
            let synced = sync(&app.core, since).await.unwrap();
            assert!(synced.faults.is_empty(), "{synced:?}");
            assert_eq!(ada.balance().await, "1100");
            let mut state = Vec::new();
            for sql in [
                "SELECT object || ' ' || state FROM billing_payments ORDER BY object",
                "SELECT status || ' ' || CAST(period_end AS TEXT) FROM billing_subscriptions",
                "SELECT source || ' ' || CAST(is_over AS TEXT) FROM billing_lots ORDER BY source",
                "SELECT digest FROM credit_entries ORDER BY account_id, seq",
            ] {
                state.push(column(&app, sql).await);
            }
            states.push(state);
        }
        assert_eq!(states[0], states[1]);
        assert_eq!(states[0][0].len(), 6);
        assert_eq!(states[0][0][5], "in_6 partly_refunded");
        assert!(states[0][1][0].starts_with("canceled"));
        let report = verify(&app.core, true).await.unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}

/// Takes in what was made within the last 30 days, and what is not settled here.
async fn synced(app: &TestApp) {
    let since = secs(app) - 30 * i64::try_from(DAY).unwrap();
    let synced = sync(&app.core, since).await.unwrap();
    assert!(synced.faults.is_empty(), "{synced:?}");
}

async fn days_pass(app: &TestApp, stand_in: &StandIn, days: u64) {
    app.clock.advance(Duration::from_secs(days * DAY));
    stand_in.set_clock(secs(app));
}

/// Orders, and payments of packs, with their states.
async fn states(app: &TestApp) -> Vec<String> {
    let orders = "SELECT item || ' ' || state FROM billing_orders ORDER BY item, state";
    let payments = "SELECT kind || ' ' || state FROM billing_payments ORDER BY kind, state";
    [column(app, orders).await, column(app, payments).await].concat()
}

#[tokio::test]
async fn a_transfer_is_followed_to_its_end_without_any_event_however_long_it_takes() {
    for days in [1, 40] {
        for (verb, end, balance, letters) in [
            (Verb::Fail, ["small failed", "pack failed"], "100", 1),
            (Verb::Arrive, ["small paid", "pack paid"], "300", 0),
        ] {
            let (app, stand_in) = start().await;
            let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
            ada.order("small", 1).await;
            stand_in.at_last_page(Verb::PayLater).unwrap();
            synced(&app).await;
            assert_eq!(states(&app).await, ["small pending", "pack pending"]);
            days_pass(&app, &stand_in, days).await;
            synced(&app).await;
            assert_eq!(states(&app).await, ["small pending", "pack pending"]);
            stand_in.at_last_page(verb).unwrap();
            let mails = app.mails().await.len();
            for _ in 0..2 {
                synced(&app).await;
                assert_eq!(states(&app).await, end, "{verb:?} after {days} days");
                assert_eq!(ada.balance().await, balance);
                let told = app.mails().await.split_off(mails);
                let failed = told
                    .iter()
                    .filter(|mail| mail.subject.contains("did not arrive"));
                assert_eq!(failed.count(), letters, "{told:?}");
            }
            let report = verify(&app.core, true).await.unwrap();
            assert!(report.findings.is_empty(), "{:?}", report.findings);
        }
    }
}

#[tokio::test]
async fn pages_of_long_ago_are_closed_whether_anybody_was_sent_to_them_or_not() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    let page = stand_in.last_page();
    ada.order("large", 1).await;
    let gone = stand_in.last_page();
    // The answer is lost: nobody is sent to this one.
    stand_in.fail(&[Fault::AnswerLost; 4]);
    ada.order("team", 1).await;
    let open = ["large open", "small open", "team open"];
    assert_eq!(states(&app).await, open);
    synced(&app).await;
    assert_eq!(states(&app).await, open);
    days_pass(&app, &stand_in, 40).await;
    stand_in
        .at_till(page["id"].as_str().unwrap(), Verb::Expire)
        .unwrap();
    stand_in.forget(gone["id"].as_str().unwrap());
    synced(&app).await;
    let closed = ["large expired", "small expired", "team expired"];
    assert_eq!(states(&app).await, closed);
}

#[tokio::test]
async fn a_plan_whose_first_debit_failed_without_a_word_does_not_block_the_next() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let own = Subscriber::unpaid(&mut ada, &stand_in, Shape::After).await;
    synced(&app).await;
    assert_eq!(states(&app).await, ["team pending"]);
    let ended = Sub {
        status: "incomplete_expired".into(),
        ..own
    };
    stand_in.put(ended.body(Shape::After));
    days_pass(&app, &stand_in, 40).await;
    synced(&app).await;
    assert_eq!(states(&app).await, ["team failed"]);
    ada.browser = sign_in(&app, "ada@example.com").await;
    let page = ada.order("team", 1).await;
    assert!(page.text.contains("/c/pay/cs_"), "{}", page.text);
}

#[tokio::test]
async fn an_invoice_of_long_ago_that_is_owed_here_or_not_known_is_asked_for() {
    for shape in Shape::BOTH {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        let own = Subscriber::of(&mut ada, &stand_in, shape).await;
        // A year is paid for at once: nothing newer tells of it.
        let paid = own.invoice(1);
        let bought = |bill: &Bill| {
            stand_in.put(bill.body(shape));
            let mut sub = own.sub.body(shape);
            sub["current_period_end"] = (own.period(12).1).into();
            sub["latest_invoice"] = bill.id.as_str().into();
            stand_in.put(sub);
            stand_in.put(json!({
                "id": format!("ch_{}", bill.id), "object": "charge", "payment_intent": bill.intent, "amount": 2900,
                "amount_refunded": 0, "currency": "eur", "created": bill.created,
            }));
        };
        let mut long = paid.clone();
        long.lines[0].period.1 = own.period(12).1;
        bought(&long);
        days_pass(&app, &stand_in, 100).await;
        for _ in 0..2 {
            synced(&app).await;
            assert_eq!(ada.balance().await, "2100");
        }
        // The next one fails, which is told, and is paid much later, which is not.
        let failed = Bill {
            id: "in_2".into(),
            is_paid: false,
            intent: None,
            reason: "subscription_update".into(),
            ..long.clone()
        };
        own.told(&app, &stand_in, "invoice.payment_failed", &failed)
            .await;
        days_pass(&app, &stand_in, 60).await;
        let mut late = Bill {
            is_paid: true,
            intent: Some("pi_2".into()),
            ..failed
        };
        late.lines[0].id = "il_2".into();
        bought(&late);
        // Something newer has no failure to tell of.
        let mut sub = own.sub.body(shape);
        sub["latest_invoice"] = "in_1".into();
        stand_in.put(sub);
        for _ in 0..2 {
            synced(&app).await;
            assert_eq!(ada.balance().await, "4100");
        }
    }
}

#[tokio::test]
async fn a_refund_that_was_on_its_way_for_weeks_is_followed_to_its_end() {
    for (status, state, balance) in [("succeeded", "done", "200"), ("failed", "failed", "300")] {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        ada.order("small", 1).await;
        stand_in.at_last_page(Verb::Pay).unwrap();
        synced(&app).await;
        let mut staff = sign_up_admin(&app, "root@example.com").await;
        let id = column(&app, "SELECT id FROM billing_payments").await;
        let fields = [("amount", "2.50"), ("reason", "Asked"), ("key", "k")];
        let path = format!("/admin/payments/{}/refund", id[0]);
        staff.post(&path, &fields).await;
        app.work_jobs().await;
        let told = |status: &str, amount: i64| {
            let mut refund = stand_in.all("re_").pop().unwrap();
            refund["status"] = status.into();
            stand_in.put(refund);
            let mut charge = stand_in.all("ch_").pop().unwrap();
            charge["amount_refunded"] = amount.into();
            stand_in.put(charge);
        };
        told("pending", 250);
        let mut tx = app.core.db().begin().await.unwrap();
        let sql = "UPDATE billing_refunds SET state = 'asked'";
        sqlx::query(sql).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        days_pass(&app, &stand_in, 90).await;
        synced(&app).await;
        let known = "SELECT state FROM billing_refunds";
        assert_eq!(column(&app, known).await, ["asked"]);
        told(status, if status == "failed" { 0 } else { 250 });
        for _ in 0..2 {
            synced(&app).await;
            assert_eq!(column(&app, known).await, [state]);
            assert_eq!(ada.balance().await, balance);
        }
    }
}

/// Rows that are named after the numbers from 10001 to `last`.
async fn crowd(app: &TestApp, last: i64, sql: &str) {
    let numbers = format!(
        "WITH RECURSIVE n(number) AS
            (SELECT 10001 UNION ALL SELECT number + 1 FROM n WHERE number < {last})"
    );
    let sql = sqlx::AssertSqlSafe(format!("{numbers} {sql} FROM n WHERE TRUE"));
    let mut tx = app.core.db().begin().await.unwrap();
    sqlx::query(sql).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn however_much_is_not_settled_all_of_it_is_asked_for() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    let (last_page, last) = (11_050, 10_450);
    crowd(
        &app,
        last_page,
        "INSERT INTO billing_orders (id, customer_id, kind, item, price, quantity, currency, amount, credits, state,
             session, request_key, created_at, changed_at)
         SELECT '0' || CAST(number AS TEXT), (SELECT id FROM billing_customers), 'pack', 'small', 'price_1', 1, 'eur',
             500, 200000, 'open', 'cs_' || CAST(number AS TEXT), CAST(number AS TEXT), 0, 0",
    )
    .await;
    crowd(
        &app,
        last,
        "INSERT INTO billing_payments (id, object, customer_id, kind, subscription, item, description, currency, amount,
             refunded, disputed, state, intent, number, body, created_at, changed_at)
         SELECT '0' || CAST(number AS TEXT), 'in_' || CAST(number AS TEXT), (SELECT id FROM billing_customers),
             'subscription', 'sub_1', 'team', '', 'eur', 2900, 0, 0, 'failed', 'pi_1', '', '{}', 0, 0",
    )
    .await;
    crowd(
        &app,
        last,
        "INSERT INTO billing_refunds (id, payment_id, currency, amount, reason, state, refund, request_key, asked_by,
             error, created_at, changed_at)
         SELECT '0' || CAST(number AS TEXT), '010001', 'eur', 1, '', 'asked', 're_' || CAST(number AS TEXT),
             CAST(number AS TEXT), '', '', 0, 0",
    )
    .await;
    // Of each kind the oldest has ended at Stripe, and all the others wait.
    let mut page = stand_in.last_page();
    for number in 10_001..=last_page {
        let is_oldest = number == 10_001;
        page["id"] = format!("cs_{number}").into();
        page["status"] = if is_oldest { "expired" } else { "open" }.into();
        page["created"] = 1.into();
        stand_in.put(page.clone());
        if number > last {
            continue;
        }
        stand_in.put(json!({
            "id": format!("in_{number}"), "object": "invoice", "customer": page["customer"], "currency": "eur",
            "status": if is_oldest { "void" } else { "open" }, "amount_due": 2900, "amount_paid": 0, "created": 1,
            "attempt_count": 0, "subscription": "sub_1", "lines": {"data": []},
        }));
        let metadata = is_oldest.then(|| json!({"refund": "010001"}));
        stand_in.put(json!({
            "id": format!("re_{number}"), "object": "refund", "created": 1, "metadata": metadata,
            "status": if is_oldest { "succeeded" } else { "pending" },
        }));
    }
    synced(&app).await;
    let ended = "SELECT session FROM billing_orders WHERE state = 'expired'";
    assert_eq!(column(&app, ended).await, ["cs_10001"]);
    let written_off = "SELECT object FROM billing_payments WHERE body LIKE '%void%'";
    assert_eq!(column(&app, written_off).await, ["in_10001"]);
    let done = "SELECT refund FROM billing_refunds WHERE state = 'done'";
    assert_eq!(column(&app, done).await, ["re_10001"]);
}

#[tokio::test]
async fn a_customer_who_was_deleted_after_his_subscription_had_ended_starts_anew() {
    for shape in Shape::BOTH {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        let own = Subscriber::of(&mut ada, &stand_in, shape).await;
        let begun = own.sub.body(shape);
        deliver_thrice(&app, "customer.subscription.created", &begun).await;
        own.told(&app, &stand_in, "invoice.paid", &own.invoice(1))
            .await;
        stand_in.put(json!({
            "id": "ch_1", "object": "charge", "payment_intent": own.invoice(1).intent, "amount": 2900,
            "amount_refunded": 0, "currency": "eur", "created": secs(&app),
        }));
        days_pass(&app, &stand_in, 2).await;
        let mut ended = own.sub.body(shape);
        ended["status"] = "canceled".into();
        ended["ended_at"] = (secs(&app) - 60 * 60).into();
        stand_in.put(ended);
        let customer = own.sub.customer.as_str();
        stand_in.put(json!({"id": customer, "object": "customer", "deleted": true}));
        for _ in 0..2 {
            synced(&app).await;
            let known = "SELECT status FROM billing_subscriptions WHERE ended_at IS NOT NULL";
            assert_eq!(column(&app, known).await, ["canceled"]);
            let name = "SELECT COALESCE(customer, 'none') || ' ' || CAST(version AS TEXT) FROM billing_customers";
            assert_eq!(column(&app, name).await, ["none 1"]);
            // Nobody knows by now whether he was there when it ended: what he has stays until its own end.
            assert_eq!(ada.balance().await, "2100");
        }
        ada.browser = sign_in(&app, "ada@example.com").await;
        stand_in.log();
        let page = ada.order("team", 1).await;
        assert!(page.text.contains("/c/pay/cs_"), "{}", page.text);
        let made = ["POST /v1/customers", "POST /v1/checkout/sessions"];
        assert_eq!(stand_in.log(), made);
        days_pass(&app, &stand_in, 30).await;
        assert_eq!(ada.balance().await, "100");
        let report = verify(&app.core, true).await.unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}
