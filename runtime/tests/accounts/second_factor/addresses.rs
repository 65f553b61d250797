//! The second factor and whoever's address it is: nobody keeps the owner out with it, and no mail takes it away.

use axum::http::StatusCode;
use quickscale_runtime::Environment;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::testing::TestApp;

use super::{Phone, SET_UP, STEP, give, is_in, turn_on, with_password};
use crate::support::{
    PASSWORD, app, app_of, count, settings, sign_up, sign_up_unconfirmed, themed,
};

async fn unconfirm(app: &TestApp) {
    let mut tx = app.core.db().begin().await.unwrap();
    let sql = "UPDATE users SET email_verified_at = NULL";
    sqlx::query(sql).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

/// Else whoever signed up with another's address would keep him out, or a mail could take the factor away.
#[tokio::test]
async fn only_whoever_has_confirmed_his_address_sets_one_up() {
    let app = themed(app()).start().await;
    let mut ada = sign_up_unconfirmed(&app, "ada@example.com").await;
    assert_eq!(ada.get(SET_UP).await.location(), "/accounts/verify");
    let page = ada.get("/accounts/verify").await;
    assert!(
        page.text.contains("Confirm your e-mail address first"),
        "{}",
        page.text
    );
    let mut bob = sign_up(&app, "bob@example.com").await;
    let offer = bob.get(SET_UP).await;
    let phone = Phone::scan(&offer);
    unconfirm(&app).await;
    let fields = [
        ("sealed", offer.input("sealed").unwrap()),
        ("code", &phone.code(&app)),
    ];
    assert_eq!(
        bob.post(SET_UP, &fields).await.location(),
        "/accounts/verify"
    );
    assert_eq!(count(&app, "second_factors").await, 0);
}

/// Where nobody is asked to confirm his address, whoever reads the mailbox gets the password and not the factor.
#[tokio::test]
async fn without_confirmed_addresses_no_mail_takes_it_away() {
    for by_reset in [false, true] {
        let options = auth::Settings {
            email_verification: auth::EmailVerification::None,
            magic_links: true,
            ..settings(Registration::Open)
        };
        let app = themed(app_of(Environment::Test, options)).start().await;
        let mut ada = sign_up_unconfirmed(&app, "ada@example.com").await;
        let (phone, _) = turn_on(&app, &mut ada).await;
        app.clock.advance(STEP);
        let (ask, part) = match by_reset {
            true => ("/accounts/password/reset", "/accounts/password/reset/"),
            false => ("/accounts/login/mail", "/accounts/login/mail/"),
        };
        app.client()
            .post(ask, &[("email", "ada@example.com")])
            .await;
        let mails = app.mails().await;
        let link = mails.iter().find_map(|mail| mail.link(part)).unwrap();
        let mut thief = app.client();
        let taken = thief.post(link, &[("password", PASSWORD)]).await;
        assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text);
        assert!(!is_in(&mut thief).await);
        let mut client = with_password(&app).await;
        let entered = give(&mut client, &phone.code(&app)).await;
        assert_eq!(entered.location(), "/services", "by reset: {by_reset}");
    }
}

/// Else whoever signed up with another's address would keep him out with his own app.
#[tokio::test]
async fn codes_of_a_stranger_end_when_the_owner_of_the_address_comes() {
    const NEW: &str = "a wholly new password";
    let app = themed(app()).start().await;
    let mut stranger = sign_up(&app, "ada@example.com").await;
    turn_on(&app, &mut stranger).await;
    // As it could be before a confirmed address was asked for.
    unconfirm(&app).await;
    let mails = app.mails().await;
    let mut links = mails
        .iter()
        .filter_map(|mail| mail.link("/accounts/verify/"));
    let choose = format!("{}/password", links.next().unwrap());
    let mut owner = app.client();
    let on = owner.post(&choose, &[]).await.location().to_owned();
    owner.post(&on, &[("password", NEW)]).await;
    let fields = [("email", "ada@example.com"), ("password", NEW)];
    let answer = owner.post("/accounts/login", &fields).await;
    assert_eq!(answer.location(), "/dashboard", "{}", answer.text);
    assert_eq!(count(&app, "recovery_codes").await, 0);
}
