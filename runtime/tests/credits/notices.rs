//! Whoever runs out of credits is told: on the pages for as long as it is so, by mail once a fall.

use std::sync::Arc;
use std::time::Duration;

use quickscale_runtime::app::Core;
use quickscale_runtime::credits::{self, Credits, Grant, HoldTerms, Note, Owner, actions};
use quickscale_runtime::mail::Message;
use quickscale_runtime::testing::{Client, TestApp};

use crate::pages::{app_of, id_of};
use crate::support::ledger::assert_sound;
use crate::support::{column, sign_up, themed};

/// An application with ada, who has 100 credits, her browser and her account.
async fn ada_with(settings: credits::Settings) -> (TestApp, Client, Owner) {
    let app = themed(app_of(settings)).start().await;
    let ada = sign_up(&app, "ada@example.com").await;
    let owner = Owner::User(id_of(&app, "ada@example.com").await.into());
    (app, ada, owner)
}

async fn spend(core: &Core, owner: &Owner, amount: u32, key: &str) {
    let note = Note::system(key, "A run");
    actions::spend(core, owner, Credits::whole(amount), &note)
        .await
        .unwrap();
}

async fn give_back(core: &Core, owner: &Owner, of: &str, amount: u32) {
    let note = Note::system(format!("{of} back"), "It failed");
    actions::refund(core, owner, (of, Credits::whole(amount)), &note)
        .await
        .unwrap();
}

/// The subjects of the mails about credits that were sent so far.
async fn told(app: &TestApp) -> Vec<String> {
    let mails: Vec<Message> = app.mails().await;
    let mails = mails
        .into_iter()
        .filter(|mail| mail.subject.contains("credits"));
    mails.map(|mail| mail.subject).collect()
}

const LOW: &str = "Your credits at My Test Shop are running low";
const EMPTY: &str = "You have no credits left at My Test Shop";

#[tokio::test]
async fn each_fall_is_told_once_until_credits_come_in() {
    let (app, mut ada, owner) = ada_with(credits::Settings::default()).await;
    let core = &app.core;
    spend(core, &owner, 79, "a").await;
    assert!(told(&app).await.is_empty());
    assert!(!ada.get("/dashboard").await.text.contains("running low"));
    spend(core, &owner, 1, "b").await;
    assert_eq!(told(&app).await, [LOW]);
    for page in ["/dashboard", "/credits"] {
        assert!(ada.get(page).await.text.contains("running low"), "{page}");
    }
    // Up and down again over the same line.
    give_back(core, &owner, "a", 30).await;
    spend(core, &owner, 35, "c").await;
    assert_eq!(told(&app).await, [LOW]);
    spend(core, &owner, 15, "d").await;
    assert_eq!(told(&app).await, [LOW, EMPTY]);
    let dashboard = ada.get("/dashboard").await.text;
    assert!(
        dashboard.contains("You have no credits left."),
        "{dashboard}"
    );
    give_back(core, &owner, "d", 15).await;
    spend(core, &owner, 15, "e").await;
    assert_eq!(told(&app).await, [LOW, EMPTY]);
    let bought = Grant::purchase(Credits::whole(10));
    let note = Note::system("bought", "Bought");
    actions::grant(core, &owner, &bought, &note).await.unwrap();
    spend(core, &owner, 8, "f").await;
    assert_eq!(told(&app).await, [LOW, EMPTY, LOW]);
    let mails = app.mails().await;
    let last = mails.last().unwrap();
    assert_eq!(last.to, "ada@example.com");
    assert!(
        last.text.contains("You have 2 credits left"),
        "{}",
        last.text
    );
    assert_eq!(last.link("credits"), Some("/credits"));
    assert_sound(core, "after three notices").await;
}

#[tokio::test]
async fn what_comes_at_once_is_told_at_once() {
    let (app, _, owner) = ada_with(credits::Settings::default()).await;
    spend(&app.core, &owner, 100, "all").await;
    assert_eq!(told(&app).await, [EMPTY]);

    // What is no longer true when the mail would be written is not told.
    let (app, _, owner) = ada_with(credits::Settings::default()).await;
    spend(&app.core, &owner, 90, "much").await;
    give_back(&app.core, &owner, "much", 90).await;
    assert!(told(&app).await.is_empty());
}

#[tokio::test]
async fn what_is_set_aside_is_not_gone_and_what_runs_out_is() {
    let (app, mut ada, owner) = ada_with(credits::Settings::default()).await;
    let core = &app.core;
    let terms = HoldTerms {
        key: "hold".into(),
        lasts: Duration::from_secs(60),
    };
    let hold = actions::hold(core, &owner, Credits::whole(90), &terms).await;
    let hold = hold.unwrap();
    assert!(told(&app).await.is_empty());
    assert!(ada.get("/dashboard").await.text.contains("running low"));
    let note = Note::system("capture", "A run");
    actions::capture(core, (&owner, &hold.id), Credits::whole(85), &note)
        .await
        .unwrap();
    assert_eq!(told(&app).await, [LOW]);

    let settings = credits::Settings {
        signup_grant: Credits::ZERO,
        ..credits::Settings::default()
    };
    let (app, _, owner) = ada_with(settings).await;
    let until = app.core.now().plus(Duration::from_secs(3600));
    let gift = Grant::promotion(Credits::whole(5), Some(until));
    let note = Note::system("gift", "A gift");
    actions::grant(&app.core, &owner, &gift, &note)
        .await
        .unwrap();
    // From now on there is a sweeper.
    assert!(told(&app).await.is_empty());
    app.clock.advance(Duration::from_secs(3600));
    assert_eq!(told(&app).await, [EMPTY]);
}

#[tokio::test]
async fn the_settings_say_from_where_on_and_whether_mails_are_sent() {
    for (percent, mail, expected) in [
        (50, true, vec![LOW]),
        (0, true, vec![]),
        (20, true, vec![]),
        (50, false, vec![]),
    ] {
        let (app, mut ada, owner) = ada_with(credits::Settings {
            low_balance_percent: percent,
            low_balance_mail: mail,
            ..credits::Settings::default()
        })
        .await;
        spend(&app.core, &owner, 60, "a").await;
        assert_eq!(told(&app).await, expected, "{percent} {mail}");
        let dashboard = ada.get("/dashboard").await.text;
        assert_eq!(dashboard.contains("running low"), percent == 50);
        spend(&app.core, &owner, 40, "b").await;
        assert_eq!(told(&app).await.contains(&EMPTY.to_owned()), mail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_spends_at_once_one_is_told() {
    let (app, _, owner) = ada_with(credits::Settings::default()).await;
    let owner = Arc::new(owner);
    let tasks: Vec<_> = (0..45)
        .map(|at| {
            let (core, owner) = (app.core.clone(), owner.clone());
            tokio::spawn(async move { spend(&core, &owner, 2, &format!("spend {at}")).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(told(&app).await, [LOW]);
}

/// Two falls over one line before anybody has looked: two jobs, and one mail.
#[tokio::test]
async fn a_notice_that_is_asked_for_twice_is_sent_once() {
    let (app, _, owner) = ada_with(credits::Settings::default()).await;
    spend(&app.core, &owner, 85, "a").await;
    give_back(&app.core, &owner, "a", 10).await;
    spend(&app.core, &owner, 10, "b").await;
    let waiting = "SELECT name FROM jobs WHERE name = 'credits.low_balance'";
    assert_eq!(column(&app, waiting).await.len(), 2);
    assert_eq!(told(&app).await, [LOW]);
}

#[tokio::test]
async fn nobody_who_may_not_sign_in_is_told() {
    let (app, _, owner) = ada_with(credits::Settings::default()).await;
    let mut tx = app.core.db().begin().await.unwrap();
    sqlx::query("UPDATE users SET is_active = 0")
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    spend(&app.core, &owner, 100, "all").await;
    assert!(told(&app).await.is_empty());
}
