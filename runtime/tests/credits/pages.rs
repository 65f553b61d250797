//! The pages of credits, as their owner, the staff and others see them.

use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::credits::{self, Credits, Note, Owner, actions};
use quickscale_runtime::testing::{Client, TestApp};
use quickscale_runtime::{App, Environment};
use sqlx::Row as _;

use crate::support::ledger::{assert_sound, count};
use crate::support::{SITE, app, sign_up, sign_up_admin, themed};

pub async fn id_of(app: &TestApp, email: &str) -> String {
    let row = sqlx::query("SELECT id FROM users WHERE email = $1")
        .bind(email)
        .fetch_one(app.core.db().reader())
        .await
        .unwrap();
    row.try_get(0).unwrap()
}

/// An application with ada, who is a user, and root, who is staff: the two, and ada's page for the staff.
async fn ada_and_root() -> (TestApp, Client, Client, String) {
    let app = themed(app()).start().await;
    let ada = sign_up(&app, "ada@example.com").await;
    let root = sign_up_admin(&app, "root@example.com").await;
    let path = format!(
        "/admin/users/{}/credits",
        id_of(&app, "ada@example.com").await
    );
    (app, ada, root, path)
}

#[tokio::test]
async fn a_newcomer_sees_the_welcome_credits_everywhere() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    for path in ["/dashboard", "/credits"] {
        let page = ada.get(path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            page.text.contains("100 credits available"),
            "{path}: {}",
            page.text
        );
    }
    let history = ada.get("/credits/history").await;
    assert!(history.text.contains("Welcome credits"), "{}", history.text);
    let pricing = app.client().get("/pricing").await;
    assert!(
        pricing.text.contains("comes with 100 credits"),
        "{}",
        pricing.text
    );
}

#[tokio::test]
async fn visitors_are_asked_to_sign_in() {
    let app = themed(app()).start().await;
    for path in ["/credits", "/credits/history", "/admin/users/1/credits"] {
        let answer = app.client().get(path).await;
        assert!(answer.location().starts_with("/accounts/login"), "{path}");
    }
}

#[tokio::test]
async fn the_staff_adds_credits_with_a_reason_and_both_see_it() {
    let (app, mut ada, mut root, path) = ada_and_root().await;
    let user_page = root.get(path.trim_end_matches("/credits")).await;
    assert_eq!(
        user_page
            .text
            .matches(&format!("action=\"{path}\""))
            .count(),
        1
    );
    let key = user_page.input("key").unwrap().to_owned();
    let fields = [
        ("key", key.as_str()),
        ("amount", "50"),
        ("reason", "Sorry for the wait"),
    ];
    let done = root.post(&path, &fields).await;
    assert_eq!(done.location(), path);
    let page = root.get(&path).await;
    assert!(
        page.text
            .contains("ada@example.com has been given 50 credits."),
        "{}",
        page.text
    );
    assert!(page.text.contains("150 credits available"));

    let again = root.post(&path, &fields).await;
    assert_eq!(again.location(), path, "sending it twice is no error");
    let dashboard = ada.get("/dashboard").await;
    assert!(
        dashboard.text.contains("150 credits available"),
        "{}",
        dashboard.text
    );
    let history = ada.get("/credits/history").await;
    assert!(history.text.contains("Sorry for the wait") && history.text.contains("+50"));
    assert_eq!(
        count(&app.core, "audit_entries").await,
        2,
        "admin made, credits adjusted"
    );
    assert_sound(&app.core, "after a correction").await;
}

#[tokio::test]
async fn a_correction_for_some_days_that_is_sent_again_later_is_made_once() {
    let (app, _, mut root, path) = ada_and_root().await;
    let key = root.get(&path).await.input("key").unwrap().to_owned();
    let mut fields = [
        ("key", key.as_str()),
        ("amount", "50"),
        ("reason", "Sorry for the wait"),
        ("days", "7"),
    ];
    for _ in 0..2 {
        let done = root.post(&path, &fields).await;
        assert_eq!(done.location(), path, "{}", done.text);
        app.clock.advance(Duration::from_millis(300));
    }
    let page = root.get(&path).await;
    assert!(page.text.contains("150 credits available"), "{}", page.text);
    assert_eq!(
        count(&app.core, "audit_entries").await,
        2,
        "admin made, credits adjusted"
    );
    fields[3].1 = "8";
    let other = root.post(&path, &fields).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(count(&app.core, "credit_entries").await, 3);
    assert_sound(&app.core, "after a correction").await;
}

#[tokio::test]
async fn a_faulty_correction_says_what_is_wrong_and_keeps_what_was_typed() {
    let (app, _, mut root, path) = ada_and_root().await;
    let key = root.get(&path).await.input("key").unwrap().to_owned();
    for (amount, reason, complaint) in [
        ("", "why", "Enter a number"),
        ("ten", "why", "Enter a number"),
        ("0", "why", "Enter an amount other than 0."),
        ("0.0001", "why", "at most three decimal places"),
        (
            "1000000000000000000",
            "why",
            "more than an account can hold",
        ),
        ("999999999999.5", "why", "more than an account can hold"),
        ("-101", "why", "more than the account has available (100)"),
        ("50", " ", "Enter a reason"),
        ("50", "a\u{7}b", "Enter a reason"),
    ] {
        let fields = [
            ("key", key.as_str()),
            ("amount", amount),
            ("reason", reason),
        ];
        let page = root.post(&path, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{amount:?}");
        assert!(page.text.contains(complaint), "{amount:?}: {}", page.text);
        assert_eq!(page.input("amount"), Some(amount));
        assert_eq!(page.input("key"), Some(key.as_str()));
    }
    let fields = [("key", "no key"), ("amount", "1"), ("reason", "why")];
    assert_eq!(
        root.post(&path, &fields).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        root.post(&path, &[]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(count(&app.core, "credit_entries").await, 2);
}

#[tokio::test]
async fn nobody_corrects_his_own_credits_and_users_correct_none() {
    let (app, mut ada, mut root, path) = ada_and_root().await;
    let own = format!(
        "/admin/users/{}/credits",
        id_of(&app, "root@example.com").await
    );
    assert!(root.get(&own).await.input("key").is_none());
    let fields = [
        ("key", "0123456789abcdef"),
        ("amount", "50"),
        ("reason", "why not"),
    ];
    assert_eq!(root.post(&own, &fields).await.status, StatusCode::FORBIDDEN);
    assert_eq!(ada.post(&path, &fields).await.status, StatusCode::FORBIDDEN);
    assert_eq!(ada.get(&path).await.status, StatusCode::FORBIDDEN);
    let nobody = "/admin/users/01890a5d-ac96-774b-bcce-b302099a8057/credits";
    assert_eq!(
        root.post(nobody, &fields).await.status,
        StatusCode::NOT_FOUND
    );
    for odd in ["/admin/users/%00/credits", "/admin/users/x'--/credits"] {
        assert_eq!(root.get(odd).await.status, StatusCode::NOT_FOUND, "{odd}");
    }
    assert_eq!(count(&app.core, "credit_accounts").await, 2);
    assert_eq!(count(&app.core, "credit_entries").await, 2);
}

#[tokio::test]
async fn a_long_history_has_pages() {
    let (_app, mut ada, mut root, path) = ada_and_root().await;
    for at in 0..30 {
        let key = format!("0123456789abcdef{at}");
        let reason = format!("Number {at}.");
        let fields = [
            ("key", key.as_str()),
            ("amount", "1"),
            ("reason", reason.as_str()),
        ];
        assert_eq!(root.post(&path, &fields).await.location(), path);
    }
    for (client, path) in [(&mut ada, "/credits/history"), (&mut root, path.as_str())] {
        let first = client.get(path).await.text;
        assert!(first.contains("Number 29.") && !first.contains("Number 4."));
        let link = format!("{path}?before=7");
        assert!(first.contains(&link), "{first}");
        let second = client.get(&link).await.text;
        assert!(second.contains("Number 4.") && second.contains("Welcome credits"));
        assert!(!second.contains("Older"));
        for odd in ["0", "-1", "x", "%00", "99999999999999999999"] {
            let answer = client.get(&format!("{path}?before={odd}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{odd}");
        }
    }
}

#[tokio::test]
async fn what_the_staff_types_is_text_on_every_page() {
    let (_app, mut ada, mut root, path) = ada_and_root().await;
    let reason = "<script>alert(1)</script>";
    let fields = [
        ("key", "0123456789abcdef"),
        ("amount", "-1.5"),
        ("reason", reason),
    ];
    let done = root.post(&path, &fields).await;
    assert_eq!(done.location(), path);
    for path in ["/dashboard", "/credits/history"] {
        let page = ada.get(path).await.text;
        assert!(
            page.contains("&lt;script&gt;") && !page.contains(reason),
            "{page}"
        );
        assert!(page.contains("-1.5") && page.contains("98.5"), "{page}");
    }
}

#[tokio::test]
async fn the_history_is_filtered_and_downloaded_and_use_is_drawn() {
    let (_app, mut ada, mut root, path) = ada_and_root().await;
    for (at, (amount, reason)) in [("5", "=HYPERLINK(1)"), ("-2", "say \"no\"")]
        .into_iter()
        .enumerate()
    {
        let key = format!("0123456789abcdef{at}");
        let fields = [
            ("key", key.as_str()),
            ("amount", amount),
            ("reason", reason),
        ];
        assert_eq!(root.post(&path, &fields).await.location(), path);
    }
    let grants = ada.get("/credits/history?kind=grant&from=&until=").await;
    assert!(grants.text.contains("Welcome credits") && !grants.text.contains("HYPERLINK"));
    let later = ada
        .get("/credits/history?kind=&from=2026-01-02&until=")
        .await;
    assert!(!later.text.contains("Welcome credits"));
    let same_day = ada
        .get("/credits/history?kind=&from=2026-01-01&until=2026-01-01")
        .await;
    assert!(same_day.text.contains("Welcome credits"));
    for odd in ["kind=x", "from=yesterday", "until=2026-02-30"] {
        for page in ["/credits/history", "/credits/history.csv"] {
            let answer = ada.get(&format!("{page}?{odd}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{page}?{odd}");
        }
    }
    let csv = ada.get("/credits/history.csv").await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<_> = csv.text.lines().collect();
    assert_eq!(lines.len(), 4, "{}", csv.text);
    assert_eq!(
        lines[1],
        "3,2026-01-01T00:00:00Z,Adjusted,-2,103,0,\"say \"\"no\"\"\",\"\""
    );
    assert!(lines[2].contains(",\"'=HYPERLINK(1)\","), "{}", lines[2]);
    let page = ada.get("/credits").await;
    assert!(page.text.contains("Nothing was used."), "{}", page.text);
    assert!(!page.text.contains("running low"));
}

#[tokio::test]
async fn what_was_used_is_drawn_and_an_empty_account_is_told() {
    let (app, mut ada, ..) = ada_and_root().await;
    let owner = Owner::User(id_of(&app, "ada@example.com").await.into());
    for (amount, key, told) in [
        (60, "use", "Used in the last 30 days: 60"),
        (40, "rest", "You have no credits left."),
    ] {
        let note = Note::system(key, "A run");
        let spent = actions::spend(&app.core, &owner, Credits::whole(amount), &note).await;
        spent.unwrap();
        let page = ada.get("/credits").await.text;
        assert!(page.contains(told) && page.contains("<rect "), "{page}");
    }
}

/// Accounts and credits only.
pub fn app_of(settings: credits::Settings) -> App {
    let open = quickscale_runtime::auth::Registration::Open;
    let auth = quickscale_runtime::auth::module(crate::support::settings(open));
    let shop = App::builder(SITE, Environment::Test).module(auth);
    shop.module(credits::module(settings))
}
