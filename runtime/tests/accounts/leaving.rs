//! Taking one's data along, and leaving for good.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support;
use crate::support::billing::Shopper;
use crate::support::{
    app, by_one_connection, column, count, run, sign_in, sign_up, sign_up_admin, themed,
};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use quickscale_runtime::auth::{Registration, UserRemoved};
use quickscale_runtime::module::{Install, Module};
use quickscale_runtime::testing::{Answer, Client, TestApp};
use sqlx::Row as _;

const ADA: &str = "ada@example.com";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The archive, read by another program: each file's name and the text in it.
async fn archive(client: &mut Client) -> Vec<(String, String)> {
    let page = client.get("/accounts/export").await;
    let token = page.input("csrf").unwrap().to_owned();
    let request = Request::post("/accounts/export").header("x-csrf-token", token);
    let answer = client.send(request, Body::empty()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/zip");
    let script = "import sys, io, json, zipfile
archive = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
assert archive.testzip() is None
print(json.dumps([[n, archive.read(n).decode()] for n in archive.namelist()]))";
    let mut reader = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = reader.stdin.take().unwrap();
    pipe.write_all(&answer.bytes).unwrap();
    drop(pipe);
    let read = reader.wait_with_output().unwrap();
    assert!(read.status.success());
    serde_json::from_slice(&read.stdout).unwrap()
}

fn part<'a>(files: &'a [(String, String)], name: &str) -> &'a str {
    let found = files.iter().find(|(path, _)| path == name);
    &found
        .unwrap_or_else(|| panic!("no {name} among {:?}", names(files)))
        .1
}

fn names(files: &[(String, String)]) -> Vec<&str> {
    files.iter().map(|(name, _)| name.as_str()).collect()
}

async fn buy(app: &TestApp) -> Client {
    let mut ada = Shopper::sign_up(app, ADA).await;
    let order = ada.order("small", 1).await;
    let till = order.location().to_owned();
    ada.at_till(&till, "pay").await;
    ada.browser
}

async fn leave(client: &mut Client, email: &str) -> Answer {
    client.post("/accounts/delete", &[("email", email)]).await
}

#[tokio::test]
async fn the_archive_has_what_every_module_knows_and_nothing_of_others() {
    let app = themed(app()).start().await;
    let mut ada = buy(&app).await;
    let bob = sign_up(&app, "bob@example.com").await;
    drop(bob);
    ada.post("/accounts/profile", &CHOSEN).await;
    ada.post("/accounts/profile/mails", &[]).await;
    let files = archive(&mut ada).await;
    let account = part(&files, "account/account.json");
    for known in [ADA, "Europe/Berlin", "de-DE", "credits.low_balance"] {
        assert!(account.contains(known), "{known}: {account}");
    }
    assert!(part(&files, "account/sessions.json").contains("user_agent"));
    let journal = part(&files, "credits/journal-1.csv");
    assert!(journal.starts_with("number,time,"), "{journal}");
    assert!(part(&files, "billing/payments-1.json").contains("5.00 EUR"));
    for (name, text) in &files {
        assert!(!text.contains("bob@example.com"), "{name}");
        assert!(!text.contains("argon2"), "{name}");
    }
}

#[tokio::test]
async fn archives_are_made_five_times_an_hour() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, ADA).await;
    for number in 1..=6 {
        let answer = ada.post("/accounts/export", &[]).await;
        assert_eq!(answer.status == StatusCode::TOO_MANY_REQUESTS, number == 6);
    }
    app.clock.advance(Duration::from_secs(12 * 60));
    let mut ada = sign_in(&app, ADA).await;
    assert_eq!(
        ada.post("/accounts/export", &[]).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn whoever_signs_in_again_stays() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, ADA).await;
    let refused = leave(&mut ada, "bob@example.com").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(count(&app, "sessions").await, 1);
    let left = leave(&mut ada, "ADA@example.com").await;
    assert_eq!(left.location(), "/", "{}", left.text);
    assert!(
        ada.get("/dashboard")
            .await
            .location()
            .starts_with("/accounts/login")
    );
    app.clock.advance(13 * DAY);
    let mut ada = sign_in(&app, ADA).await;
    app.clock.advance(5 * DAY);
    app.work_jobs().await;
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::OK);
    let subjects: Vec<_> = app
        .mails()
        .await
        .into_iter()
        .map(|mail| mail.subject)
        .collect();
    assert!(
        subjects
            .iter()
            .any(|subject| subject.ends_with("will be deleted"))
    );
    assert!(subjects.iter().any(|subject| subject.ends_with("stays")));
}

/// What somebody chose on his profile.
const CHOSEN: [(&str, &str); 3] = [
    ("name", "Ada"),
    ("time_zone", "Europe/Berlin"),
    ("locale", "de-DE"),
];

/// Every text of the database that says something of somebody.
async fn traces(app: &TestApp) -> Vec<String> {
    column(
        app,
        "SELECT email || name || password_hash || time_zone || locale || unwanted_mails FROM users UNION ALL
         SELECT email FROM billing_customers UNION ALL SELECT body FROM billing_payments UNION ALL
         SELECT body FROM billing_events UNION ALL SELECT user_agent FROM sessions UNION ALL
         SELECT input || COALESCE(output, '') FROM service_runs UNION ALL SELECT handle FROM api_keys UNION ALL
         SELECT email FROM contact_messages UNION ALL SELECT body FROM billing_sandbox",
    )
    .await
}

#[tokio::test]
async fn who_left_is_forgotten_and_what_he_paid_stays() {
    let app = themed(app()).start().await;
    let mut ada = buy(&app).await;
    let message = [("name", "Ada"), ("email", ADA), ("message", "Hello")];
    ada.post("/contact", &message).await;
    ada.post("/accounts/profile", &CHOSEN).await;
    ada.post("/accounts/profile/mails", &[]).await;
    let entries = column(&app, "SELECT hash FROM credit_entries ORDER BY hash").await;
    let rows = count(&app, "billing_payments").await;
    assert!(rows > 0 && !entries.is_empty());
    leave(&mut ada, ADA).await;
    app.clock.advance(14 * DAY);
    app.work_jobs().await;
    for text in traces(&app).await {
        for gone in [ADA, "argon2", "Europe/Berlin", "de-DE", "low_balance"] {
            assert!(!text.contains(gone), "{text}");
        }
    }
    // The provider was told, too, and what it says of that tells nothing of him.
    let told = "SELECT state FROM billing_events WHERE kind = 'customer.deleted'";
    assert_eq!(column(&app, told).await, ["done"]);
    let kept = column(&app, "SELECT hash FROM credit_entries ORDER BY hash").await;
    assert!(entries.iter().all(|entry| kept.contains(entry)));
    assert_eq!(count(&app, "billing_payments").await, rows);
    run(&app, "credits", &["verify"]).await.unwrap();
    let fields = [("email", ADA), ("password", support::PASSWORD)];
    let refused = app.client().post("/accounts/login", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    // The address is free again.
    sign_up(&app, ADA).await;
    let last = app.mails().await;
    assert!(
        last.iter()
            .any(|mail| mail.to == ADA && mail.subject.ends_with("has been deleted"))
    );
}

#[tokio::test]
async fn invitations_of_somebody_who_is_gone_do_not_name_him() {
    let app = themed(support::app_with(Registration::Invitation))
        .start()
        .await;
    let arguments = [
        "--email",
        "root@example.com",
        "--password",
        support::PASSWORD,
    ];
    run(&app, "create-admin", &arguments).await.unwrap();
    let mut root = sign_in(&app, "root@example.com").await;
    for email in [ADA, "bob@example.com"] {
        root.post("/admin/invitations", &[("email", email)]).await;
    }
    let mails = app.mails().await;
    let mut links = mails
        .iter()
        .filter(|mail| mail.to == ADA)
        .filter_map(|mail| mail.link("/accounts/invitation/"));
    let mut ada = app.client();
    let fields = [("password", support::PASSWORD)];
    let entered = ada.post(links.next().unwrap(), &fields).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.text);
    leave(&mut ada, ADA).await;
    for days in [14, 1] {
        app.clock.advance(days * DAY);
        app.work_jobs().await;
    }
    let sql = "SELECT email || ' ' || email_key FROM invitations ORDER BY email";
    let left = column(&app, sql).await;
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(left[0], "bob@example.com bob@example.com");
    assert!(left[1].starts_with("removed-") && !left[1].contains("ada@"));
    let mut root = sign_in(&app, "root@example.com").await;
    let list = root.get("/admin/invitations").await;
    assert_eq!(list.status, StatusCode::OK, "{}", list.text);
}

#[tokio::test]
async fn the_address_of_somebody_who_is_gone_opens_nothing() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, ADA).await;
    leave(&mut ada, ADA).await;
    app.clock.advance(14 * DAY);
    app.work_jobs().await;
    // Work on the clock begins with the first look at it.
    app.clock.advance(DAY);
    app.work_jobs().await;
    let gone = column(&app, "SELECT email FROM users").await;
    assert!(gone[0].ends_with("@removed.invalid"), "{gone:?}");
    for password in ["", "a", support::PASSWORD] {
        let fields = [("email", gone[0].as_str()), ("password", password)];
        let refused = app.client().post("/accounts/login", &fields).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{password}"
        );
    }
}

#[tokio::test]
async fn neither_the_staff_nor_subscribers_leave() {
    let app = by_one_connection(app()).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let refused = leave(&mut root, "root@example.com").await;
    assert!(
        refused.text.contains("You are of the staff"),
        "{}",
        refused.text
    );
    let mut ada = Shopper::sign_up(&app, ADA).await;
    let order = ada.order("starter", 1).await;
    let till = order.location().to_owned();
    ada.at_till(&till, "pay").await;
    let refused = leave(&mut ada.browser, ADA).await;
    assert!(refused.text.contains("Cancel it first"), "{}", refused.text);
}

/// Keeps one person from being forgotten.
struct Clinging;

impl Module for Clinging {
    fn name(&self) -> &'static str {
        "clinging"
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        install.on::<UserRemoved>(|_, tx, removed| {
            Box::pin(async move {
                let row = sqlx::query("SELECT email FROM users WHERE id = $1")
                    .bind(removed.user.as_str())
                    .fetch_one(tx.conn())
                    .await?;
                match row.try_get::<String, _>(0)?.as_str() {
                    ADA => Err(anyhow::anyhow!("she cannot be let go").into()),
                    _ => Ok(()),
                }
            })
        });
        Ok(())
    }
}

#[tokio::test]
async fn one_who_cannot_be_forgotten_keeps_nobody_else() {
    let app = themed(app().module(Clinging)).start().await;
    // The first that is looked up and the last stand on either side of her.
    for email in ["bob@example.com", ADA, "eve@example.com"] {
        let mut client = sign_up(&app, email).await;
        app.clock.advance(Duration::from_secs(1));
        assert_eq!(leave(&mut client, email).await.location(), "/");
    }
    // Work on the clock begins with the first look at it.
    app.work_jobs().await;
    app.clock.advance(14 * DAY);
    let worked = app.work_jobs().await;
    assert_eq!(worked.failed, 1, "the fault is seen: {worked:?}");
    let left = "SELECT email FROM users WHERE removed_at IS NULL";
    assert_eq!(column(&app, left).await, [ADA]);
}
