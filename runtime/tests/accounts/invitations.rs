//! Signing up where only whoever is invited may.

use std::time::Duration;

use crate::support::{PASSWORD, app_with, column, count, run, sign_in, themed};
use axum::http::StatusCode;
use quickscale_runtime::auth::Registration;
use quickscale_runtime::testing::{Answer, Client, TestApp};

const ADA: &str = "Ada@example.com";
const LIST: &str = "/admin/invitations";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn start() -> (TestApp, Client) {
    let app = themed(app_with(Registration::Invitation)).start().await;
    let root = staff(&app, "root@example.com").await;
    (app, root)
}

async fn staff(app: &TestApp, email: &str) -> Client {
    let arguments = ["--email", email, "--password", PASSWORD];
    run(app, "create-admin", &arguments).await.unwrap();
    sign_in(app, email).await
}

async fn invite(root: &mut Client, email: &str) -> Answer {
    root.post(LIST, &[("email", email)]).await
}

/// The link in the newest mail.
async fn link(app: &TestApp) -> String {
    let mails = app.mails().await;
    let mail = mails.last().unwrap();
    assert_eq!(mail.to, ADA);
    mail.link("/accounts/invitation/").unwrap().to_owned()
}

async fn accept(client: &mut Client, link: &str) -> Answer {
    client.post(link, &[("password", PASSWORD)]).await
}

#[tokio::test]
async fn whoever_is_invited_gets_an_account_and_nobody_else() {
    let (app, mut root) = start().await;
    let mut ada = app.client();
    let fields = [("email", ADA), ("password", PASSWORD)];
    let uninvited = ada.post("/accounts/signup", &fields).await;
    assert_eq!(uninvited.status, StatusCode::METHOD_NOT_ALLOWED);
    let page = ada.get("/accounts/signup").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("by invitation"), "{}", page.text);
    assert!(!ada.get("/").await.text.contains("/accounts/signup"));

    let sent = invite(&mut root, ADA).await;
    assert_eq!(sent.location(), LIST, "{}", sent.text);
    assert!(root.get(LIST).await.text.contains(ADA));
    let link = link(&app).await;
    let stored = column(&app, "SELECT digest FROM invitations").await;
    assert!(!link.contains(&stored[0]), "only a digest is stored");

    assert!(ada.get(&link).await.text.contains(ADA));
    let weak = ada.post(&link, &[("password", "short")]).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(accept(&mut ada, &link).await.location(), "/dashboard");
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::OK);
    let sql = "SELECT email FROM users WHERE email_verified_at IS NOT NULL AND role = 'user'";
    assert_eq!(column(&app, sql).await, [ADA]);
    let again = accept(&mut app.client(), &link).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert!(root.get(LIST).await.text.contains("accepted"));
    let known = invite(&mut root, "ada@EXAMPLE.com").await;
    assert_eq!(known.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_link_ends_after_a_week_when_it_is_revoked_and_when_a_newer_one_is_sent() {
    let (app, mut root) = start().await;
    invite(&mut root, ADA).await;
    let first = link(&app).await;
    invite(&mut root, ADA).await;
    let second = link(&app).await;
    let mut ada = app.client();
    assert_eq!(ada.get(&first).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ada.get(&second).await.status, StatusCode::OK);

    let page = root.get(LIST).await;
    let (before, _) = page.text.split_once("/revoke\"").unwrap();
    let id = before.rsplit('/').next().unwrap();
    let path = format!("{LIST}/{id}/revoke");
    for _ in 0..2 {
        assert_eq!(root.post(&path, &[]).await.location(), LIST);
    }
    assert_eq!(
        accept(&mut ada, &second).await.status,
        StatusCode::NOT_FOUND
    );
    let acts = column(
        &app,
        "SELECT action FROM audit_entries WHERE action LIKE 'inv%' ORDER BY action",
    )
    .await;
    assert_eq!(
        acts,
        ["invitation.revoked", "invitation.sent", "invitation.sent"]
    );

    invite(&mut root, ADA).await;
    let third = link(&app).await;
    app.clock.advance(7 * DAY - Duration::from_secs(1));
    assert_eq!(ada.get(&third).await.status, StatusCode::OK);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(accept(&mut ada, &third).await.status, StatusCode::NOT_FOUND);
    assert_eq!(count(&app, "users").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_uses_at_once_through_two_replicas_one_works() {
    let (app, mut root) = start().await;
    invite(&mut root, ADA).await;
    let link = link(&app).await;
    let other = themed(app_with(Registration::Invitation))
        .replica_of(&app)
        .await;
    let uses = (0..20).map(|number| {
        let mut client = [&app, &other][number % 2].client();
        let link = link.clone();
        tokio::spawn(async move { accept(&mut client, &link).await.location().to_owned() })
    });
    let mut worked = 0;
    for one in uses.collect::<Vec<_>>() {
        worked += usize::from(one.await.unwrap() == "/dashboard");
    }
    assert_eq!(worked, 1);
    assert_eq!(count(&app, "users").await, 2);
}

#[tokio::test]
async fn only_the_staff_invites() {
    let (app, mut root) = start().await;
    invite(&mut root, ADA).await;
    let mut ada = app.client();
    accept(&mut ada, &link(&app).await).await;
    for path in [
        LIST,
        "/admin/invitations/019a0000-0000-7000-8000-000000000000/revoke",
    ] {
        let refused = ada.post(path, &[("email", "bob@example.com")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(ada.get(LIST).await.status, StatusCode::FORBIDDEN);
    assert!(
        app.client()
            .get(LIST)
            .await
            .location()
            .starts_with("/accounts/login")
    );
    assert_eq!(count(&app, "invitations").await, 1);
}
