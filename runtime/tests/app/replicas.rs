//! Two replicas that share nothing but their database count together, and know each other's sessions and links: within
//! one process, on a clock that can be moved, and as two processes that run `serve`.

use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::process::{self, Folder, Process};
use crate::support::{PASSWORD, SITE, app, settings, sign_in, sign_up, themed, until};
use axum::http::StatusCode;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::mail::Letterbox;
use quickscale_runtime::testing::{Answer, Client, TestApp, TestDatabase};
use quickscale_runtime::{App, Environment};
use tokio::task::JoinHandle;

const ADA: &str = "ada@example.com";
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

async fn two() -> [TestApp; 2] {
    let one = themed(app()).start().await;
    let other = themed(app()).replica_of(&one).await;
    [one, other]
}

/// The same browser at another replica.
fn at(app: &TestApp, client: &Client) -> Client {
    let mut moved = app.client();
    for name in ["qs_session", "qs_csrf"] {
        if let Some(value) = client.cookie(name) {
            moved.set_cookie(name, value);
        }
    }
    moved
}

#[tokio::test]
async fn a_session_is_known_and_ended_everywhere() {
    let [one, other] = two().await;
    let ada = sign_up(&one, ADA).await;
    let mut moved = at(&other, &ada);
    assert_eq!(moved.get("/dashboard").await.status, StatusCode::OK);
    moved.post("/accounts/logout", &[]).await;
    let mut back = at(&one, &ada);
    assert!(
        back.get("/dashboard")
            .await
            .location()
            .starts_with("/accounts/login")
    );
}

#[tokio::test]
async fn wrong_passwords_count_together() {
    let all = two().await;
    sign_up(&all[0], ADA).await;
    let fields = [("email", ADA), ("password", "not the password")];
    for number in 0..6 {
        let mut client = all[number % 2].client().at(HOME);
        let answer = client.post("/accounts/login", &fields).await;
        let is_refused = answer.status == StatusCode::TOO_MANY_REQUESTS;
        assert_eq!(is_refused, number == 5, "{number}");
        assert_eq!(answer.headers.contains_key("retry-after"), is_refused);
    }
    // Whoever is elsewhere is not kept out by a stranger.
    sign_in(&all[1], ADA).await;
    all[0].clock.advance(Duration::from_secs(60));
    let answer = all[1]
        .client()
        .at(HOME)
        .post("/accounts/login", &fields)
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

async fn reset(mut client: Client, link: String) -> Answer {
    client.post(&link, &[("password", PASSWORD)]).await
}

/// How many of those who opened one link at once were let in; none of them met a fault.
async fn how_many_worked(uses: Vec<JoinHandle<Answer>>) -> usize {
    let mut worked = 0;
    for one in uses {
        let answer = one.await.unwrap();
        assert!(!answer.status.is_server_error(), "{}", answer.text);
        worked += usize::from(answer.location() == "/accounts/login");
    }
    worked
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_uses_of_one_link_at_both_one_works() {
    let all = two().await;
    sign_up(&all[0], ADA).await;
    let mut client = all[1].client();
    let asked = [("email", ADA)];
    client.post("/accounts/password/reset", &asked).await;
    let mut mails = all[0].mails().await;
    mails.extend(all[1].mails().await);
    let link = mails
        .iter()
        .find_map(|mail| mail.link("/accounts/password/reset/"))
        .unwrap();
    let uses: Vec<_> = (0..20)
        .map(|number| tokio::spawn(reset(all[number % 2].client(), link.to_owned())))
        .collect();
    assert_eq!(how_many_worked(uses).await, 1);
}

fn small(environment: Environment) -> App {
    let settings = auth::Settings {
        failed_sign_ins_per_account: 2,
        ..settings(Registration::Open)
    };
    App::builder(SITE, environment).module(auth::module(settings))
}

#[test]
fn application() {
    process::application(small);
}

fn program(arguments: &str, folder: &Path, database: &TestDatabase) -> Command {
    process::program("replicas::application", arguments, folder, database)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_sessions_limits_and_links() {
    let (folder, database) = (Folder::new(), TestDatabase::create().await.unwrap());
    let one = Process::start(&mut program("serve", &folder.0, &database)).await;
    let other = Process::start(&mut program("serve", &folder.0, &database)).await;

    // A session that begins at one is known at the other, and ended there it is ended here.
    let mut ada = one.client();
    let fields = [("email", ADA), ("password", PASSWORD)];
    let signed_up = ada.post("/accounts/signup", &fields).await;
    assert_eq!(signed_up.location(), "/dashboard", "{}", signed_up.text);
    let mut moved = other.take_over(&ada);
    assert_eq!(moved.get("/dashboard").await.status, StatusCode::OK);
    moved.post("/accounts/logout", &[]).await;
    let outside = ada.get("/dashboard").await;
    assert!(outside.location().starts_with("/accounts/login"));

    // Two wrong passwords are let through, whichever process gets them.
    let wrong = [("email", ADA), ("password", "not the password")];
    for (number, process) in [&one, &other, &one, &other].into_iter().enumerate() {
        let answer = process.client().post("/accounts/login", &wrong).await;
        let is_refused = answer.status == StatusCode::TOO_MANY_REQUESTS;
        assert_eq!(is_refused, number >= 2, "{number}: {}", answer.status);
    }

    // Of twenty uses of one link at the same time one works.
    let asked = [("email", ADA)];
    other
        .client()
        .post("/accounts/password/reset", &asked)
        .await;
    let letterbox = Letterbox::Folder(folder.0.join("var/mail"));
    let link = || {
        let mails = letterbox.messages().unwrap_or_default();
        let link = |mail: &quickscale_runtime::mail::Message| {
            mail.link("/accounts/password/reset/").map(str::to_owned)
        };
        mails.iter().find_map(link)
    };
    until("the mail is there", async || link().is_some()).await;
    let link = link().unwrap();
    let uses: Vec<_> = (0..20)
        .map(|number| tokio::spawn(reset([&one, &other][number % 2].client(), link.clone())))
        .collect();
    assert_eq!(how_many_worked(uses).await, 1);
}

/// What it logs as JSON until it listens; then it is ended. Nothing else that it prints is an object.
fn logged(command: &mut Command) -> Vec<serde_json::Value> {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut logged: Vec<serde_json::Value> = Vec::new();
    for line in lines.map_while(Result::ok) {
        if line.starts_with('{') {
            logged.push(serde_json::from_str(&line).unwrap());
        }
        if line.contains("\"listening\"") {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    logged
}

#[tokio::test(flavor = "multi_thread")]
async fn collectors_get_a_line_of_json_for_each_event() {
    let (folder, database) = (Folder::new(), TestDatabase::create().await.unwrap());
    let logged = logged(program("serve", &folder.0, &database).env("LOG_FORMAT", "json"));
    let listening = logged.last().unwrap();
    assert_eq!(listening["message"], "listening", "{logged:?}");
    assert_eq!(listening["level"], "INFO");
    assert_eq!(listening["url"], "http://app.test");
    assert!(listening["timestamp"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn health_checks_that_succeed_are_not_logged() {
    let (folder, database) = (Folder::new(), TestDatabase::create().await.unwrap());
    let log = folder.0.join("log");
    let process = Process::start_logging(&mut program("serve", &folder.0, &database), &log).await;
    let mut client = process.client();
    assert_eq!(client.get("/health/live").await.status, StatusCode::OK);
    client.get("/nowhere").await;
    let logged = || std::fs::read_to_string(&log).unwrap_or_default();
    until("the request is logged", async || {
        logged().contains("\"/nowhere\"")
    })
    .await;
    assert!(!logged().contains("/health/"), "{}", logged());
}

#[tokio::test(flavor = "multi_thread")]
async fn in_production_a_database_that_is_behind_is_left_alone_until_somebody_says_so() {
    let (folder, database) = (Folder::new(), TestDatabase::create().await.unwrap());
    let in_production = |command: &str| {
        let mut program = program(command, &folder.0, &database);
        program
            .env("APP_ENV", "production")
            .env("APP_URL", "https://app.test");
        program
    };
    for _ in 0..2 {
        let refused = in_production("serve").output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success(), "{refused:?}");
        assert!(said.contains("is pending; run `migrate` first"), "{said}");
    }
    let done = in_production("migrate").output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let logged = logged(&mut in_production("serve"));
    assert_eq!(logged.last().unwrap()["message"], "listening", "{logged:?}");
}
