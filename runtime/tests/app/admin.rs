//! The staff's area from outside.

use crate::support::{PASSWORD, app, column, count, sign_up, sign_up_admin, themed};
use axum::http::StatusCode;
use quickscale_runtime::testing::TestApp;

async fn id_of(app: &TestApp, email: &str) -> String {
    let rows = column(app, "SELECT email || ' ' || id FROM users").await;
    let mut rows = rows.iter().filter_map(|row| row.split_once(' '));
    rows.find(|(address, _)| *address == email)
        .unwrap()
        .1
        .to_owned()
}

#[tokio::test]
async fn staff_see_how_the_application_does() {
    let app = themed(app()).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    sign_up(&app, "ada@example.com").await;
    let message = [
        ("name", "Ada"),
        ("email", "ada@example.com"),
        ("message", "Hello"),
    ];
    app.client().post("/contact", &message).await;
    let page = root.get("/admin").await.text;
    let counts: Vec<_> = page
        .split("<dd class=\"stat\">")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap())
        .collect();
    assert_eq!(counts, ["2", "2", "2", "1", "1"]);
    for path in ["/admin", "/admin/users", "/admin/messages"] {
        assert!(page.contains(&format!("href=\"{path}\"")), "{path}: {page}");
    }
}

#[tokio::test]
async fn staff_find_users_and_page_through_them() {
    let app = themed(app()).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let mut tx = app.core.db().begin().await.unwrap();
    for at in 0..120 {
        let id = quickscale_runtime::ids::new_id(app.core.now());
        sqlx::query(
            "INSERT INTO users (id, email, email_key, name, password_hash, role, is_active, created_at)
             VALUES ($1, $2, $2, '', '', 'user', 1, 0)",
        )
        .bind(id)
        .bind(format!("user{at}@example.com"))
        .execute(tx.conn())
        .await
        .unwrap();
        app.clock.advance(std::time::Duration::from_millis(2));
    }
    tx.commit().await.unwrap();
    let mut seen = Vec::new();
    let mut path = "/admin/users?q=user".to_owned();
    loop {
        let page = root.get(&path).await.text;
        let rows = page.split("<th scope=\"row\">").skip(1);
        seen.extend(
            rows.filter_map(|row| row.split('>').nth(1)?.split('<').next().map(str::to_owned)),
        );
        let Some((before, _)) = page.split_once("\" rel=\"next\"") else {
            break;
        };
        path = before.rsplit('"').next().unwrap().replace("&amp;", "&");
    }
    let expected: Vec<_> = (0..120)
        .rev()
        .map(|at| format!("user{at}@example.com"))
        .collect();
    assert_eq!(seen, expected);
    let nobody = root.get("/admin/users?q=%3Cscript%3E").await;
    assert!(
        nobody.text.contains("Nobody’s address contains"),
        "{}",
        nobody.text
    );
    assert!(!nobody.text.contains("<script>"));
}

#[tokio::test]
async fn whoever_is_deactivated_is_signed_out_at_once_and_stays_out() {
    let app = themed(app()).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let id = id_of(&app, "ada@example.com").await;
    let path = format!("/admin/users/{id}/activation");
    let question = root.get(&path).await;
    assert!(
        question.text.contains("Deactivate ada@example.com?"),
        "{}",
        question.text
    );
    assert_eq!(question.input("active"), Some("false"));

    let done = root.post(&path, &[("active", "false")]).await;
    assert_eq!(done.location(), format!("/admin/users/{id}"));
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::SEE_OTHER);
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let refused = app.client().post("/accounts/login", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("has been deactivated"),
        "{}",
        refused.text
    );
    let wrong = [
        ("email", "ada@example.com"),
        ("password", "not the password"),
    ];
    let unsaid = app.client().post("/accounts/login", &wrong).await;
    assert!(!unsaid.text.contains("has been deactivated"));

    app.clock.advance(std::time::Duration::from_secs(1));
    root.post(&path, &[("active", "true")]).await;
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::SEE_OTHER);
    let back = app.client().post("/accounts/login", &fields).await;
    assert_eq!(back.location(), "/dashboard");

    let page = root.get(&format!("/admin/users/{id}")).await.text;
    let recorded = |action: &str| page.find(&format!("<td>{action}</td>")).unwrap();
    assert!(
        recorded("user activated") < recorded("user deactivated"),
        "{page}"
    );
    assert!(page.contains("<td>root@example.com</td>"), "{page}");
}

#[tokio::test]
async fn what_changes_nothing_is_not_recorded() {
    let app = themed(app()).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    sign_up(&app, "ada@example.com").await;
    let before = count(&app, "audit_entries").await;
    let path = format!(
        "/admin/users/{}/activation",
        id_of(&app, "ada@example.com").await
    );
    root.post(&path, &[("active", "true")]).await;
    assert_eq!(count(&app, "audit_entries").await, before);
}

#[tokio::test]
async fn nobody_deactivates_the_own_account() {
    let app = themed(app()).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let id = id_of(&app, "root@example.com").await;
    let page = root.get(&format!("/admin/users/{id}")).await;
    assert!(
        page.text.contains("This is your own account."),
        "{}",
        page.text
    );
    assert!(!page.text.contains("/activation"));
    let path = format!("/admin/users/{id}/activation");
    let refused = root.post(&path, &[("active", "false")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("cannot do this to your own account"));
    assert_eq!(root.get("/admin").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_address_that_names_nobody_is_not_found() {
    let app = themed(app()).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    for id in [
        "019a0000-0000-7000-8000-000000000000",
        "1",
        "%00",
        "%ff",
        "..",
        "x'--",
    ] {
        for path in [
            format!("/admin/users/{id}"),
            format!("/admin/users/{id}/activation"),
        ] {
            let status = root.get(&path).await.status;
            assert!(status.is_client_error(), "{path}: {status}");
            let status = root.post(&path, &[("active", "false")]).await.status;
            assert!(status.is_client_error(), "{path}: {status}");
        }
    }
}

#[tokio::test]
async fn staff_read_what_visitors_wrote_newest_first() {
    let app = themed(app()).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    assert!(
        root.get("/admin/messages")
            .await
            .text
            .contains("Nobody has written yet.")
    );
    for at in 0..30 {
        let message = format!("number {at}\n<b>bold</b>");
        let fields = [
            ("name", "Ada"),
            ("email", "ada@example.com"),
            ("message", &*message),
        ];
        let answer = app.client().post("/contact", &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        app.clock.advance(std::time::Duration::from_millis(2));
    }
    let first = root.get("/admin/messages").await.text;
    assert!(
        first.contains("number 29<") && first.contains("number 5<"),
        "{first}"
    );
    assert!(
        !first.contains("number 4<") && !first.contains("<b>bold"),
        "{first}"
    );
    let (before, _) = first.split_once("\" rel=\"next\"").unwrap();
    let second = root.get(before.rsplit('"').next().unwrap()).await.text;
    assert!(
        second.contains("number 4<") && second.contains("number 0<"),
        "{second}"
    );
    assert!(!second.contains("rel=\"next\""), "{second}");
}

#[tokio::test]
async fn staff_read_what_failed_for_good_and_have_it_tried_again() {
    let app = themed(app()).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let mut tx = app.core.db().begin().await.unwrap();
    let sql = "INSERT INTO jobs (id, name, payload, state, due_at, attempts, created_at, changed_at, last_error)
        VALUES ($1, 'mail.send', '{}', 'dead', 0, 15, 0, 0, 'the server is away')";
    let id = quickscale_runtime::ids::new_id(app.core.now());
    sqlx::query(sql).bind(&id).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
    let page = root.get("/admin/jobs").await;
    assert!(page.text.contains("the server is away"), "{}", page.text);
    let path = format!("/admin/jobs/{id}/replay");
    assert_eq!(root.post(&path, &[]).await.location(), "/admin/jobs");
    let state = "SELECT state FROM jobs WHERE last_error = 'the server is away'";
    assert_eq!(column(&app, state).await, ["open"]);
    let record = column(
        &app,
        "SELECT action FROM audit_entries WHERE target_kind = 'job'",
    )
    .await;
    assert_eq!(record, ["job.replayed"]);
    assert_eq!(root.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
}
