//! Who may call what: every route, walked as nobody, as a user and in each role of the staff, against a table.

use std::collections::BTreeMap;

use crate::support;
use crate::support::{
    PASSWORD, SITE, app_of, by_one_connection, column, settings, sign_up, sign_up_admin, themed,
};
use axum::http::StatusCode;
use quickscale_runtime::auth::{self, Registration, audit::Actor};
use quickscale_runtime::http::{ACTING_END, Access, FRESH, Permission, Role, Routes, Visit};
use quickscale_runtime::testing::{Answer, Client, TestApp};
use quickscale_runtime::{App, Environment, Module};

/// Every route: its method, its path and its rule. A new route needs a line here, in the order of the paths.
const TABLE: &str = include_str!("access.txt");
/// Those that differ where only whoever is invited makes an account.
const BY_INVITATION: &str = include_str!("access_by_invitation.txt");

/// Who has which permission, beside administrators.
const PERMISSIONS: [(&str, &[Role]); 15] = [
    ("view_staff_area", &[Role::Support, Role::Billing]),
    ("view_users", &[Role::Support, Role::Billing]),
    ("manage_users", &[Role::Support]),
    ("invite_users", &[Role::Support]),
    ("act_as_users", &[Role::Support]),
    ("manage_roles", &[]),
    ("view_messages", &[Role::Support]),
    ("adjust_credits", &[Role::Billing]),
    ("view_payments", &[Role::Billing]),
    ("refund_payments", &[Role::Billing]),
    ("view_runs", &[Role::Support, Role::Billing]),
    ("manage_services", &[Role::Billing]),
    ("replay_events", &[Role::Billing]),
    ("manage_jobs", &[]),
    ("view_audit", &[]),
];

/// An application with every module and every way to sign in.
fn app() -> App {
    app_with(Registration::Open)
}

fn app_with(registration: Registration) -> App {
    let settings = auth::Settings {
        magic_links: true,
        ..settings(registration)
    };
    app_of(Environment::Test, settings)
}

type Line = (&'static str, &'static str, &'static str);

/// A line of the table: `GET /admin/users  staff: view_users`.
fn lines(table: &'static str) -> Vec<Line> {
    let parts = |line: &'static str| {
        let (method, rest) = line.split_once(' ').unwrap();
        let (path, rule) = rest.trim().split_once(' ').unwrap();
        (method, path, rule.trim())
    };
    table.lines().map(parts).collect()
}

/// What the routes of an application would have the table be.
fn written(routes: &[(&str, &str, &str)]) -> String {
    let line = |(method, path, rule): &(_, _, _)| format!("{method:<4} {path:<42} {rule}\n");
    routes.iter().map(line).collect()
}

fn by_path<'a>((method, path, _): &(&'a str, &'a str, &str)) -> (&'a str, &'a str) {
    (path, method)
}

async fn assert_table(registration: Registration, mut expected: Vec<Line>) {
    let app = themed(app_with(registration)).start().await;
    let routes = app.core.routes().iter();
    let mut routes: Vec<_> = routes
        .map(|route| (route.method, route.path, &*route.rule))
        .collect();
    routes.sort_by_key(by_path);
    expected.sort_by_key(by_path);
    let table = written(&routes);
    assert!(routes == expected, "the table would have to be:\n{table}");
}

#[tokio::test]
async fn every_route_has_the_rule_of_the_table() {
    assert_eq!(written(&lines(TABLE)), TABLE);
    assert_table(Registration::Open, lines(TABLE)).await;
    let common = lines(TABLE).into_iter();
    let common = common.filter(|(_, path, _)| *path != "/accounts/signup");
    let invited = lines(BY_INVITATION);
    assert_table(Registration::Invitation, common.chain(invited).collect()).await;
}

#[test]
fn every_permission_is_somebodys() {
    let named = |permission: &Permission| {
        let name = serde_json::to_value(permission).unwrap();
        let name = name.as_str().unwrap().to_owned();
        let roles = Role::ALL.into_iter().filter(|role| role.has(*permission));
        (name, roles.collect::<Vec<_>>())
    };
    let actual: BTreeMap<_, _> = Permission::ALL.iter().map(named).collect();
    let expected = PERMISSIONS.iter().map(|(name, roles)| {
        let roles = roles.iter().copied().chain([Role::Admin]);
        ((*name).to_owned(), roles.collect::<Vec<_>>())
    });
    assert_eq!(actual, expected.collect());
}

async fn call(client: &mut Client, method: &str, path: &str) -> Answer {
    match method {
        "GET" => client.get(path).await,
        _ => client.post(path, &[]).await,
    }
}

/// What the rule makes of somebody.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    SignInFirst,
    PasswordFirst,
    KeyFirst,
    Forbidden,
    LetIn,
}

fn outcome(answer: &Answer, path: &str) -> Outcome {
    let location = answer.location();
    match answer.status {
        StatusCode::SEE_OTHER if location.starts_with("/accounts/login?") => Outcome::SignInFirst,
        StatusCode::SEE_OTHER if location.starts_with("/accounts/confirm?") => {
            Outcome::PasswordFirst
        }
        StatusCode::UNAUTHORIZED => Outcome::KeyFirst,
        StatusCode::FORBIDDEN => Outcome::Forbidden,
        status => {
            assert!(!status.is_server_error(), "{status}: {}", answer.text);
            // Behind the gate there may be nothing of that name.
            let is_there = status != StatusCode::NOT_FOUND || path.contains('{');
            assert!(is_there, "{path}: {}", answer.text);
            Outcome::LetIn
        }
    }
}

fn expected(rule: &str, role: Option<Role>) -> Outcome {
    let rule = rule.trim_end_matches(", fresh");
    let (kind, name) = rule.split_once(": ").unwrap_or((rule, ""));
    match (kind, role) {
        ("public" | "machine", _) => Outcome::LetIn,
        ("key", _) => Outcome::KeyFirst,
        ("signed in" | "staff", None) => Outcome::SignInFirst,
        ("signed in", Some(_)) | ("staff", Some(Role::Admin)) => Outcome::LetIn,
        ("staff", Some(role)) => {
            let row = PERMISSIONS.iter().find(|(known, _)| *known == name);
            match row.unwrap().1.contains(&role) {
                true => Outcome::LetIn,
                false => Outcome::Forbidden,
            }
        }
        (kind, _) => panic!("{kind} is not known here"),
    }
}

/// Somebody of each role, and nobody.
async fn everybody(app: &TestApp) -> Vec<(Option<Role>, Client)> {
    let mut people = vec![(None, app.client())];
    for role in Role::ALL {
        let email = format!("{}@example.com", role.as_str());
        let client = sign_up(app, &email).await;
        let id = id_of(app, &email).await;
        let done = auth::actions::set_role(&app.core, &Actor::CommandLine, &id, role).await;
        done.unwrap();
        people.push((Some(role), client));
    }
    people
}

async fn id_of(app: &TestApp, email: &str) -> quickscale_runtime::ids::UserId {
    let rows = column(app, "SELECT email || ' ' || id FROM users").await;
    let mut rows = rows.iter().filter_map(|row| row.split_once(' '));
    let (_, id) = rows.find(|(known, _)| *known == email).unwrap();
    id.parse().unwrap()
}

/// The same where nobody signs up by himself.
async fn everybody_invited(app: &TestApp) -> Vec<(Option<Role>, Client)> {
    let arguments = ["--email", "admin@example.com", "--password", PASSWORD];
    support::run(app, "create-admin", &arguments).await.unwrap();
    let mut root = support::sign_in(app, "admin@example.com").await;
    let mut people = vec![(None, app.client())];
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Admin) {
        let email = format!("{}@example.com", role.as_str());
        root.post("/admin/invitations", &[("email", &email)]).await;
        let mails = app.mails().await;
        let link = mails.last().unwrap().link("/accounts/invitation/").unwrap();
        let mut client = app.client();
        let done = client.post(link, &[("password", PASSWORD)]).await;
        assert_eq!(done.location(), "/dashboard", "{}", done.text);
        let id = id_of(app, &email).await;
        let done = auth::actions::set_role(&app.core, &Actor::CommandLine, &id, role).await;
        done.unwrap();
        people.push((Some(role), client));
    }
    people.push((Some(Role::Admin), root));
    people
}

#[tokio::test]
async fn every_route_lets_in_whom_its_rule_names_and_nobody_else() {
    let app = by_one_connection(app()).start().await;
    let mut people = everybody(&app).await;
    let ada = sign_up(&app, "ada@example.com").await;
    drop(ada);
    let ada = id_of(&app, "ada@example.com").await;
    let mut routes = lines(TABLE);
    // Last, because it ends the sessions.
    routes.sort_by_key(|(_, path, _)| *path == "/accounts/logout");
    walk(&mut people, routes, ada.as_str()).await;
}

#[tokio::test]
async fn by_invitation_too() {
    let app = themed(app_with(Registration::Invitation)).start().await;
    let mut people = everybody_invited(&app).await;
    walk(&mut people, lines(BY_INVITATION), "no-such-invitation").await;
}

/// Everybody calls every route.
async fn walk(people: &mut [(Option<Role>, Client)], routes: Vec<Line>, id: &str) {
    for (method, pattern, rule) in routes {
        let path = pattern.replace("{id}", id);
        let path = path
            .replace("{name}", "demo")
            .replace("{token}", "no-such-token-here");
        let path = path.replace("{*path}", "favicon.ico");
        for (role, client) in &mut *people {
            let answer = call(client, method, &path).await;
            let (actual, expected) = (outcome(&answer, pattern), expected(rule, *role));
            assert_eq!(
                actual, expected,
                "{method} {path} as {role:?}: {}",
                answer.status
            );
            if pattern.ends_with("/act") && actual == Outcome::LetIn {
                client.post(ACTING_END, &[]).await;
            }
        }
    }
}

#[tokio::test]
async fn what_matters_most_asks_for_the_password_again() {
    let app = themed(app()).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let root_id = id_of(&app, "root@example.com").await;
    app.clock.advance(FRESH);
    let mut seen = 0;
    for (method, pattern, rule) in lines(TABLE) {
        let path = pattern.replace("{id}", root_id.as_str());
        if rule.ends_with(", fresh") {
            let answer = call(&mut root, method, &path).await;
            assert_eq!(
                outcome(&answer, pattern),
                Outcome::PasswordFirst,
                "{method} {path}"
            );
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}

#[tokio::test]
async fn links_lead_only_where_one_may_go() {
    let app = themed(app()).start().await;
    let mut people = everybody(&app).await;
    for (role, client) in &mut people {
        let page = client.get("/about").await.text;
        for (path, rule) in [
            ("/dashboard", "signed in"),
            ("/accounts/profile", "signed in"),
            ("/admin", "staff: view_staff_area"),
            ("/admin/users", "staff: view_users"),
            ("/admin/messages", "staff: view_messages"),
            ("/admin/audit", "staff: view_audit"),
            ("/admin/services", "staff: view_runs"),
            ("/admin/jobs", "staff: manage_jobs"),
        ] {
            let shown = page.contains(&format!("href=\"{path}\""));
            let may = expected(rule, *role) == Outcome::LetIn;
            assert_eq!(shown, may, "{role:?} {path}: {page}");
        }
        for path in ["/accounts/login", "/accounts/signup"] {
            let shown = page.contains(&format!("href=\"{path}\""));
            assert_eq!(shown, role.is_none(), "{role:?} {path}: {page}");
        }
    }
}

/// A module whose route names a permission that its handler does not.
struct Careless;

impl Module for Careless {
    fn name(&self) -> &'static str {
        "careless"
    }

    fn routes(&self) -> Routes {
        let rule = Access::Staff(Permission::ViewUsers);
        Routes::new().get("/careless", rule, |visit: Visit| async move {
            visit.redirect("/")
        })
    }
}

#[tokio::test]
async fn a_route_for_the_staff_whose_handler_does_not_say_so_does_not_start() {
    let auth = auth::module(support::settings(Registration::Open));
    let app = App::builder(SITE, Environment::Test)
        .module(auth)
        .module(Careless);
    let Err(refused) = themed(app).try_start().await else {
        panic!("it started");
    };
    let why = refused.to_string();
    assert!(
        why.contains("GET /careless is for staff: view_users"),
        "{why}"
    );
}
