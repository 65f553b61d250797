//! Two replicas that share nothing but their database count together, and know each other's sessions and links.

mod support;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::testing::{Answer, Client, TestApp};
use support::{PASSWORD, app, sign_in, sign_up, themed};

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
    let mut worked = 0;
    for one in uses {
        let answer = one.await.unwrap();
        assert!(!answer.status.is_server_error(), "{}", answer.text);
        worked += usize::from(answer.location() == "/accounts/login");
    }
    assert_eq!(worked, 1);
}
