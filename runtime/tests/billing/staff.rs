//! What the staff sees of money and does with it.

use axum::http::StatusCode;
use quickscale_runtime::testing::{Client, TestApp};

use crate::support::billing::{Shopper, subscribe};
use crate::support::{app, column, confirm, count, sign_up_admin, themed};

async fn payment(app: &TestApp) -> String {
    column(app, "SELECT id FROM billing_payments ORDER BY id")
        .await
        .swap_remove(0)
}

async fn ask(staff: &mut Client, id: &str, amount: &str, key: &str) -> StatusCode {
    let path = format!("/admin/payments/{id}/refund");
    let fields = [("amount", amount), ("reason", "Asked for it"), ("key", key)];
    staff.post(&path, &fields).await.status
}

#[tokio::test]
async fn a_refund_is_made_once_and_never_above_what_is_left() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.buy("small").await;
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    let id = payment(&app).await;
    let page = staff
        .get(&format!("/admin/payments/{id}/refund?amount=2.00"))
        .await;
    assert!(
        page.text.contains("2.00 EUR takes 80 credits back"),
        "{}",
        page.text
    );
    for _ in 0..2 {
        assert_eq!(
            ask(&mut staff, &id, "2.00", "a-key").await,
            StatusCode::SEE_OTHER
        );
    }
    // Before the first is settled, its money is spoken for.
    assert_eq!(
        ask(&mut staff, &id, "3.01", "b-key").await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    app.work_jobs().await;
    assert_eq!(ada.balance().await, "220");
    assert_eq!(
        ask(&mut staff, &id, "3.01", "c-key").await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        ask(&mut staff, &id, "0", "d-key").await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        ask(&mut staff, &id, "3.00", "e-key").await,
        StatusCode::SEE_OTHER
    );
    app.work_jobs().await;
    assert_eq!(ada.balance().await, "100");
    assert_eq!(count(&app, "billing_refunds").await, 2);
    assert_eq!(
        column(&app, "SELECT state FROM billing_payments").await,
        ["refunded"]
    );
    let states = column(&app, "SELECT DISTINCT state FROM billing_refunds").await;
    assert_eq!(states, ["done"]);
    let acts = column(
        &app,
        "SELECT action FROM audit_entries WHERE action = 'payment.refunded'",
    )
    .await;
    assert_eq!(acts.len(), 2);
    let page = staff.get(&format!("/admin/payments/{id}")).await;
    assert!(
        page.text.contains("Asked for it") && page.text.contains("5.00 EUR"),
        "{}",
        page.text
    );
    let page = staff.get(&format!("/admin/payments/{id}/refund")).await;
    assert!(
        page.text.contains("Nothing of it can be given back")
            && !page.text.contains("<form method=\"get\""),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn a_password_that_was_given_long_ago_gives_no_money_back() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.buy("small").await;
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    let id = payment(&app).await;
    app.clock.advance(std::time::Duration::from_secs(11 * 60));
    ask(&mut staff, &id, "2.00", "a-key").await;
    assert_eq!(count(&app, "billing_refunds").await, 0);
    // Nor does it show who paid what.
    for page in [
        "payments",
        "subscriptions",
        "revenue",
        "revenue.csv",
        "events",
    ] {
        let answer = staff.get(&format!("/admin/{page}")).await;
        let asks = format!("/accounts/confirm?next=%2Fadmin%2F{page}");
        assert_eq!(answer.location(), asks, "{}", answer.text);
    }
    confirm(&mut staff).await;
    let page = staff.get("/admin/payments").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        ask(&mut ada.browser, &id, "2.00", "a-key").await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(count(&app, "billing_refunds").await, 0);
}

#[tokio::test]
async fn payments_are_found_by_what_is_known_of_them() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.buy("small").await;
    let mut bob = Shopper::sign_up(&app, "bob_b@example.com").await;
    subscribe(&mut bob, "team", 1).await;
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    let session = column(
        &app,
        "SELECT object FROM billing_payments WHERE kind = 'pack'",
    )
    .await
    .swap_remove(0);
    let by_object = format!("q={session}");
    for (query, finds_ada, finds_bob) in [
        ("", true, true),
        ("q=ada", true, false),
        ("q=bob_b", false, true),
        ("q=b%25b", false, false),
        (&*by_object, true, false),
        ("kind=subscription", false, true),
        ("state=refunded", false, false),
        ("state=paid", true, true),
        ("least=5.01", false, true),
        ("most=5", true, false),
        ("least=5.01&currency=usd", false, false),
        ("most=5&currency=eur", true, false),
        ("from=2026-01-01&until=2026-01-01", true, true),
        ("from=2026-01-02", false, false),
    ] {
        let page = staff.get(&format!("/admin/payments?{query}")).await;
        let found = |email: &str| page.text.contains(&format!("<td>{email}</td>"));
        assert_eq!(
            (found("ada@example.com"), found("bob_b@example.com")),
            (finds_ada, finds_bob),
            "{query}"
        );
    }
    let page = staff.get("/admin/payments?from=yesterday").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn subscriptions_are_ended_with_a_reason_and_figures_follow() {
    let app = themed(app()).start().await;
    let mut bob = Shopper::sign_up(&app, "bob@example.com").await;
    subscribe(&mut bob, "team", 2).await;
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    let page = staff.get("/admin/revenue").await;
    assert!(page.text.contains("58.00 EUR</dd>"), "{}", page.text);
    let csv = staff.get("/admin/revenue.csv").await;
    assert!(
        csv.text.ends_with("2026-01,EUR,58.00,0.00,58.00\r\n"),
        "{}",
        csv.text
    );
    let id = bob.object("sub_").await;
    let path = format!("/admin/subscriptions/{id}/cancel");
    let answer = staff
        .post(&path, &[("reason", "Abuse"), ("when", "now"), ("key", "k")])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let page = staff.get("/admin/subscriptions").await;
    assert!(
        page.text.contains("Ended") && page.text.contains("bob@example.com"),
        "{}",
        page.text
    );
    let page = staff.get("/admin/revenue").await;
    assert!(!page.text.contains("58.00 EUR</dd>"), "{}", page.text);
    let acts = column(
        &app,
        "SELECT action FROM audit_entries WHERE action LIKE 'subscription%'",
    )
    .await;
    assert_eq!(acts, ["subscription.cancelled"]);
    for (of, expected) in [
        ("recurring", "month,currency,recurring\r\n"),
        ("subscriptions", "2026-01,0,0,0,0,\r\n"),
    ] {
        let csv = staff.get(&format!("/admin/revenue.csv?of={of}")).await;
        assert!(csv.text.ends_with(expected), "{}", csv.text);
    }
    let exports = column(
        &app,
        "SELECT target_id FROM audit_entries WHERE action = 'revenue.exported'",
    )
    .await;
    assert_eq!(exports, ["revenue", "recurring", "subscriptions"]);
}

#[tokio::test]
async fn subscriptions_are_found_and_changed_by_staff_with_a_reason() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 2).await;
    let mut bob = Shopper::sign_up(&app, "bob@example.com").await;
    subscribe(&mut bob, "starter", 1).await;
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    for (query, finds_ada, finds_bob) in [
        ("", true, true),
        ("?q=ADA", true, false),
        ("?status=trialing", false, true),
        ("?status=canceled", false, false),
        ("?q=sub_", true, true),
    ] {
        let page = staff.get(&format!("/admin/subscriptions{query}")).await;
        let found = |email: &str| page.text.contains(&format!("<td>{email}</td>"));
        assert_eq!(
            (found("ada@example.com"), found("bob@example.com")),
            (finds_ada, finds_bob),
            "{query}"
        );
    }
    let ids = column(
        &app,
        "SELECT subscription FROM billing_subscriptions WHERE quantity = 2",
    )
    .await;
    let path = format!("/admin/subscriptions/{}", ids[0]);
    let fields = [
        ("item", "team"),
        ("quantity", "3"),
        ("reason", "A favour"),
        ("key", "k"),
    ];
    for _ in 0..2 {
        let answer = staff.post(&format!("{path}/change"), &fields).await;
        assert_eq!(answer.location(), path, "{}", answer.text);
    }
    app.work_jobs().await;
    assert_eq!(ada.balance().await, "6100");
    let page = staff.get(&path).await;
    for part in [
        "3 seats",
        "A favour",
        "Other terms at once",
        "Team: change of plan",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    // The same plan again, without a reason, and by somebody else.
    let again = [
        ("item", "team"),
        ("quantity", "3"),
        ("reason", "A favour"),
        ("key", "l"),
    ];
    let answer = staff.post(&format!("{path}/change"), &again).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let without = [
        ("item", "team"),
        ("quantity", "4"),
        ("reason", " "),
        ("key", "m"),
    ];
    let answer = staff.post(&format!("{path}/change"), &without).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = bob.browser.post(&format!("{path}/change"), &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(count(&app, "billing_changes").await, 1);
}

#[tokio::test]
async fn a_payment_is_found_by_the_names_of_what_went_back() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.buy("small").await;
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    let payment = column(&app, "SELECT id FROM billing_payments").await;
    let fields = [("amount", "1.00"), ("reason", "Asked"), ("key", "k")];
    let path = format!("/admin/payments/{}/refund", payment[0]);
    staff.post(&path, &fields).await;
    app.work_jobs().await;
    let charge = ada.object("ch_").await;
    ada.sandbox("dispute", &charge).await;
    let (refund, dispute) = (ada.object("re_").await, ada.object("dp_").await);
    for (name, is_found) in [
        (charge.as_str(), true),
        (&refund, true),
        (&dispute, true),
        ("ch_of_nobody", false),
    ] {
        let page = staff.get(&format!("/admin/payments?q={name}")).await;
        let found = page.text.contains("<td>ada@example.com</td>");
        assert_eq!(found, is_found, "{name}");
    }
}
