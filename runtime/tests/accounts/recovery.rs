//! What is done by way of a mail: confirming an address, changing it, choosing a new password; and that nobody
//! learns from it who has an account.

use std::time::Duration;

use crate::support;
use crate::support::{
    PASSWORD, app_of, column, count, settings, sign_in, sign_up_admin,
    sign_up_unconfirmed as sign_up, themed,
};
use axum::http::StatusCode;
use quickscale_runtime::Environment;
use quickscale_runtime::auth::{EmailVerification, Registration, Settings};
use quickscale_runtime::mail::Message;
use quickscale_runtime::testing::{Answer, Client, TestApp};

const NEW: &str = "a wholly new password";
const MINUTE: Duration = Duration::from_secs(60);

async fn start(email_verification: EmailVerification) -> TestApp {
    let settings = Settings {
        email_verification,
        ..settings(Registration::Open)
    };
    themed(app_of(Environment::Test, settings)).start().await
}

/// The newest mail to `address` that says `part`.
async fn last_mail(app: &TestApp, address: &str, part: &str) -> Message {
    let mut mails = app.mails().await.into_iter();
    let found = mails.rfind(|mail| mail.to == address && mail.text.contains(part));
    found.unwrap()
}

/// The path of the newest link to `address` that contains `part`.
async fn link(app: &TestApp, address: &str, part: &str) -> String {
    let part = format!("/{part}/");
    let mail = last_mail(app, address, &part).await;
    mail.link(&part).unwrap().to_owned()
}

async fn verified(app: &TestApp) -> Vec<String> {
    let sql = "SELECT email FROM users WHERE email_verified_at IS NOT NULL ORDER BY email";
    column(app, sql).await
}

async fn try_sign_up(client: &mut Client, email: &str) -> Answer {
    let fields = [("email", email), ("password", PASSWORD)];
    client.post("/accounts/signup", &fields).await
}

async fn try_sign_in(app: &TestApp, password: &str) -> Answer {
    let fields = [("email", "ada@example.com"), ("password", password)];
    app.client().post("/accounts/login", &fields).await
}

#[tokio::test]
async fn without_verification_no_mail_is_sent() {
    let app = start(EmailVerification::None).await;
    sign_up(&app, "ada@example.com").await;
    assert_eq!(app.mails().await, []);
}

#[tokio::test]
async fn an_optional_verification_lets_in_and_asks_by_mail() {
    let app = start(EmailVerification::Optional).await;
    let mut ada = sign_up(&app, "Ada@example.com").await;
    let page = ada.get("/accounts/email").await;
    assert!(page.text.contains("not confirmed yet"), "{}", page.text);
    let path = link(&app, "Ada@example.com", "verify").await;
    // A scanner that follows the link changes nothing.
    assert_eq!(app.client().get(&path).await.status, StatusCode::OK);
    assert!(verified(&app).await.is_empty());
    let done = ada.post(&path, &[]).await;
    assert_eq!(done.location(), "/dashboard");
    assert_eq!(verified(&app).await, ["Ada@example.com"]);
    let page = ada.get("/accounts/email").await;
    assert!(!page.text.contains("not confirmed yet"), "{}", page.text);
    for answer in [ada.get(&path).await, ada.post(&path, &[]).await] {
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "it works once");
    }
}

#[tokio::test]
async fn a_mandatory_verification_comes_before_the_first_sign_in() {
    let app = start(EmailVerification::Mandatory).await;
    let mut ada = app.client();
    let answer = try_sign_up(&mut ada, "ada@example.com").await;
    assert_eq!(answer.location(), "/accounts/verify/sent");
    assert_eq!(count(&app, "sessions").await, 0);
    let refused = try_sign_in(&app, PASSWORD).await;
    assert!(
        refused.text.contains("Confirm your address"),
        "{}",
        refused.text
    );
    assert_eq!(app.mails().await.len(), 2, "the link is mailed again");
    let path = link(&app, "ada@example.com", "verify").await;
    let done = ada.post(&path, &[("password", PASSWORD)]).await;
    assert_eq!(done.location(), "/dashboard");
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::OK);
}

/// Somebody signs up with an address that is not his.
async fn signed_up_by_a_stranger(app: &TestApp) -> (Client, String) {
    let stranger = sign_up(app, "ada@example.com").await;
    (stranger, link(app, "ada@example.com", "verify").await)
}

#[tokio::test]
async fn a_strangers_password_ends_with_the_owners_word() {
    let app = start(EmailVerification::Optional).await;
    let (mut stranger, path) = signed_up_by_a_stranger(&app).await;
    let mut owner = app.client();
    let page = owner.get(&path).await;
    assert!(page.text.contains("Choose a new password"), "{}", page.text);
    for fields in [&[][..], &[("password", "what may it be")]] {
        let refused = owner.post(&path, fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains("This is not the password"));
    }
    assert!(verified(&app).await.is_empty());
    let choose = format!("{path}/password");
    let on = owner.post(&choose, &[]).await.location().to_owned();
    assert!(on.starts_with("/accounts/password/reset/"), "{on}");
    for used in [&choose, &path] {
        let again = owner.post(used, &[("password", PASSWORD)]).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND, "it works once");
    }
    assert!(verified(&app).await.is_empty());
    owner.post(&on, &[("password", NEW)]).await;
    assert_eq!(verified(&app).await, ["ada@example.com"]);
    assert_eq!(
        stranger.get("/dashboard").await.status,
        StatusCode::SEE_OTHER
    );
    let refused = try_sign_in(&app, PASSWORD).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(try_sign_in(&app, NEW).await.location(), "/dashboard");
}

#[tokio::test]
async fn in_another_browser_the_password_confirms_and_signs_in() {
    let app = start(EmailVerification::Optional).await;
    let (_, path) = signed_up_by_a_stranger(&app).await;
    // Being signed in to another account shows nothing.
    let mut bob = sign_up(&app, "bob@example.com").await;
    let refused = bob.post(&path, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut phone = app.client();
    let done = phone.post(&path, &[("password", PASSWORD)]).await;
    assert_eq!(done.location(), "/dashboard");
    assert_eq!(verified(&app).await, ["ada@example.com"]);
    let page = phone.get("/accounts/email").await;
    assert!(page.text.contains("ada@example.com"), "{}", page.text);
}

#[tokio::test]
async fn the_password_beside_a_link_is_not_tried_without_end() {
    let app = start(EmailVerification::Optional).await;
    let (_, path) = signed_up_by_a_stranger(&app).await;
    let mut owner = app.client();
    for status in [StatusCode::UNPROCESSABLE_ENTITY; 5] {
        assert_eq!(owner.post(&path, &[("password", NEW)]).await.status, status);
    }
    let slowed = owner.post(&path, &[("password", PASSWORD)]).await;
    assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(verified(&app).await.is_empty());
}

#[tokio::test]
async fn of_twenty_choices_at_the_same_time_one_leads_on() {
    let app = start(EmailVerification::Optional).await;
    let (_, path) = signed_up_by_a_stranger(&app).await;
    let tries = (0..20).map(|_| {
        let (mut client, path) = (app.client(), format!("{path}/password"));
        tokio::spawn(async move { client.post(&path, &[]).await.status })
    });
    let done = futures_util::future::join_all(tries).await;
    let led_on = |status: &Result<StatusCode, _>| matches!(status, Ok(StatusCode::SEE_OTHER));
    assert_eq!(done.iter().filter(|one| led_on(one)).count(), 1);
}

#[tokio::test]
async fn a_new_address_is_confirmed_by_who_has_the_account() {
    let app = start(EmailVerification::Optional).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    ask_for_address(&mut ada, "bob@example.com").await;
    let path = link(&app, "bob@example.com", "verify").await;
    // Bob, whose address it is, has nothing to do with the account.
    let mut bob = app.client();
    let page = bob.get(&path).await;
    assert!(
        !page.text.contains("Choose a new password"),
        "{}",
        page.text
    );
    let refused = bob.post(&path, &[("password", NEW)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let taken = bob.post(&format!("{path}/password"), &[]).await;
    assert_eq!(taken.status, StatusCode::NOT_FOUND);
    let emails = "SELECT email FROM users";
    assert_eq!(column(&app, emails).await, ["ada@example.com"]);
    bob.post(&path, &[("password", PASSWORD)]).await;
    assert_eq!(column(&app, emails).await, ["bob@example.com"]);
}

#[tokio::test]
async fn without_a_password_the_account_itself_confirms_a_new_address() {
    let app = start(EmailVerification::Optional).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    ask_for_address(&mut ada, "countess@example.com").await;
    let mut tx = app.core.db().begin().await.unwrap();
    let sql = "UPDATE users SET has_password = 0";
    sqlx::query(sql).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
    let path = link(&app, "countess@example.com", "verify").await;
    let page = app.client().get(&path).await;
    let why = "that you have to be signed in to";
    assert!(page.text.contains(why), "{}", page.text);
    let refused = app.client().post(&path, &[("password", PASSWORD)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    ada.post(&path, &[]).await;
    let emails = "SELECT email FROM users";
    assert_eq!(column(&app, emails).await, ["countess@example.com"]);
}

#[tokio::test]
async fn with_mandatory_verification_sign_up_does_not_tell_who_has_an_account() {
    let app = start(EmailVerification::Mandatory).await;
    let first = try_sign_up(&mut app.client(), "ada@example.com").await;
    let again = try_sign_up(&mut app.client(), "ADA@example.com").await;
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    assert_eq!(first.location(), again.location());
    last_mail(&app, "ada@example.com", "It belongs to an account already").await;
    assert_eq!(count(&app, "users").await, 1);
}

#[tokio::test]
async fn whom_the_operator_makes_needs_no_verification() {
    let app = start(EmailVerification::Mandatory).await;
    let arguments = ["--email", "root@example.com", "--password", PASSWORD];
    support::run(&app, "create-admin", &arguments)
        .await
        .unwrap();
    sign_in(&app, "root@example.com").await;
}

#[tokio::test]
async fn a_link_works_for_a_day() {
    for (wait, status) in [
        (MINUTE * 60 * 24 - MINUTE, StatusCode::SEE_OTHER),
        (MINUTE * 60 * 24, StatusCode::NOT_FOUND),
    ] {
        let app = start(EmailVerification::Optional).await;
        sign_up(&app, "ada@example.com").await;
        let path = link(&app, "ada@example.com", "verify").await;
        app.clock.advance(wait);
        let password = [("password", PASSWORD)];
        assert_eq!(app.client().post(&path, &password).await.status, status);
        app.work_jobs().await;
        assert_eq!(count(&app, "mailed_tokens").await, 0, "used or forgotten");
    }
}

#[tokio::test]
async fn a_link_can_be_asked_for_again_until_the_address_is_confirmed() {
    let app = start(EmailVerification::Optional).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    ada.post("/accounts/verify/resend", &[]).await;
    assert_eq!(app.mails().await.len(), 2);
    let path = link(&app, "ada@example.com", "verify").await;
    assert_eq!(ada.post(&path, &[]).await.location(), "/dashboard");
    ada.post("/accounts/verify/resend", &[]).await;
    assert_eq!(app.mails().await.len(), 2);
}

async fn ask_for_address(client: &mut Client, email: &str) -> Answer {
    client.post("/accounts/email", &[("email", email)]).await
}

#[tokio::test]
async fn a_new_address_counts_when_it_is_confirmed_and_the_old_one_is_told() {
    let app = start(EmailVerification::Optional).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let answer = ask_for_address(&mut ada, "Countess@example.com").await;
    assert_eq!(answer.location(), "/accounts/email");
    let emails = "SELECT email FROM users";
    assert_eq!(column(&app, emails).await, ["ada@example.com"]);
    let path = link(&app, "Countess@example.com", "verify").await;
    ada.post(&path, &[]).await;
    assert_eq!(column(&app, emails).await, ["Countess@example.com"]);
    last_mail(
        &app,
        "ada@example.com",
        "is Countess@example.com from now on",
    )
    .await;
    sign_in(&app, "countess@example.com").await;
}

#[tokio::test]
async fn the_address_of_another_account_is_asked_for_in_vain_and_without_a_word() {
    let app = start(EmailVerification::Optional).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    sign_up(&app, "bob@example.com").await;
    let free = ask_for_address(&mut ada, "free@example.com").await;
    let taken = ask_for_address(&mut ada, "bob@example.com").await;
    assert_eq!(
        (free.status, free.location()),
        (taken.status, taken.location())
    );
    last_mail(&app, "bob@example.com", "It belongs to an account already").await;
    // Taken between the mail and the click.
    let path = link(&app, "free@example.com", "verify").await;
    sign_up(&app, "free@example.com").await;
    ada.post(&path, &[]).await;
    let emails = column(&app, "SELECT email FROM users ORDER BY email").await;
    assert_eq!(
        emails,
        ["ada@example.com", "bob@example.com", "free@example.com"]
    );
}

async fn ask_reset(app: &TestApp, email: &str) -> Answer {
    app.client()
        .post("/accounts/password/reset", &[("email", email)])
        .await
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_mail() {
    let app = start(EmailVerification::Optional).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    ask_reset(&app, "ADA@example.com").await;
    let older = link(&app, "ada@example.com", "reset").await;
    ask_reset(&app, "ada@example.com").await;
    let path = link(&app, "ada@example.com", "reset").await;
    let page = app.client().get(&path).await;
    assert!(page.text.contains("ada@example.com"), "{}", page.text);
    let weak = app.client().post(&path, &[("password", "short")]).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = app.client().post(&path, &[("password", NEW)]).await;
    assert_eq!(done.location(), "/accounts/login", "{}", done.text);
    // Every session has ended, no other link works, the owner is told, and reads this address's mail.
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::SEE_OTHER);
    for stale in [&path, &older] {
        let answer = app.client().post(stale, &[("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    last_mail(&app, "ada@example.com", "has just been changed").await;
    assert_eq!(verified(&app).await, ["ada@example.com"]);
    assert_eq!(
        try_sign_in(&app, PASSWORD).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(try_sign_in(&app, NEW).await.location(), "/dashboard");
}

#[tokio::test]
async fn a_link_to_a_new_password_works_for_an_hour() {
    for (wait, status) in [
        (MINUTE * 59, StatusCode::SEE_OTHER),
        (MINUTE * 60, StatusCode::NOT_FOUND),
    ] {
        let app = start(EmailVerification::Optional).await;
        sign_up(&app, "ada@example.com").await;
        ask_reset(&app, "ada@example.com").await;
        let path = link(&app, "ada@example.com", "reset").await;
        app.clock.advance(wait);
        let answer = app.client().post(&path, &[("password", NEW)]).await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn asking_for_a_new_password_tells_nobody_who_has_an_account() {
    let app = start(EmailVerification::Optional).await;
    sign_up(&app, "ada@example.com").await;
    let before = app.mails().await.len();
    let (known, unknown) = (
        ask_reset(&app, "ada@example.com").await,
        ask_reset(&app, "eve@example.com").await,
    );
    assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
    assert_eq!(known.location(), unknown.location());
    let receivers: Vec<_> = app
        .mails()
        .await
        .split_off(before)
        .into_iter()
        .map(|mail| mail.to)
        .collect();
    assert_eq!(receivers, ["ada@example.com"]);
}

#[tokio::test]
async fn whoever_is_deactivated_gets_no_link() {
    let app = start(EmailVerification::None).await;
    sign_up_admin(&app, "root@example.com").await;
    sign_up(&app, "ada@example.com").await;
    let mut tx = app.core.db().begin().await.unwrap();
    let sql = "UPDATE users SET is_active = 0 WHERE email = 'ada@example.com'";
    sqlx::query(sql).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
    ask_reset(&app, "ada@example.com").await;
    assert_eq!(app.mails().await, []);
}

#[tokio::test]
async fn of_twenty_uses_of_one_link_at_the_same_time_one_works() {
    let app = start(EmailVerification::Optional).await;
    sign_up(&app, "ada@example.com").await;
    ask_reset(&app, "ada@example.com").await;
    let path = link(&app, "ada@example.com", "reset").await;
    let uses = (0..20).map(|at| {
        let (mut client, path) = (app.client(), path.clone());
        async move {
            let password = format!("{NEW} number {at}");
            client.post(&path, &[("password", &password)]).await.status
        }
    });
    let statuses = futures_util::future::join_all(uses).await;
    let worked = statuses
        .iter()
        .filter(|status| **status == StatusCode::SEE_OTHER);
    assert_eq!(worked.count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| !status.is_server_error()));
}

#[tokio::test]
async fn a_changed_password_is_told_and_makes_links_useless() {
    let app = start(EmailVerification::None).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    ask_reset(&app, "ada@example.com").await;
    let path = link(&app, "ada@example.com", "reset").await;
    let fields = [("current_password", PASSWORD), ("password", NEW)];
    ada.post("/accounts/password/change", &fields).await;
    last_mail(&app, "ada@example.com", "has just been changed").await;
    assert_eq!(app.client().get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn odd_links_are_not_found() {
    let app = start(EmailVerification::Optional).await;
    for kind in ["verify", "password/reset"] {
        for odd in [
            "x",
            "%27%20OR%201=1",
            "%ff",
            "\u{e9}",
            &"a".repeat(500),
            &"a".repeat(43),
        ] {
            let path = format!("/accounts/{kind}/{}", odd.replace('\u{e9}', "%C3%A9"));
            let mut client = app.client();
            let get = client.get(&path).await.status;
            let post = client.post(&path, &[("password", NEW)]).await.status;
            assert!(
                get.is_client_error() && post.is_client_error(),
                "{path}: {get} {post}"
            );
        }
    }
}
