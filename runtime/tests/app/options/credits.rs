//! The options of `credits`.

use std::time::Duration;

use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::credits::{self, Credits, Grant, Note, Owner, Settings, actions};
use quickscale_runtime::testing::TestApp;
use quickscale_runtime::{App, Environment};

use crate::support::ledger::somebody;
use crate::support::{SITE, column, settings, sign_up, themed};

const HOUR: Duration = Duration::from_secs(3600);

async fn start(change: impl FnOnce(&mut Settings)) -> TestApp {
    let mut options = Settings::default();
    change(&mut options);
    let app = App::builder(SITE, Environment::Test)
        .module(auth::module(settings(Registration::Open)))
        .module(credits::module(options));
    themed(app).start().await
}

fn note(key: &str) -> Note {
    Note::system(key, "A test")
}

#[tokio::test]
pub async fn signup_grant() {
    for amount in [0, 25] {
        let app = start(|options| options.signup_grant = Credits::whole(amount)).await;
        let mut ada = sign_up(&app, "ada@example.com").await;
        let dashboard = ada.get("/dashboard").await.text;
        let balance = format!("{amount} credits available");
        assert!(dashboard.contains(&balance), "{dashboard}");
    }
}

#[tokio::test]
pub async fn renewed_hours() {
    for hours in [1, 48] {
        let app = start(|options| options.renewed_hours = hours).await;
        let core = &app.core;
        let owner = somebody(core);
        let five = Credits::whole(5);
        let grant = Grant::promotion(five, Some(core.now().plus(HOUR)));
        let granted = actions::grant(core, &owner, &grant, &note("given")).await;
        granted.unwrap();
        let spent = actions::spend(core, &owner, five, &note("used")).await;
        spent.unwrap();
        app.clock.advance(HOUR);
        let back = actions::refund(core, &owner, ("used", five), &note("back")).await;
        back.unwrap();
        let instant = Duration::from_micros(1);
        for (wait, left) in [(HOUR * hours - instant, five), (instant, Credits::ZERO)] {
            app.clock.advance(wait);
            let balance = actions::balance(core, &owner).await.unwrap();
            assert_eq!(balance.available, left, "{hours}");
        }
    }
}

#[tokio::test]
pub async fn low_balance_percent() {
    for (percent, is_warned) in [(20, false), (50, true)] {
        let app = start(|options| options.low_balance_percent = percent).await;
        let mut ada = sign_up(&app, "ada@example.com").await;
        let id = column(&app, "SELECT id FROM users").await.remove(0);
        let owner = Owner::User(id.into());
        let spent = actions::spend(&app.core, &owner, Credits::whole(60), &note("used")).await;
        spent.unwrap();
        let page = ada.get("/credits").await.text;
        assert_eq!(page.contains("running low"), is_warned, "{percent}");
    }
}

#[tokio::test]
pub async fn low_balance_mail() {
    for is_told in [false, true] {
        let app = start(|options| options.low_balance_mail = is_told).await;
        sign_up(&app, "ada@example.com").await;
        let id = column(&app, "SELECT id FROM users").await.remove(0);
        let owner = Owner::User(id.into());
        let spent = actions::spend(&app.core, &owner, Credits::whole(100), &note("used")).await;
        spent.unwrap();
        let mails = app.mails().await;
        let told = mails
            .iter()
            .any(|mail| mail.subject.contains("no credits left"));
        assert_eq!(told, is_told);
    }
}
