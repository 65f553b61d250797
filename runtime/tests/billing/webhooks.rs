//! The door for the provider: what is believed, stored, worked off and tried again.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use quickscale_runtime::jobs::actions;
use quickscale_runtime::testing::{Answer, TestApp};
use serde_json::{Value, json};

use crate::standin::sign;
use crate::support::{app, column, count, run, sign_up_admin, themed};

const SECRET: &str = "whsec_first";
const OTHER: &str = "whsec_second";

async fn start() -> TestApp {
    themed(app())
        .env("STRIPE_WEBHOOK_SECRET", "whsec_first, whsec_second")
        .start()
        .await
}

fn secs(app: &TestApp) -> i64 {
    app.clock.now().as_micros() / 1_000_000
}

async fn send(app: &TestApp, body: Vec<u8>, signature: Option<&str>) -> Answer {
    let mut request = Request::post("/webhooks/stripe");
    if let Some(signature) = signature {
        request = request.header("stripe-signature", signature);
    }
    app.client().send(request, Body::from(body)).await
}

fn event(id: &str) -> Value {
    json!({
        "id": id, "object": "event", "type": "payment_link.created", "created": 1_767_225_600,
        "data": {"object": {"id": "plink_1"}},
    })
}

#[tokio::test]
async fn what_is_signed_is_stored_once_and_what_is_not_leaves_nothing() {
    let app = start().await;
    let body = event("evt_1").to_string().into_bytes();
    let now = secs(&app);
    for (signature, body) in [
        (None, body.clone()),
        (Some("t=1,v1=00".to_owned()), body.clone()),
        (Some(sign("whsec_other", &body, now)), body.clone()),
        (Some(sign(SECRET, &body, now - 301)), body.clone()),
        (Some(sign(SECRET, b"not JSON", now)), b"not JSON".to_vec()),
        (Some(sign(SECRET, b"{}", now)), b"{}".to_vec()),
    ] {
        let answer = send(&app, body, signature.as_deref()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{signature:?}");
    }
    assert_eq!(count(&app, "billing_events").await, 0);
    for secret in [SECRET, OTHER, SECRET] {
        let answer = send(&app, body.clone(), Some(&sign(secret, &body, now))).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(count(&app, "billing_events").await, 1);
    app.work_jobs().await;
    assert_eq!(
        column(&app, "SELECT state FROM billing_events").await,
        ["ignored"]
    );
}

#[tokio::test]
async fn more_than_a_mebibyte_is_not_read() {
    let app = start().await;
    let mut large = event("evt_1");
    large["padding"] = "x".repeat(1024 * 1024).into();
    let body = large.to_string().into_bytes();
    let signature = sign(SECRET, &body, secs(&app));
    let answer = send(&app, body, Some(&signature)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(count(&app, "billing_events").await, 0);
}

#[tokio::test]
async fn a_whole_mebibyte_is_read() {
    let app = start().await;
    let mut large = event("evt_1");
    large["padding"] = "".into();
    let missing = 1024 * 1024 - large.to_string().len();
    large["padding"] = "x".repeat(missing).into();
    let body = large.to_string().into_bytes();
    let signature = sign(SECRET, &body, secs(&app));
    let answer = send(&app, body, Some(&signature)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(count(&app, "billing_events").await, 1);
}

#[tokio::test]
async fn what_could_not_be_stored_is_asked_for_again() {
    let app = start().await;
    let body = event("evt_1").to_string().into_bytes();
    let signature = sign(SECRET, &body, secs(&app));
    for (sql, status) in [
        (
            "ALTER TABLE billing_events RENAME TO away",
            StatusCode::INTERNAL_SERVER_ERROR,
        ),
        ("ALTER TABLE away RENAME TO billing_events", StatusCode::OK),
    ] {
        let mut tx = app.core.db().begin().await.unwrap();
        sqlx::query(sql).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        let answer = send(&app, body.clone(), Some(&signature)).await;
        assert_eq!(answer.status, status);
    }
    assert_eq!(count(&app, "billing_events").await, 1);
}

#[tokio::test]
async fn after_the_fifteenth_attempt_an_event_is_a_dead_letter_that_can_be_replayed() {
    let app = start().await;
    let mut broken = event("evt_1");
    broken["type"] = "invoice.paid".into();
    let body = broken.to_string().into_bytes();
    let signature = sign(SECRET, &body, secs(&app));
    send(&app, body, Some(&signature)).await;
    let known = "SELECT state || ' ' || CAST(attempts AS TEXT) FROM billing_events";
    for attempt in 1..=15 {
        let dead = actions::dead_jobs(&app.core, None, 10).await.unwrap();
        assert!(dead.is_empty(), "{attempt}: {dead:?}");
        assert_eq!(app.work_jobs().await.failed, 1, "{attempt}");
        assert_eq!(column(&app, known).await, [format!("failed {attempt}")]);
        app.clock
            .advance(std::time::Duration::from_secs(24 * 60 * 60));
    }
    let dead = actions::dead_jobs(&app.core, None, 10).await.unwrap();
    assert_eq!((&*dead[0].name, dead[0].attempts), ("billing.event", 15));
    assert_eq!(app.work_jobs().await.failed, 0);
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    let page = staff.get("/admin/events?state=failed").await;
    assert!(page.text.contains("evt_1"), "{}", page.text);
    let id = column(&app, "SELECT id FROM billing_events").await;
    let path = format!("/admin/events/{}/replay", id[0]);
    staff.post(&path, &[]).await;
    assert_eq!(app.work_jobs().await.failed, 1);
    assert_eq!(column(&app, known).await, ["failed 16"]);
}

#[tokio::test]
async fn an_event_that_fails_is_told_and_tried_again() {
    let app = start().await;
    let mut broken = event("evt_1");
    broken["type"] = "invoice.paid".into();
    let body = broken.to_string().into_bytes();
    let signature = sign(SECRET, &body, secs(&app));
    assert_eq!(
        send(&app, body, Some(&signature)).await.status,
        StatusCode::OK
    );
    assert_eq!(app.work_jobs().await.failed, 1);
    let error = column(
        &app,
        "SELECT error FROM billing_events WHERE state = 'failed'",
    )
    .await;
    assert!(error[0].contains("currency"), "{error:?}");
    app.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(app.work_jobs().await.failed, 1);
    // Once what it lacked is there, a person has it worked off.
    let mut tx = app.core.db().begin().await.unwrap();
    let mended = broken
        .to_string()
        .replace("invoice.paid", "payment_link.created");
    let sql = "UPDATE billing_events SET body = $1";
    sqlx::query(sql)
        .bind(mended)
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    let page = staff.get("/admin/events?state=failed").await;
    assert!(page.text.contains("evt_1"), "{}", page.text);
    assert!(page.text.contains("currency"), "{}", page.text);
    let id = column(&app, "SELECT id FROM billing_events").await;
    let path = format!("/admin/events/{}/replay", id[0]);
    let answer = staff.post(&path, &[]).await;
    assert_eq!(answer.location(), "/admin/events?state=failed");
    app.work_jobs().await;
    assert_eq!(
        column(&app, "SELECT state FROM billing_events").await,
        ["ignored"]
    );
    let page = staff.get("/admin/events?state=failed").await;
    assert!(!page.text.contains("evt_1"), "{}", page.text);
    // What is done already is left alone.
    run(&app, "webhooks", &["replay", "evt_1"]).await.unwrap();
    run(&app, "webhooks", &["replay", "evt_2"])
        .await
        .unwrap_err();
    let mut tx = app.core.db().begin().await.unwrap();
    let sql = "UPDATE billing_events SET state = 'failed'";
    sqlx::query(sql).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
    run(&app, "webhooks", &["replay", "evt_1"]).await.unwrap();
    let replays = "SELECT CASE WHEN actor_id IS NULL THEN 'command line' ELSE 'staff' END
         FROM audit_entries WHERE action = 'event.replayed' ORDER BY id";
    assert_eq!(column(&app, replays).await, ["staff", "command line"]);
}
