//! Which account somebody from a provider comes to, and how ways to sign in are added and removed.

use axum::http::StatusCode;
use quickscale_runtime::auth::Registration;
use quickscale_runtime::testing::Client;

use super::provider::{Provider, Visitor};
use super::{ADA, ADA_THERE, ada, app, at, change, go, is_in, leaves_to, start, told};
use crate::support::{column, count, sign_in, sign_up, sign_up_unconfirmed};

const LINK: &str = "/accounts/social/rsa/link";
const UNLINK: &str = "/accounts/social/rsa/unlink";

async fn remove(client: &mut Client, person: &str) -> String {
    client.post(UNLINK, &[("subject", person)]).await;
    told(client, "/accounts/security").await
}

#[tokio::test]
async fn an_address_that_both_sides_have_verified_ties_them_together_and_its_owner_is_told() {
    let provider = Provider::start();
    let app = start(&provider).await;
    ada(&app).await;
    let mut client = app.client();
    go(
        &mut client,
        "/accounts/social/rsa",
        "ada|Ada@Example.com|true",
    )
    .await;
    assert!(is_in(&mut client).await);
    assert_eq!(count(&app, "users").await, 1);
    let mail = app.mails().await.pop().unwrap();
    assert!(
        mail.subject.contains("rsa signs you in"),
        "{}",
        mail.subject
    );
    // The password goes on working.
    sign_in(&app, ADA).await;
}

#[tokio::test]
async fn an_account_whose_address_nobody_has_shown_to_be_his_is_not_given_away() {
    let provider = Provider::start();
    let app = start(&provider).await;
    let mut thief = sign_up_unconfirmed(&app, ADA).await;
    let mut client = app.client();
    go(&mut client, "/accounts/social/rsa", ADA_THERE).await;
    let page = told(&mut client, "/accounts/login").await;
    assert!(
        page.contains("There is an account with your address"),
        "{page}"
    );
    assert!(!is_in(&mut client).await);
    // Nor may whoever signed up with it keep a way in.
    go(&mut thief, LINK, "thief|thief@example.com|true").await;
    let page = told(&mut thief, "/accounts/security").await;
    assert!(page.contains("Confirm your own address first"), "{page}");
    assert_eq!(count(&app, "social_identities").await, 0);
}

#[tokio::test]
async fn ways_are_added_and_removed_by_whoever_is_signed_in() {
    let provider = Provider::start();
    let app = start(&provider).await;
    let mut ada = ada(&app).await;
    let person = "countess|countess@example.com|true";
    let linked = go(&mut ada, LINK, person).await;
    assert_eq!(linked.location(), "/accounts/security");
    let page = told(&mut ada, "/accounts/security").await;
    assert!(page.contains("countess@example.com"), "{page}");
    let mut client = app.client();
    go(&mut client, "/accounts/social/rsa", person).await;
    assert!(is_in(&mut client).await);

    let mut bob = sign_up(&app, "bob@example.com").await;
    remove(&mut bob, person).await;
    assert_eq!(count(&app, "social_identities").await, 1, "it is not his");
    let page = remove(&mut ada, person).await;
    assert!(page.contains("does not sign you in any more"), "{page}");
    let mails = app.mails().await;
    assert!(
        mails
            .last()
            .unwrap()
            .subject
            .contains("does not sign you in")
    );
    assert_eq!(count(&app, "social_identities").await, 0);
    let acts = "SELECT action || ' ' || details FROM audit_entries WHERE actor_id = target_id ORDER BY action";
    let expected = [
        r#"identity.linked {"provider":"rsa"}"#,
        r#"identity.unlinked {"provider":"rsa"}"#,
    ];
    assert_eq!(column(&app, acts).await, expected);
}

#[tokio::test]
async fn an_identity_is_of_one_account() {
    let provider = Provider::start();
    let app = start(&provider).await;
    let mut ada = ada(&app).await;
    go(&mut ada, LINK, ADA_THERE).await;
    let mut bob = app.client();
    go(&mut bob, "/accounts/social/rsa", "bob|bob@example.com|true").await;
    go(&mut bob, LINK, ADA_THERE).await;
    let page = told(&mut bob, "/accounts/security").await;
    assert!(page.contains("Another account here belongs to"), "{page}");
    assert_eq!(count(&app, "social_identities").await, 2);
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let provider = Provider::start();
    let app = start(&provider).await;
    let mut client = app.client();
    go(&mut client, "/accounts/social/rsa", ADA_THERE).await;
    let page = remove(&mut client, ADA_THERE).await;
    assert!(page.contains("your only way to sign in"), "{page}");
    let second = "second|second@example.com|true";
    go(&mut client, LINK, second).await;
    remove(&mut client, ADA_THERE).await;
    assert_eq!(count(&app, "social_identities").await, 1);
}

#[tokio::test]
async fn whoever_has_no_password_confirms_at_his_provider() {
    let provider = Provider::start();
    let app = start(&provider).await;
    let mut client = app.client();
    go(&mut client, "/accounts/social/rsa", ADA_THERE).await;
    change(&app, "UPDATE sessions SET proved_at = 0").await;
    let asked = client.get("/accounts/email").await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    let page = client.get(asked.location()).await;
    assert!(page.text.contains("Confirm with rsa"), "{}", page.text);
    assert!(!page.text.contains("Confirm with ec\""));
    assert!(!page.text.contains("type=\"password\""));
    let confirm = "/accounts/social/rsa/confirm";
    go(&mut client, confirm, "else|else@example.com|true").await;
    let page = told(&mut client, "/accounts/security").await;
    assert!(page.contains("another account of rsa"), "{page}");
    assert_eq!(
        client.get("/accounts/email").await.status,
        StatusCode::SEE_OTHER
    );
    go(&mut client, confirm, ADA_THERE).await;
    assert_eq!(client.get("/accounts/email").await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_confirms_has_to_sign_in_there_anew() {
    let provider = Provider::start();
    let app = start(&provider).await;
    let mut ada = ada(&app).await;
    go(&mut ada, "/accounts/social/hostile/link", "right").await;
    let confirm = "/accounts/social/hostile/confirm";
    for (answer, is_taken) in [("long ago", false), ("silent", false), ("asked anew", true)] {
        change(&app, "UPDATE sessions SET proved_at = 0").await;
        let page = ada.post(confirm, &[]).await;
        let url = leaves_to(&page);
        assert!(url.contains("prompt=login&max_age=0"), "{url}");
        let back = Visitor::named(answer).agree(&url).await;
        ada.get(&back).await;
        let is_fresh = ada.get("/accounts/email").await.status == StatusCode::OK;
        assert_eq!(is_fresh, is_taken, "{answer}");
    }
}

/// The provider knows the browser, and still asks.
#[tokio::test]
async fn a_session_at_the_provider_is_not_enough_to_confirm() {
    let provider = Provider::start();
    let app = start(&provider).await;
    let (mut client, mut visitor) = (app.client(), Visitor::named(ADA_THERE));
    for path in ["/accounts/social/rsa", "/accounts/social/rsa/confirm"] {
        change(&app, "UPDATE sessions SET proved_at = 0").await;
        let page = client.post(path, &[]).await;
        let back = visitor.agree(&leaves_to(&page)).await;
        client.get(&back).await;
        assert_eq!(client.get("/accounts/email").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_deactivated_account_stays_shut() {
    let provider = Provider::start();
    let app = at(app(Registration::Open), &provider).start().await;
    let mut client = app.client();
    go(&mut client, "/accounts/social/rsa", ADA_THERE).await;
    change(&app, "UPDATE users SET is_active = 0").await;
    let mut again = app.client();
    go(&mut again, "/accounts/social/rsa", ADA_THERE).await;
    let page = told(&mut again, "/accounts/login").await;
    assert!(page.contains("has been deactivated"), "{page}");
    assert!(!is_in(&mut again).await);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_is_not_passed_by() {
    let provider = Provider::start();
    let app = start(&provider).await;
    let mut ada = ada(&app).await;
    let turn_on = "INSERT INTO second_factors (user_id, secret, used_step, created_at)
         SELECT id, 'x', 0, 0 FROM users";
    change(&app, turn_on).await;
    let mut client = app.client();
    go(&mut client, "/accounts/social/rsa", ADA_THERE).await;
    let page = told(&mut client, "/accounts/login").await;
    assert!(page.contains("Sign in another way first"), "{page}");
    assert_eq!(count(&app, "social_identities").await, 0);
    go(&mut ada, LINK, ADA_THERE).await;
    let answer = go(&mut client, "/accounts/social/rsa", ADA_THERE).await;
    assert_eq!(
        answer.location(),
        "/accounts/login/code?next=%2Faccounts%2Fsecurity%3Fa%3D1"
    );
    assert!(!is_in(&mut client).await);
}
