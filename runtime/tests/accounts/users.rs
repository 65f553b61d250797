//! The commands `users` and `create-admin`: what an operator does with accounts.

use crate::support::{
    PASSWORD, app, app_of, column, count, leave_traps, run, settings, sign_in, sign_up,
    sign_up_unconfirmed, themed, traps,
};
use axum::http::StatusCode;
use quickscale_runtime::Environment;
use quickscale_runtime::auth::{EmailVerification, Registration};

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
    // Whoever signed up may have been a stranger: the owner chooses a password by the link that was printed.
    let refused = app.client().post("/accounts/login", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!refused.text.contains("Confirm your address"));
    let acts = "SELECT action FROM audit_entries ORDER BY action";
    assert_eq!(
        column(&app, acts).await,
        ["user.reset_link_made", "user.verified"]
    );
    assert_eq!(count(&app, "mailed_tokens").await, 2);
}

#[tokio::test]
async fn a_confirmed_address_is_confirmed_no_second_time() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    run(&app, "users", &["verify", "ada@example.com"])
        .await
        .unwrap();
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::OK);
    sign_in(&app, "ada@example.com").await;
    assert_eq!(count(&app, "audit_entries").await, 0);
}

#[tokio::test]
async fn an_operator_who_confirms_an_address_ends_what_a_stranger_set_up() {
    let app = themed(app()).start().await;
    let mut stranger = sign_up_unconfirmed(&app, "ada@example.com").await;
    leave_traps(&app).await;
    run(&app, "users", &["verify", "ada@example.com"])
        .await
        .unwrap();
    assert_eq!(
        stranger.get("/dashboard").await.status,
        StatusCode::SEE_OTHER
    );
    assert!(traps(&app).await.is_empty());
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

/// Else whoever signed up with the address before would be the administrator.
#[tokio::test]
async fn an_administrator_whose_address_nobody_confirmed_gets_a_new_password() {
    let new = "an entirely new one";
    for arguments in [
        &["--email", "ada@example.com"][..],
        &["--email", "ada@example.com", "--password", new],
    ] {
        let app = themed(app()).start().await;
        let mut stranger = sign_up_unconfirmed(&app, "ada@example.com").await;
        leave_traps(&app).await;
        run(&app, "create-admin", arguments).await.unwrap();
        assert_eq!(stranger.get("/admin").await.status, StatusCode::SEE_OTHER);
        assert!(traps(&app).await.is_empty());
        let old = [("email", "ada@example.com"), ("password", PASSWORD)];
        let refused = app.client().post("/accounts/login", &old).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let is_admin = "SELECT role FROM users WHERE email_verified_at IS NOT NULL";
        assert_eq!(column(&app, is_admin).await, ["admin"]);
        if arguments.len() == 4 {
            let own = [("email", "ada@example.com"), ("password", new)];
            let answer = app.client().post("/accounts/login", &own).await;
            assert_eq!(answer.location(), "/dashboard", "{}", answer.text);
        }
    }
}
