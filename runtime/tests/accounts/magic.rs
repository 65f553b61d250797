//! Signing in by mail: link and code, each once, bound to who asked, without a word on who has an account.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::support;
use crate::support::{PASSWORD, SITE, column, count, settings, sign_up, themed};
use axum::http::StatusCode;
use quickscale_runtime::auth::{self, EmailVerification, Registration};
use quickscale_runtime::testing::{Answer, Client, TestApp, TestAppBuilder};
use quickscale_runtime::{App, Environment};

const ADA: &str = "ada@example.com";
const ASK: &str = "/accounts/login/mail";
const CODE: &str = "/accounts/login/mail/code";
const MINUTE: Duration = Duration::from_secs(60);

fn builder(verification: EmailVerification) -> TestAppBuilder {
    let settings = auth::Settings {
        magic_links: true,
        email_verification: verification,
        ..settings(Registration::Open)
    };
    themed(App::builder(SITE, Environment::Test).module(auth::module(settings)))
}

/// An application in which Ada has an account whose address is confirmed.
async fn with_ada() -> TestApp {
    let app = builder(EmailVerification::Optional).start().await;
    let mut ada = sign_up(&app, ADA).await;
    let mail = app.mails().await.remove(0);
    let link = word_with(&mail.text, "/accounts/verify/");
    ada.post(&link, &[]).await;
    app.clock.advance(MINUTE);
    app
}

/// The path of the link in a text.
fn word_with(text: &str, part: &str) -> String {
    let word = text.split_whitespace().find(|word| word.contains(part));
    let word = word.unwrap_or_else(|| panic!("{text}"));
    word.strip_prefix("http://app.test").unwrap().to_owned()
}

async fn ask(app: &TestApp, email: &str) -> Client {
    let mut client = app.client();
    let fields = [("email", email), ("next", "/accounts/security?a=1")];
    let answer = client.post(ASK, &fields).await;
    assert_eq!(answer.location(), CODE, "{}", answer.text);
    client
}

/// Link and code of the newest mail.
async fn mailed(app: &TestApp) -> (String, String) {
    // Mails of one instant are in no order.
    let mut mails = app.mails().await;
    mails.retain(|mail| mail.subject == "Sign in to My Test Shop");
    let mail = mails.pop().unwrap();
    let code = mail.text.split("asked for it: ").nth(1).unwrap();
    let code: String = code.chars().take_while(char::is_ascii_digit).collect();
    assert_eq!(code.len(), 6, "{}", mail.text);
    let link = word_with(&mail.text, "/accounts/login/mail/");
    let html = mail.html;
    assert!(html.contains(&code) && html.contains(&link), "{html}");
    (link, code)
}

async fn give(client: &mut Client, code: &str) -> Answer {
    client.post(CODE, &[("code", code)]).await
}

async fn is_in(client: &mut Client) -> bool {
    client.get("/dashboard").await.status == StatusCode::OK
}

fn wrong(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

#[tokio::test]
async fn the_code_of_the_mail_signs_in_once_in_the_browser_that_asked() {
    let app = with_ada().await;
    let mut client = ask(&app, "Ada@Example.COM").await;
    let (link, code) = mailed(&app).await;
    let mut stranger = app.client();
    assert_eq!(give(&mut stranger, &code).await.location(), ASK);
    let mut other = ask(&app, ADA).await;
    let refused = give(&mut other, &code).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    app.work_jobs().await;

    let typed = format!(" {} {}", &code[..3], &code[3..]);
    let again = client.clone();
    assert_eq!(
        give(&mut client, &typed).await.location(),
        "/accounts/security?a=1"
    );
    assert!(is_in(&mut client).await);
    assert!(client.cookie("qs_magic_link").is_none());
    for mut late in [again, other] {
        assert_eq!(give(&mut late, &code).await.location(), ASK);
        assert!(!is_in(&mut late).await);
    }
    assert_eq!(client.get(&link).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_link_signs_in_any_browser_when_it_is_confirmed_and_once() {
    let app = with_ada().await;
    let mut asked = ask(&app, ADA).await;
    let (link, code) = mailed(&app).await;
    let mut scanner = app.client();
    for _ in 0..3 {
        let page = scanner.get(&link).await;
        assert!(page.text.contains(ADA), "{}", page.text);
    }
    assert!(!is_in(&mut scanner).await);
    let mut phone = app.client();
    let entered = phone.post(&link, &[]).await;
    assert_eq!(entered.location(), "/accounts/security?a=1");
    assert!(is_in(&mut phone).await);
    let mut second = app.client();
    assert_eq!(second.post(&link, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(give(&mut asked, &code).await.location(), ASK);
    for made_up in ["x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let path = format!("{ASK}/{made_up}");
        assert_eq!(second.get(&path).await.status, StatusCode::NOT_FOUND);
        let posted = second.post(&path, &[]).await;
        assert_eq!(posted.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let app = with_ada().await;
    let mails = app.mails().await.len();
    let mut seen = Vec::new();
    for email in [ADA, "nobody@example.com"] {
        let mut client = app.client();
        let mut steps = Vec::new();
        let asked = client.post(ASK, &[("email", email)]).await;
        steps.push((asked.status, asked.location().to_owned(), asked.text));
        app.work_jobs().await;
        for _ in 0..6 {
            let answer = give(&mut client, "no code").await;
            let location = answer.location().to_owned();
            let own = client.cookie("qs_csrf").unwrap().to_owned();
            let token = answer.input("csrf").unwrap_or_default().to_owned();
            let text = answer.text.replace(&token, "").replace(&own, "");
            steps.push((answer.status, location, without_ids(&text)));
        }
        seen.push(steps);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(app.mails().await.len(), mails + 1);
    assert_eq!(seen[0][6].1, ASK, "five codes, then none");
}

/// A page but for what differs on each request.
fn without_ids(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("request"));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn after_five_wrong_codes_the_right_one_is_dead_and_the_link_is_not() {
    let app = with_ada().await;
    let mut client = ask(&app, ADA).await;
    let (link, code) = mailed(&app).await;
    for _ in 0..5 {
        let answer = give(&mut client, &wrong(&code)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(give(&mut client, &code).await.location(), ASK);
    assert!(!is_in(&mut client).await);
    client.post(&link, &[]).await;
    assert!(is_in(&mut client).await);
}

#[tokio::test]
async fn whoever_asks_again_and_again_cannot_try_code_after_code_and_keeps_nobody_out() {
    let app = with_ada().await;
    let mut tried = 0;
    'trying: loop {
        let mut thief = ask(&app, ADA).await;
        let (_, code) = mailed(&app).await;
        for _ in 0..5 {
            match give(&mut thief, &wrong(&code)).await.status {
                StatusCode::TOO_MANY_REQUESTS => break 'trying,
                _ => tried += 1,
            }
        }
        app.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(tried, 10);
    let (link, _) = mailed(&app).await;
    let mut owner = app.client();
    owner.post(&link, &[]).await;
    assert!(is_in(&mut owner).await);
}

#[tokio::test]
async fn link_and_code_work_for_ten_minutes_and_then_are_swept_away() {
    let app = with_ada().await;
    let mut client = ask(&app, ADA).await;
    let (link, code) = mailed(&app).await;
    app.clock.advance(MINUTE * 10);
    assert_eq!(give(&mut client, &code).await.location(), ASK);
    assert_eq!(client.get(&link).await.status, StatusCode::NOT_FOUND);
    assert_eq!(client.post(&link, &[]).await.status, StatusCode::NOT_FOUND);
    app.clock.advance(MINUTE * 60);
    app.work_jobs().await;
    assert_eq!(count(&app, "magic_links").await, 0);
}

#[tokio::test]
async fn only_digests_are_stored() {
    let app = with_ada().await;
    let client = ask(&app, ADA).await;
    let (link, code) = mailed(&app).await;
    let sql = "SELECT browser_digest || ' ' || link_digest || ' ' || code_digest FROM magic_links";
    let stored = column(&app, sql).await.remove(0);
    let token = link.rsplit('/').next().unwrap();
    for secret in [token, &code, client.cookie("qs_magic_link").unwrap()] {
        assert!(!stored.split(' ').any(|part| part == secret), "{stored}");
    }
}

#[tokio::test]
async fn mails_and_network_addresses_are_limited() {
    let app = with_ada().await;
    for email in [ADA, "nobody@example.com"] {
        for _ in 0..5 {
            ask(&app, email).await;
        }
        let answer = app.client().post(ASK, &[("email", email)]).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{email}");
        assert!(answer.headers.contains_key("retry-after"));
    }
    let home = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let mut statuses = Vec::new();
    for number in 0..21 {
        let email = format!("person{number}@example.com");
        let mut client = app.client().at(home);
        statuses.push(client.post(ASK, &[("email", &email)]).await.status);
    }
    assert_eq!(statuses.pop(), Some(StatusCode::TOO_MANY_REQUESTS));
    assert!(
        statuses
            .iter()
            .all(|status| *status == StatusCode::SEE_OTHER)
    );
}

#[tokio::test]
async fn whoever_signed_up_with_somebody_elses_address_is_locked_out_by_its_owner() {
    for verification in [EmailVerification::Optional, EmailVerification::Mandatory] {
        let app = builder(verification).start().await;
        let mut thief = app.client();
        let fields = [("email", ADA), ("password", PASSWORD)];
        thief.post("/accounts/signup", &fields).await;
        let mut owner = ask(&app, ADA).await;
        let (_, code) = mailed(&app).await;
        give(&mut owner, &code).await;
        let page = owner.get("/accounts/security").await;
        assert!(
            page.text.contains("does not work any more"),
            "{}",
            page.text
        );
        assert!(!is_in(&mut thief).await);
        let answer = thief.post("/accounts/login", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let verified = column(&app, "SELECT CAST(email_verified_at AS TEXT) FROM users").await;
        assert_eq!(verified.len(), 1);
    }
}

#[tokio::test]
async fn a_password_of_a_confirmed_address_goes_on_working() {
    let app = with_ada().await;
    let mut client = ask(&app, ADA).await;
    let (_, code) = mailed(&app).await;
    give(&mut client, &code).await;
    support::sign_in(&app, ADA).await;
}

#[tokio::test]
async fn whoever_is_deactivated_gets_no_mail_and_does_not_get_in_with_an_old_one() {
    let app = with_ada().await;
    let mut client = ask(&app, ADA).await;
    let (link, _) = mailed(&app).await;
    let mails = app.mails().await.len();
    deactivate(&app).await;
    let answer = client.post(&link, &[]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(!is_in(&mut client).await);
    ask(&app, ADA).await;
    assert_eq!(app.mails().await.len(), mails);
}

async fn deactivate(app: &TestApp) {
    let id = column(app, "SELECT id FROM users").await.remove(0);
    let actor = auth::audit::Actor::CommandLine;
    let done = auth::actions::set_active(&app.core, &actor, &id.parse().unwrap(), false).await;
    done.unwrap();
}

#[tokio::test]
async fn a_link_to_an_address_that_is_not_the_accounts_any_more_opens_nothing() {
    let app = with_ada().await;
    ask(&app, ADA).await;
    let (link, _) = mailed(&app).await;
    let mut ada = support::sign_in(&app, ADA).await;
    ada.post("/accounts/email", &[("email", "countess@example.com")])
        .await;
    let mail = app.mails().await.pop().unwrap();
    ada.post(&word_with(&mail.text, "/accounts/verify/"), &[])
        .await;
    let mut thief = app.client();
    assert_eq!(thief.post(&link, &[]).await.status, StatusCode::NOT_FOUND);
    assert!(!is_in(&mut thief).await);
}

#[tokio::test]
async fn of_twenty_uses_of_one_link_at_the_same_time_one_works() {
    let app = with_ada().await;
    ask(&app, ADA).await;
    let (link, _) = mailed(&app).await;
    let sessions = count(&app, "sessions").await;
    let uses = (0..20).map(|_| {
        let (mut client, link) = (app.client(), link.clone());
        tokio::spawn(async move { client.post(&link, &[]).await.status == StatusCode::SEE_OTHER })
    });
    let mut worked = 0;
    for one in futures_util::future::join_all(uses).await {
        worked += usize::from(one.unwrap());
    }
    assert_eq!(worked, 1);
    assert_eq!(count(&app, "sessions").await, sessions + 1);
}

#[tokio::test]
async fn next_never_leaves_the_site() {
    let app = with_ada().await;
    for next in ["https://evil.example", "//evil.example", "/\\evil.example"] {
        let mut client = app.client();
        client.post(ASK, &[("email", ADA), ("next", next)]).await;
        let (_, code) = mailed(&app).await;
        assert_eq!(give(&mut client, &code).await.location(), "/dashboard");
    }
}

#[tokio::test]
async fn it_proves_who_somebody_is_before_what_matters() {
    let app = with_ada().await;
    let mut ada = support::sign_in(&app, ADA).await;
    app.clock.advance(MINUTE * 11);
    let sent = ada.get("/accounts/email").await.location().to_owned();
    assert!(sent.starts_with("/accounts/confirm?"), "{sent}");
    let page = ada.get(&sent).await;
    assert!(page.text.contains("Confirm by mail instead"));
    let before = ada.cookie("qs_session").unwrap().to_owned();
    let fields = [("email", ADA), ("next", "/accounts/email")];
    ada.post(ASK, &fields).await;
    let (_, code) = mailed(&app).await;
    assert_eq!(give(&mut ada, &code).await.location(), "/accounts/email");
    assert_eq!(ada.get("/accounts/email").await.status, StatusCode::OK);
    let mut old = app.client();
    old.set_cookie("qs_session", &before);
    assert!(!is_in(&mut old).await, "the session was renewed");
}

#[tokio::test]
async fn keys_and_ways_in_of_before_end_when_the_owner_of_an_address_takes_it_back() {
    for by_reset in [false, true] {
        let settings = auth::Settings {
            magic_links: true,
            ..settings(Registration::Open)
        };
        let app = support::app_of(Environment::Test, settings);
        let app = themed(app).start().await;
        support::sign_up_unconfirmed(&app, ADA).await;
        support::leave_traps(&app).await;
        assert_eq!(support::traps(&app).await.len(), 3);
        if by_reset {
            app.client()
                .post("/accounts/password/reset", &[("email", ADA)])
                .await;
            let mails = app.mails().await;
            let link = mails
                .iter()
                .find_map(|mail| mail.link("/accounts/password/reset/"))
                .unwrap();
            app.client().post(link, &[("password", PASSWORD)]).await;
        } else {
            let mut owner = ask(&app, ADA).await;
            let (_, code) = mailed(&app).await;
            give(&mut owner, &code).await;
        }
        assert_eq!(support::traps(&app).await.len(), 0, "by reset: {by_reset}");
    }
}

/// Else whoever reads the mailbox would still come in after the owner chose another password.
#[tokio::test]
async fn what_was_mailed_before_a_new_password_opens_nothing() {
    for by_reset in [false, true] {
        let app = with_ada().await;
        let mut thief = ask(&app, ADA).await;
        let (link, code) = mailed(&app).await;
        if by_reset {
            let fields = [("email", ADA)];
            app.client().post("/accounts/password/reset", &fields).await;
            let mails = app.mails().await;
            let mut links = mails
                .iter()
                .filter_map(|mail| mail.link("/accounts/password/reset/"));
            let reset = links.next().unwrap();
            let fields = [("password", "a wholly new one")];
            assert_eq!(
                app.client().post(reset, &fields).await.location(),
                "/accounts/login"
            );
        } else {
            let mut ada = support::sign_in(&app, ADA).await;
            let fields = [
                ("current_password", PASSWORD),
                ("password", "a wholly new one"),
            ];
            let path = "/accounts/password/change";
            assert_eq!(
                ada.post(path, &fields).await.location(),
                "/accounts/profile"
            );
        }
        let stale = app.client().post(&link, &[]).await;
        assert_eq!(stale.status, StatusCode::NOT_FOUND, "by reset: {by_reset}");
        give(&mut thief, &code).await;
        assert!(!is_in(&mut thief).await, "by reset: {by_reset}");
    }
}

#[tokio::test]
async fn wrong_codes_from_one_network_are_counted_whoever_they_are_for() {
    let app = with_ada().await;
    app.clock.advance(MINUTE * 60);
    let home = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let mut statuses = Vec::new();
    for number in 0..11 {
        let mut client = app.client().at(home);
        let email = format!("person{number}@example.com");
        client.post(ASK, &[("email", &email)]).await;
        statuses.push(give(&mut client, "000000").await.status);
    }
    let (last, before) = statuses.split_last().unwrap();
    assert_eq!(*last, StatusCode::TOO_MANY_REQUESTS);
    assert!(
        before
            .iter()
            .all(|status| *status == StatusCode::UNPROCESSABLE_ENTITY),
        "{before:?}"
    );
}
