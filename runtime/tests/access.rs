//! Who may call what: every route, walked as a visitor, a user and an administrator, against a table.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::testing::{Answer, Client, TestApp};
use quickscale_runtime::{App, Environment, admin};
use support::{SITE, column, sign_up, sign_up_admin, themed};

const ROUTES: [(&str, &str, &str); 37] = [
    ("GET", "/", "public"),
    ("GET", "/about", "public"),
    ("GET", "/accounts/email", "signed in"),
    ("POST", "/accounts/email", "signed in"),
    ("GET", "/accounts/login", "public"),
    ("POST", "/accounts/login", "public"),
    ("GET", "/accounts/logout", "public"),
    ("POST", "/accounts/logout", "public"),
    ("GET", "/accounts/password/change", "signed in"),
    ("POST", "/accounts/password/change", "signed in"),
    ("GET", "/accounts/password/reset", "public"),
    ("POST", "/accounts/password/reset", "public"),
    ("GET", "/accounts/password/reset/{token}", "public"),
    ("POST", "/accounts/password/reset/{token}", "public"),
    ("GET", "/accounts/profile", "signed in"),
    ("POST", "/accounts/profile", "signed in"),
    ("GET", "/accounts/signup", "public"),
    ("POST", "/accounts/signup", "public"),
    ("POST", "/accounts/verify/resend", "signed in"),
    ("GET", "/accounts/verify/sent", "public"),
    ("GET", "/accounts/verify/{token}", "public"),
    ("POST", "/accounts/verify/{token}", "public"),
    ("GET", "/admin", "staff: view_staff_area"),
    ("GET", "/admin/jobs", "staff: manage_jobs"),
    ("POST", "/admin/jobs/{id}/replay", "staff: manage_jobs"),
    ("GET", "/admin/messages", "staff: view_messages"),
    ("GET", "/admin/users", "staff: view_users"),
    ("GET", "/admin/users/{id}", "staff: view_users"),
    ("GET", "/admin/users/{id}/activation", "staff: manage_users"),
    (
        "POST",
        "/admin/users/{id}/activation",
        "staff: manage_users",
    ),
    ("GET", "/contact", "public"),
    ("POST", "/contact", "public"),
    ("GET", "/dashboard", "signed in"),
    ("GET", "/health/live", "machine"),
    ("GET", "/health/ready", "machine"),
    ("POST", "/preferences/color-scheme", "public"),
    ("GET", "/pricing", "public"),
];

/// Accounts and staff pages alone; what other modules add is for their own tests.
async fn start() -> TestApp {
    let auth = auth::module(support::settings(Registration::Open));
    let app = App::builder(SITE, Environment::Test).module(auth);
    themed(app.module(admin::module(admin::Settings {})))
        .start()
        .await
}

#[tokio::test]
async fn every_route_has_the_rule_of_the_table() {
    let app = start().await;
    let mut routes: Vec<_> = app.core.routes().iter().collect();
    routes.sort_by_key(|route| (route.path, route.method));
    let routes: Vec<_> = routes
        .iter()
        .map(|route| (route.method, route.path, &*route.rule))
        .collect();
    assert_eq!(routes, ROUTES);
}

async fn call(client: &mut Client, method: &str, path: &str) -> Answer {
    match method {
        "GET" => client.get(path).await,
        _ => client.post(path, &[]).await,
    }
}

/// What the rule makes of somebody: sent to sign in, refused, or let in.
#[derive(Debug, PartialEq)]
enum Outcome {
    SignInFirst,
    Forbidden,
    LetIn,
}

fn outcome(answer: &Answer) -> Outcome {
    match answer.status {
        StatusCode::SEE_OTHER if answer.location().starts_with("/accounts/login?") => {
            Outcome::SignInFirst
        }
        StatusCode::FORBIDDEN => Outcome::Forbidden,
        status => {
            assert!(!status.is_server_error(), "{status}: {}", answer.text);
            let stale = answer.text.contains("This link does not work");
            assert!(stale || status != StatusCode::NOT_FOUND, "{}", answer.text);
            Outcome::LetIn
        }
    }
}

/// A job with this identifier that failed for good.
async fn kill_a_job(app: &TestApp, id: &str) {
    let mut tx = app.core.db().begin().await.unwrap();
    let sql = "INSERT INTO jobs (id, name, payload, state, due_at, attempts, created_at, changed_at, last_error)
        VALUES ($1, 'mail.send', '', 'dead', 0, 15, 0, 0, 'no way')";
    sqlx::query(sql).bind(id).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn every_route_lets_in_whom_its_rule_names_and_nobody_else() {
    let app = start().await;
    let admin = sign_up_admin(&app, "root@example.com").await;
    let user = sign_up(&app, "ada@example.com").await;
    let ada = column(&app, "SELECT id FROM users WHERE email = 'ada@example.com'").await;
    kill_a_job(&app, &ada[0]).await;
    // Last, because it ends the sessions.
    let mut routes = ROUTES.to_vec();
    routes.sort_by_key(|(_, path, _)| *path == "/accounts/logout");
    for (method, path, rule) in routes {
        let expected = match rule.split(':').next().unwrap() {
            "public" | "machine" => [Outcome::LetIn, Outcome::LetIn, Outcome::LetIn],
            "signed in" => [Outcome::SignInFirst, Outcome::LetIn, Outcome::LetIn],
            "staff" => [Outcome::SignInFirst, Outcome::Forbidden, Outcome::LetIn],
            rule => panic!("{rule} is not known here"),
        };
        let path = path.replace("{id}", &ada[0]);
        let people = [app.client(), user.clone(), admin.clone()];
        for (mut client, expected) in people.into_iter().zip(expected) {
            let answer = call(&mut client, method, &path).await;
            assert_eq!(
                outcome(&answer),
                expected,
                "{method} {path}: {}",
                answer.status
            );
        }
    }
}

#[tokio::test]
async fn links_lead_only_where_one_may_go() {
    let app = start().await;
    let mut people = BTreeMap::new();
    people.insert("visitor", app.client());
    people.insert("user", sign_up(&app, "ada@example.com").await);
    people.insert("admin", sign_up_admin(&app, "root@example.com").await);
    for (who, client) in &mut people {
        let page = support::plain(&client.get("/about").await);
        for (path, seen_by) in [
            ("/accounts/login", &["visitor"][..]),
            ("/accounts/signup", &["visitor"]),
            ("/dashboard", &["user", "admin"]),
            ("/accounts/profile", &["user", "admin"]),
            ("/admin", &["admin"]),
            ("/admin/users", &["admin"]),
            ("/admin/messages", &["admin"]),
        ] {
            let shown = page.contains(&format!("href=\"{path}\""));
            assert_eq!(shown, seen_by.contains(who), "{who} {path}: {page}");
        }
    }
}
