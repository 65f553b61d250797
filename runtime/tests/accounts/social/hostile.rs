//! Answers of a provider, or of whoever stands between, that must not be believed.

use super::provider::{Provider, Visitor};
use super::{ADA_THERE, go, is_in, leaves_to, start, told};
use crate::support::count;

/// What is wrong, each with where the refusal is noticed: all end in the same sentence.
const WRONGS: [&str; 17] = [
    "issuer",
    "no subject",
    "audience",
    "two audiences",
    "party",
    "expired",
    "future",
    "nonce",
    "no nonce",
    "unsigned",
    "hmac",
    "key",
    "no such key",
    "algorithm",
    "changed",
    "iss",
    "no iss",
];

#[tokio::test]
async fn what_is_not_as_it_has_to_be_is_not_believed() {
    let provider = Provider::start();
    let app = start(&provider).await;
    for wrong in WRONGS {
        let mut client = app.client();
        let answer = go(&mut client, "/accounts/social/hostile", wrong).await;
        assert_eq!(answer.location(), "/accounts/login", "{wrong}");
        let page = told(&mut client, "/accounts/login").await;
        assert!(page.contains("could not tell us who you are"), "{wrong}");
        assert!(!is_in(&mut client).await, "{wrong}");
    }
    assert_eq!(count(&app, "users").await, 0);
    // The same provider, when nothing is wrong.
    let mut client = app.client();
    go(&mut client, "/accounts/social/hostile", "nothing").await;
    assert!(is_in(&mut client).await);
}

#[tokio::test]
async fn an_answer_counts_in_the_browser_that_asked_once_and_for_a_while() {
    let provider = Provider::start();
    let app = start(&provider).await;
    let mut client = app.client();
    let answer = go(&mut client, "/accounts/social/hostile", "state").await;
    assert_eq!(answer.location(), "/accounts/login");
    assert!(!is_in(&mut client).await);

    let page = client.post("/accounts/social/rsa", &[]).await;
    let url = leaves_to(&page);
    for part in [
        "code_challenge_method=S256",
        "nonce=",
        "state=",
        "response_type=code",
    ] {
        assert!(url.contains(part), "{url}");
    }
    let held = client.cookie("qs_social").unwrap().to_owned();
    let back = Visitor::named(ADA_THERE).agree(&url).await;
    let mut victim = app.client();
    victim.get(&back).await;
    assert!(!is_in(&mut victim).await, "another browser");
    let elsewhere = back.replace("/rsa/", "/ec/");
    let mut confused = client.clone();
    confused.get(&elsewhere).await;
    assert!(!is_in(&mut confused).await, "another provider");
    client.get(&back).await;
    assert!(is_in(&mut client).await);
    let mut again = app.client();
    again.set_cookie("qs_social", &held);
    again.get(&back).await;
    assert!(!is_in(&mut again).await, "the code was used");
}

#[tokio::test]
async fn next_never_leaves_the_site() {
    let provider = Provider::start();
    let app = start(&provider).await;
    for next in ["https://evil.example", "//evil.example", "/\\evil.example"] {
        let mut client = app.client();
        let page = client.post("/accounts/social/rsa", &[("next", next)]).await;
        let back = Visitor::named(ADA_THERE).agree(&leaves_to(&page)).await;
        assert_eq!(client.get(&back).await.location(), "/dashboard");
    }
}
