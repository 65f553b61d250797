//! The record of what the staff did: what is in it, that nobody can change it, and that what was refused is in it too.

use crate::support;
use crate::support::{PASSWORD, app, column, sign_in, sign_up, sign_up_admin, themed};
use axum::http::StatusCode;
use quickscale_runtime::auth::audit::{Actor, AuditEntry};
use quickscale_runtime::error::{Error, Result};
use quickscale_runtime::http::FRESH;
use quickscale_runtime::in_transaction;
use quickscale_runtime::testing::{Client, TestApp};
use serde_json::json;
use sqlx::AssertSqlSafe;

async fn id_of(app: &TestApp, email: &str) -> String {
    let rows = column(app, "SELECT email || ' ' || id FROM users").await;
    let mut rows = rows.iter().filter_map(|row| row.split_once(' '));
    let (_, id) = rows.find(|(known, _)| *known == email).unwrap();
    id.to_owned()
}

/// What people did, sorted, since acts of one instant have no order.
async fn record(app: &TestApp) -> Vec<String> {
    let sql = "SELECT action || ' ' || target_kind || ' ' || COALESCE(before_state, '-') || ' '
             || COALESCE(after_state, '-') || ' ' || details
         FROM audit_entries WHERE actor_id IS NOT NULL";
    let mut record = column(app, sql).await;
    record.sort();
    record
}

#[tokio::test]
async fn an_act_is_recorded_with_who_what_whom_from_where_before_and_after() {
    let app = themed(app()).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    root = root.at([192, 0, 2, 7].into());
    sign_up(&app, "ada@example.com").await;
    let ada = id_of(&app, "ada@example.com").await;
    let path = format!("/admin/users/{ada}/role");
    let done = root.post(&path, &[("role", "support")]).await;
    assert_eq!(
        done.location(),
        format!("/admin/users/{ada}"),
        "{}",
        done.text
    );
    let path = format!("/admin/users/{ada}/activation");
    root.post(&path, &[("active", "false")]).await;
    assert_eq!(
        record(&app).await,
        [
            r#"user.deactivated user {"active":true} {"active":false} {}"#,
            r#"user.role_set user {"role":"user"} {"role":"support"} {}"#,
        ]
    );
    let page = root.get("/admin/audit").await.text;
    for part in [
        "root@example.com</a>",
        "192.0.2.7",
        "user role set",
        ">ada@example.com</a>",
        "role: user → support",
        "active: true → false",
        "Command line",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let by_root = page.split("href=\"/admin/audit?actor=").nth(1).unwrap();
    let by_root = by_root.split('"').next().unwrap();
    let narrowed = root
        .get(&format!("/admin/audit?actor={by_root}"))
        .await
        .text;
    assert!(narrowed.contains("user role set"), "{narrowed}");
    assert!(!narrowed.contains("Command line"), "{narrowed}");
    let about = format!(
        "/admin/audit?kind=user&target={}",
        id_of(&app, "root@example.com").await
    );
    let narrowed = root.get(&about).await.text;
    assert!(narrowed.contains("Command line"), "{narrowed}");
    assert!(!narrowed.contains("ada@example.com"), "{narrowed}");
}

#[tokio::test]
async fn the_same_role_again_leaves_no_record() {
    let app = themed(app()).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    sign_up(&app, "ada@example.com").await;
    let path = format!("/admin/users/{}/role", id_of(&app, "ada@example.com").await);
    root.post(&path, &[("role", "user")]).await;
    assert_eq!(record(&app).await, [""; 0]);
    let unknown = root.post(&path, &[("role", "king")]).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// Somebody whom the administrator has made `role`.
async fn member(app: &TestApp, root: &mut Client, role: &str) -> Client {
    let email = format!("{role}@example.com");
    let client = sign_up(app, &email).await;
    let path = format!("/admin/users/{}/role", id_of(app, &email).await);
    root.post(&path, &[("role", role)]).await;
    client
}

#[tokio::test]
async fn what_the_staff_is_refused_is_recorded_and_what_users_try_is_not() {
    let app = themed(app()).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let mut support = member(&app, &mut root, "support").await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    assert_eq!(ada.get("/admin/audit").await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        support.get("/admin/audit").await.status,
        StatusCode::FORBIDDEN
    );
    // Nobody of the staff but an administrator locks the staff out, and nobody himself.
    let root_id = id_of(&app, "root@example.com").await;
    let path = format!("/admin/users/{root_id}/activation");
    let refused = support.post(&path, &[("active", "false")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let refused = root.post(&path, &[("active", "false")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let path = format!("/admin/users/{root_id}/role");
    assert_eq!(
        root.post(&path, &[("role", "user")]).await.status,
        StatusCode::FORBIDDEN
    );
    let path = format!("/admin/users/{root_id}/credits");
    let key = "k".repeat(32);
    let fields = [("amount", "5"), ("reason", "for me"), ("key", &*key)];
    assert_eq!(
        root.post(&path, &fields).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        record(&app).await[..5],
        [
            r#"access.refused page - - {"act":"view_audit"}"#,
            r#"access.refused user - - {"act":"credits.adjusted"}"#,
            r#"access.refused user - - {"act":"user.deactivated"}"#,
            r#"access.refused user - - {"act":"user.deactivated"}"#,
            r#"access.refused user - - {"act":"user.role_set"}"#,
        ]
    );
    assert_eq!(root.get("/admin").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_database_takes_no_change_of_the_record() {
    let app = themed(app()).start().await;
    sign_up_admin(&app, "root@example.com").await;
    let on_sqlite = app.database_url().starts_with("sqlite");
    let mut attempts = vec![
        "UPDATE audit_entries SET action = 'x'",
        "DELETE FROM audit_entries",
    ];
    attempts.push(match on_sqlite {
        true => {
            "INSERT OR REPLACE INTO audit_entries (id, created_at, address, action, target_kind, target_id, details)
             SELECT id, 0, '', 'x', '', '', '{}' FROM audit_entries"
        }
        false => "TRUNCATE audit_entries",
    });
    for sql in attempts {
        let mut tx = app.core.db().begin().await.unwrap();
        let done = sqlx::query(AssertSqlSafe(sql)).execute(tx.conn()).await;
        assert!(
            done.unwrap_err().to_string().contains("append-only"),
            "{sql}"
        );
    }
    assert_eq!(
        column(&app, "SELECT action FROM audit_entries").await,
        ["user.role_set"]
    );
}

async fn record_and_fail(app: &TestApp) -> Result<()> {
    in_transaction!(app.core.db(), tx => {
        let entry = AuditEntry::new(&Actor::CommandLine, "thing.done", ("thing", "1"))
            .details(json!({ "why": "a test" }));
        entry.record(tx, app.core.now()).await?;
        Err(Error::not_found())
    })
}

#[tokio::test]
async fn what_is_undone_was_never_recorded() {
    let app = themed(app()).start().await;
    record_and_fail(&app).await.unwrap_err();
    assert_eq!(support::count(&app, "audit_entries").await, 0);
}

#[tokio::test]
async fn the_password_opens_what_matters_for_ten_minutes_and_renews_the_session() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    assert_eq!(ada.get("/accounts/email").await.status, StatusCode::OK);
    app.clock.advance(FRESH);
    let asked = ada.get("/accounts/email").await;
    assert_eq!(
        asked.location(),
        "/accounts/confirm?next=%2Faccounts%2Femail"
    );
    let mut thief = ada.clone();
    let next = ("next", "/accounts/email");
    let wrong = ada
        .post(
            "/accounts/confirm",
            &[("password", "not my password"), next],
        )
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = ada
        .post("/accounts/confirm", &[("password", PASSWORD), next])
        .await;
    assert_eq!(right.location(), "/accounts/email");
    assert_eq!(ada.get("/accounts/email").await.status, StatusCode::OK);
    // The token from before opens nothing any more.
    assert!(
        thief
            .get("/dashboard")
            .await
            .location()
            .starts_with("/accounts/login")
    );
    assert_eq!(support::count(&app, "sessions").await, 1);
    app.clock.advance(FRESH);
    assert_ne!(ada.get("/accounts/email").await.status, StatusCode::OK);
}

#[tokio::test]
async fn wrong_passwords_are_counted_where_they_are_asked_for_again_too() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    for _ in 0..5 {
        let wrong = ada
            .post("/accounts/confirm", &[("password", "not my password")])
            .await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let refused = ada
        .post("/accounts/confirm", &[("password", PASSWORD)])
        .await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    app.clock.advance(std::time::Duration::from_secs(5 * 60));
    let right = ada
        .post("/accounts/confirm", &[("password", PASSWORD)])
        .await;
    assert_eq!(right.location(), "/dashboard");
    sign_in(&app, "ada@example.com").await;
}

#[tokio::test]
async fn a_form_that_came_too_late_leads_back_to_its_page() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    app.clock.advance(FRESH);
    let token = ada.get("/about").await.input("csrf").unwrap().to_owned();
    for (referer, next) in [
        (
            "http://app.test/accounts/email?a=1",
            "%2Faccounts%2Femail%3Fa%3D1",
        ),
        ("https://evil.example/accounts/email", ""),
        ("http://app.test.evil.example/", "%2F"),
    ] {
        let request = axum::http::Request::post("/accounts/email")
            .header("referer", referer)
            .header("content-type", "application/x-www-form-urlencoded");
        let body = format!("csrf={token}&email=new%40example.com");
        let answer = ada.send(request, body.into()).await;
        assert_eq!(
            answer.location(),
            format!("/accounts/confirm?next={next}"),
            "{referer}"
        );
    }
    assert_eq!(
        support::count(&app, "mailed_tokens").await,
        1,
        "the one of the sign-up"
    );
}

#[tokio::test]
async fn what_somebody_changes_of_his_own_ways_in_is_recorded() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    ada = ada.at([192, 0, 2, 7].into());
    let fields = [
        ("current_password", PASSWORD),
        ("password", "an entirely new one"),
    ];
    ada.post("/accounts/password/change", &fields).await;
    let keys = ada.get("/accounts/api-keys").await;
    let fields = [
        ("name", "My program"),
        ("expiry", "never"),
        ("scope_credits_read", "true"),
        ("form_key", keys.input("form_key").unwrap()),
    ];
    let made = ada.post("/accounts/api-keys", &fields).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let key = column(&app, "SELECT id FROM api_keys").await.remove(0);
    let revoke = format!("/accounts/api-keys/{key}/revoke");
    ada.post(&revoke, &[]).await;
    ada.post("/accounts/email", &[("email", "countess@example.com")])
        .await;
    let mails = app.mails().await;
    let mut links = mails
        .iter()
        .filter(|mail| mail.to == "countess@example.com")
        .filter_map(|mail| mail.link("/accounts/verify/"));
    ada.post(links.next().unwrap(), &[]).await;
    let fields = [("email", "countess@example.com")];
    app.client().post("/accounts/password/reset", &fields).await;
    let mails = app.mails().await;
    let mut links = mails
        .iter()
        .filter_map(|mail| mail.link("/accounts/password/reset/"));
    let fields = [("password", "another new one")];
    app.client().post(links.next().unwrap(), &fields).await;
    let own = "SELECT action || ' ' || address FROM audit_entries WHERE actor_id = target_id
         ORDER BY action";
    assert_eq!(
        column(&app, own).await,
        [
            "api_key.made 192.0.2.7",
            "api_key.revoked 192.0.2.7",
            "user.email_changed 192.0.2.7",
            "user.password_changed 192.0.2.7",
            "user.password_reset ",
        ]
    );
    let details = "SELECT details FROM audit_entries";
    for text in column(&app, details).await {
        assert!(!text.contains("example.com"), "{text}");
    }
}
