//! What somebody chooses for himself: how times are written, and which mails come.

use crate::support::{app, column, sign_up, themed};
use axum::http::StatusCode;
use quickscale_runtime::credits::{Credits, Note, Owner, actions as ledger};
use quickscale_runtime::testing::{Client, TestApp};
use quickscale_runtime::times::TimeStyle;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
const PROFILE: &str = "/accounts/profile";
const MAILS: &str = "/accounts/profile/mails";

async fn choose(client: &mut Client, zone: &str, locale: &str) -> StatusCode {
    let fields = [("name", "Ada"), ("time_zone", zone), ("locale", locale)];
    client.post(PROFILE, &fields).await.status
}

#[tokio::test]
async fn times_are_shown_in_the_zone_and_the_way_that_one_chose_and_to_nobody_else() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, ADA).await;
    let mut bob = sign_up(&app, BOB).await;
    let now = app.core.now();
    let usual = now.human();
    assert!(ada.get("/accounts/security").await.text.contains(&usual));
    let chosen = choose(&mut ada, "America/New_York", "en-US").await;
    assert_eq!(chosen, StatusCode::SEE_OTHER);
    let hers = TimeStyle::of_names("America/New_York", "en-US");
    let hers = hers.writer().human(now);
    assert_ne!(hers, usual);
    let page = ada.get("/accounts/security").await.text;
    assert!(page.contains(&hers) && !page.contains(&usual), "{page}");
    let attribute = format!("datetime=\"{}\"", now.rfc3339());
    assert!(page.contains(&attribute), "programs still read UTC: {page}");
    let page = bob.get("/accounts/security").await.text;
    assert!(page.contains(&usual) && !page.contains(&hers), "{page}");

    let page = ada.get(PROFILE).await.text;
    assert!(page.contains(r#"value="America/New_York" selected"#));
    assert!(page.contains(r#"value="en-US" selected"#));
    // A form without them leaves them alone.
    ada.post(PROFILE, &[("name", "Countess")]).await;
    let kept = "SELECT time_zone || ' ' || locale FROM users WHERE name = 'Countess'";
    assert_eq!(column(&app, kept).await, ["America/New_York en-US"]);
}

#[tokio::test]
async fn zones_and_locales_that_do_not_exist_are_refused() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, ADA).await;
    for (zone, locale, field) in [
        ("Europe/Atlantis", "en-GB", "time_zone-error"),
        ("../../etc/passwd", "en-GB", "time_zone-error"),
        ("Europe/Berlin", "xx", "locale-error"),
    ] {
        let fields = [("name", "Ada"), ("time_zone", zone), ("locale", locale)];
        let refused = ada.post(PROFILE, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{zone}");
        assert!(refused.text.contains(field), "{}", refused.text);
    }
    let kept = "SELECT name || time_zone || locale FROM users";
    assert_eq!(column(&app, kept).await, [""]);
}

/// Uses up what everybody has, so that everybody is to be told.
async fn run_dry(app: &TestApp) {
    for id in column(app, "SELECT id FROM users").await {
        let note = Note::system(format!("dry {id}"), "A test");
        let owner = Owner::User(id.into());
        ledger::spend(&app.core, &owner, Credits::whole(100), &note)
            .await
            .unwrap();
    }
}

async fn told(app: &TestApp) -> Vec<String> {
    let mut mails = app.mails().await;
    mails.retain(|mail| mail.text.contains("no credits left"));
    mails.into_iter().map(|mail| mail.to).collect()
}

#[tokio::test]
async fn mails_that_one_does_without_do_not_come_and_those_about_safety_do() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, ADA).await;
    sign_up(&app, BOB).await;
    let page = ada.get(PROFILE).await.text;
    assert!(page.contains("My credits run low"), "{page}");
    let done = ada.post(MAILS, &[("billing.payments", "true")]).await;
    assert_eq!(done.location(), PROFILE);
    let chosen = "SELECT unwanted_mails FROM users WHERE email = 'ada@example.com'";
    assert_eq!(column(&app, chosen).await, ["credits.low_balance"]);
    run_dry(&app).await;
    assert_eq!(told(&app).await, [BOB]);

    // There is no box for these, and inventing one changes nothing.
    ada.post(MAILS, &[]).await;
    let reset = [("email", ADA)];
    app.client().post("/accounts/password/reset", &reset).await;
    let mails = app.mails().await;
    let links = mails
        .iter()
        .filter(|mail| mail.link("/password/reset/").is_some());
    assert_eq!(links.count(), 1);
}

#[tokio::test]
async fn mails_that_one_wants_again_come_again() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, ADA).await;
    ada.post(MAILS, &[]).await;
    ada.post(MAILS, &[("credits.low_balance", "true")]).await;
    run_dry(&app).await;
    assert_eq!(told(&app).await, [ADA]);
}
