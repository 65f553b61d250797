//! The command `users`: what an operator does with accounts.

mod support;

use axum::http::StatusCode;
use quickscale_runtime::Environment;
use quickscale_runtime::auth::{EmailVerification, Registration};
use support::{PASSWORD, app, app_of, column, run, settings, sign_in, sign_up, themed};

#[tokio::test]
async fn an_operator_locks_and_unlocks_and_it_is_recorded() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    run(&app, "users", &["lock", "ADA@example.com"])
        .await
        .unwrap();
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::SEE_OTHER);
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let refused = app.client().post("/accounts/login", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    run(&app, "users", &["unlock", "ada@example.com"])
        .await
        .unwrap();
    sign_in(&app, "ada@example.com").await;
    let mut record = column(&app, "SELECT action FROM audit_entries").await;
    record.sort();
    assert_eq!(record, ["user.activated", "user.deactivated"]);
}

#[tokio::test]
async fn an_operator_takes_an_address_as_confirmed() {
    let mut options = settings(Registration::Open);
    options.email_verification = EmailVerification::Mandatory;
    let app = themed(app_of(Environment::Test, options)).start().await;
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    app.client().post("/accounts/signup", &fields).await;
    run(&app, "users", &["verify", "ada@example.com"])
        .await
        .unwrap();
    sign_in(&app, "ada@example.com").await;
    assert_eq!(
        column(&app, "SELECT action FROM audit_entries").await,
        ["user.verified"]
    );
}

#[tokio::test]
async fn an_operator_who_names_nobody_is_told() {
    let app = themed(app()).start().await;
    for verb in [
        "lock",
        "unlock",
        "verify",
        "reset-link",
        "reset-second-factor",
    ] {
        let refused = run(&app, "users", &[verb, "ada@example.com"])
            .await
            .unwrap_err();
        assert!(refused.to_string().contains("users list"), "{refused}");
        let refused = run(&app, "users", &[verb, "ada"]).await.unwrap_err();
        assert!(refused.to_string().contains("e-mail address"), "{refused}");
    }
    run(&app, "users", &["list"]).await.unwrap();
    run(&app, "users", &["list", "ada", "--json"])
        .await
        .unwrap();
}
