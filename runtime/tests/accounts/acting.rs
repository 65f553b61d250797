//! The staff acting as users.

use std::time::Duration;

use crate::support;
use crate::support::{app, column, confirm, sign_in, sign_up, sign_up_admin, themed};
use axum::http::StatusCode;
use axum::response::Response;
use quickscale_runtime::auth::audit::{Actor, AuditEntry};
use quickscale_runtime::error::Result;
use quickscale_runtime::http::{Access, Routes, Visit};
use quickscale_runtime::in_transaction;
use quickscale_runtime::module::Module;
use quickscale_runtime::testing::{Answer, Client, TestApp};

const ADA: &str = "ada@example.com";
const ROOT: &str = "root@example.com";
const END: &str = "/accounts/acting/end";

async fn start() -> (TestApp, Client) {
    let app = themed(app()).start().await;
    let root = sign_up_admin(&app, ROOT).await;
    sign_up(&app, ADA).await;
    (app, root)
}

async fn id_of(app: &TestApp, email: &str) -> String {
    let all = column(app, "SELECT email || ' ' || id FROM users").await;
    let found = all.iter().find_map(|row| row.strip_prefix(email));
    found.unwrap().trim().to_owned()
}

async fn act_as(root: &mut Client, app: &TestApp, email: &str) -> Answer {
    let path = format!("/admin/users/{}/act", id_of(app, email).await);
    root.post(&path, &[]).await
}

async fn record(app: &TestApp) -> Vec<String> {
    let sql = "SELECT action FROM audit_entries WHERE action LIKE 'impersonation%' ORDER BY id";
    column(app, sql).await
}

#[tokio::test]
async fn one_acts_as_a_user_under_a_banner_and_both_ends_are_recorded() {
    let (app, mut root) = start().await;
    let before = root.cookie("qs_session").unwrap().to_owned();
    let page = root
        .get(&format!("/admin/users/{}", id_of(&app, ADA).await))
        .await;
    assert!(page.text.contains("Act as this user"));
    let begun = act_as(&mut root, &app, ADA).await;
    assert_eq!(begun.location(), "/dashboard", "{}", begun.text);
    assert_ne!(root.cookie("qs_session").unwrap(), before, "a new token");
    for path in ["/dashboard", "/credits", "/about", "/no-such-page"] {
        let page = root.get(path).await;
        assert!(page.text.contains("Be yourself again"), "{path}");
        assert!(
            page.text.contains(ROOT) && page.text.contains(ADA),
            "{path}"
        );
    }
    assert_eq!(root.get("/admin").await.status, StatusCode::FORBIDDEN);
    assert_eq!(record(&app).await, ["impersonation.started"]);
    // Entries of one instant are in no order.
    app.clock.advance(Duration::from_secs(1));
    let back = root.post(END, &[]).await;
    assert!(
        back.location().starts_with("/admin/users/"),
        "{}",
        back.text
    );
    assert_eq!(
        record(&app).await,
        ["impersonation.started", "impersonation.ended"]
    );
    assert_eq!(root.get("/admin").await.status, StatusCode::OK);
    assert!(
        !root
            .get("/dashboard")
            .await
            .text
            .contains("Be yourself again")
    );
    root.post(END, &[]).await;
    assert_eq!(record(&app).await.len(), 2);
}

/// Every route below /accounts and every one that asks for the password again, but for the ways out.
#[tokio::test]
async fn what_an_account_is_known_by_is_out_of_reach() {
    let (app, mut root) = start().await;
    act_as(&mut root, &app, ADA).await;
    let mut tried = 0;
    for route in app.core.routes() {
        let is_fresh = route.rule.ends_with("fresh") && route.rule.starts_with("signed in");
        let is_own = route.path.starts_with("/accounts/") && route.rule.starts_with("signed in");
        if route.path == END || !(is_fresh || is_own) {
            continue;
        }
        let id = "019a0000-0000-7000-8000-000000000000";
        let path = route.path.replace("{id}", id);
        let answer = match route.method {
            "GET" => root.get(&path).await,
            _ => root.post(&path, &[("name", "Eve")]).await,
        };
        assert_eq!(
            answer.status,
            StatusCode::FORBIDDEN,
            "{} {path}",
            route.method
        );
        tried += 1;
    }
    assert!(tried > 15, "{tried}");
    let page = root.get("/dashboard").await;
    assert!(
        !page.text.contains("/accounts/security"),
        "no links to it either"
    );
}

/// Every form below these pages; looking at them is what acting is for.
#[tokio::test]
async fn nothing_is_bought_run_or_changed_for_a_user() {
    let (app, mut root) = start().await;
    act_as(&mut root, &app, ADA).await;
    let credits = column(&app, "SELECT CAST(COUNT(*) AS TEXT) FROM credit_entries").await;
    let mut tried = Vec::new();
    for route in app.core.routes() {
        let is_paying = ["/billing/", "/services/"]
            .iter()
            .any(|below| route.path.starts_with(below));
        if !is_paying || route.method == "GET" {
            continue;
        }
        let id = "019a0000-0000-7000-8000-000000000000";
        let path = route.path.replace("{id}", id).replace("{name}", "demo");
        let answer = root.post(&path, &[("pack", "small")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.text.contains("You act as somebody else"), "{path}");
        tried.push(route.path);
    }
    for path in [
        "/billing/checkout",
        "/billing/portal",
        "/billing/subscription/change",
    ] {
        assert!(tried.contains(&path), "{tried:?}");
    }
    assert!(tried.contains(&"/services/{name}"));
    for path in ["/billing", "/billing/payments", "/services"] {
        assert_eq!(root.get(path).await.status, StatusCode::OK, "{path}");
    }
    let after = column(&app, "SELECT CAST(COUNT(*) AS TEXT) FROM credit_entries").await;
    assert_eq!(after, credits);
    // His own are in nobody's way.
    root.post(END, &[]).await;
    let own = root.post("/billing/portal", &[]).await;
    assert_ne!(own.status, StatusCode::FORBIDDEN, "{}", own.text);
}

#[tokio::test]
async fn whoever_may_act_no_more_is_himself_at_once() {
    let (app, mut root) = start().await;
    let mut helper = sign_up(&app, "helper@example.com").await;
    let id = id_of(&app, "helper@example.com").await;
    let role = format!("/admin/users/{id}/role");
    root.post(&role, &[("role", "support")]).await;
    let begun = act_as(&mut helper, &app, ADA).await;
    assert_eq!(begun.location(), "/dashboard", "{}", begun.text);
    assert!(acts(&mut helper).await);
    root.post(&role, &[("role", "billing")]).await;
    assert!(!acts(&mut helper).await);
    let page = helper.get("/accounts/profile").await;
    assert!(page.text.contains("helper@example.com"), "{}", page.text);
}

async fn acts(client: &mut Client) -> bool {
    let page = client.get("/dashboard").await;
    page.text.contains("Be yourself again")
}

/// Records who comes by.
struct Doorman;

impl Module for Doorman {
    fn name(&self) -> &'static str {
        "doorman"
    }

    fn routes(&self) -> Routes {
        Routes::new().post("/door", Access::SignedIn, pass)
    }
}

async fn pass(visit: Visit) -> Result<Response> {
    let by = Actor::of(&visit)?;
    let (core, now) = (visit.core(), visit.core().now());
    in_transaction!(core.db(), tx => {
        AuditEntry::new(&by, "door.passed", ("door", "one")).record(tx, now).await
    })?;
    Ok(visit.redirect("/dashboard"))
}

#[tokio::test]
async fn the_record_names_who_acts_and_not_as_whom() {
    let app = themed(app().module(Doorman)).start().await;
    let mut root = sign_up_admin(&app, ROOT).await;
    let mut ada = sign_up(&app, ADA).await;
    let who = "SELECT u.email FROM audit_entries a JOIN users u ON u.id = a.actor_id
         WHERE a.action = 'door.passed' ORDER BY a.id";
    act_as(&mut root, &app, ADA).await;
    root.post("/door", &[]).await;
    assert_eq!(column(&app, who).await, [ROOT]);
    app.clock.advance(Duration::from_secs(1));
    ada.post("/door", &[]).await;
    assert_eq!(column(&app, who).await, [ROOT, ADA]);
}

#[tokio::test]
async fn acting_ends_by_itself_and_with_the_session() {
    let (app, mut root) = start().await;
    app.work_jobs().await;
    act_as(&mut root, &app, ADA).await;
    app.clock.advance(Duration::from_secs(59 * 60));
    assert!(
        root.get("/dashboard")
            .await
            .text
            .contains("Be yourself again")
    );
    app.clock.advance(Duration::from_secs(60));
    assert!(
        !root
            .get("/dashboard")
            .await
            .text
            .contains("Be yourself again")
    );
    assert_eq!(root.get("/admin").await.status, StatusCode::OK);
    app.work_jobs().await;
    assert_eq!(record(&app).await.len(), 2);

    let mut root = sign_in(&app, ROOT).await;
    act_as(&mut root, &app, ADA).await;
    root.post("/accounts/logout", &[]).await;
    assert_eq!(record(&app).await.len(), 4);
    assert!(
        root.get("/dashboard")
            .await
            .location()
            .starts_with("/accounts/login")
    );

    let mut root = sign_in(&app, ROOT).await;
    act_as(&mut root, &app, ADA).await;
    let mut elsewhere = sign_in(&app, ROOT).await;
    elsewhere
        .post("/accounts/security/sessions/end-others", &[])
        .await;
    app.clock.advance(Duration::from_secs(60));
    app.work_jobs().await;
    assert_eq!(record(&app).await.len(), 6);
}

#[tokio::test]
async fn only_as_users_only_by_the_staff_and_only_with_the_password() {
    let (app, mut root) = start().await;
    sign_up_admin(&app, "other@example.com").await;
    let refused = act_as(&mut root, &app, "other@example.com").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(
        act_as(&mut root, &app, ROOT).await.status,
        StatusCode::FORBIDDEN
    );
    let mut ada = sign_in(&app, ADA).await;
    let refused = act_as(&mut ada, &app, ROOT).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    app.clock.advance(Duration::from_secs(11 * 60));
    let asked = act_as(&mut root, &app, ADA).await;
    assert!(asked.location().starts_with("/accounts/confirm"));
    confirm(&mut root).await;
    assert_eq!(act_as(&mut root, &app, ADA).await.location(), "/dashboard");
    // Who is made one of the staff meanwhile is not acted as any more.
    let promoted = ["--email", ADA];
    support::run(&app, "create-admin", &promoted).await.unwrap();
    assert!(
        !root
            .get("/dashboard")
            .await
            .text
            .contains("Be yourself again")
    );
}

#[tokio::test]
async fn the_users_own_sessions_and_sign_in_stay_as_they_are() {
    let (app, mut root) = start().await;
    let mut ada = sign_in(&app, ADA).await;
    let seen = "SELECT COALESCE(CAST(last_signed_in_at AS TEXT), '') FROM users WHERE email = 'ada@example.com'";
    let before = column(&app, seen).await;
    app.clock.advance(Duration::from_secs(120));
    act_as(&mut root, &app, ADA).await;
    root.get("/dashboard").await;
    assert_eq!(column(&app, seen).await, before);
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::OK);
    let list = ada.get("/accounts/security").await;
    assert_eq!(
        list.text.matches("scope=\"row\"").count(),
        2,
        "{}",
        list.text
    );
}
