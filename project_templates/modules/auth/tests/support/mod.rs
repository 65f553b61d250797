//! People for tests. Add your own here.

#![allow(dead_code, reason = "each test binary uses a part")]

use app::app;
use quickscale_runtime::Environment;
use quickscale_runtime::auth::{EmailAddress, User, actions};
use quickscale_runtime::testing::{Client, TestApp};

pub const PASSWORD: &str = "correct horse battery";

/// Whether visitors may make an account.
pub fn registration_is_open(app: &TestApp) -> bool {
    let mut routes = app.core.routes().iter();
    routes.any(|route| route.method == "POST" && route.path == "/accounts/signup")
}

/// A browser of somebody new, signed in. Where registration is closed, an administrator made the account.
pub async fn newcomer(app: &TestApp, email: &str) -> Client {
    if !registration_is_open(app) {
        return administrator(app, email).await;
    }
    let mut client = app.client();
    let fields = [("email", email), ("password", PASSWORD)];
    let answer = client.post("/accounts/signup", &fields).await;
    if answer.location() == "/accounts/verify/sent" {
        confirm(app, email).await;
        return sign_in(app, email).await;
    }
    assert_eq!(answer.location(), "/dashboard", "{}", answer.text);
    confirm(app, email).await;
    client
}

/// Opens the link of the newest mail to this address, where addresses are to be confirmed.
async fn confirm(app: &TestApp, email: &str) {
    let mut mails = app.mails().await.into_iter();
    let mail = mails.rfind(|mail| mail.to == email);
    if let Some(link) = mail
        .as_ref()
        .and_then(|mail| mail.link("/accounts/verify/"))
    {
        let password = [("password", PASSWORD)];
        app.client().post(link, &password).await;
    }
}

/// A browser of a new administrator, signed in.
pub async fn administrator(app: &TestApp, email: &str) -> Client {
    let options = ["--email", email, "--password", PASSWORD];
    let made = run(app, "create-admin", &options).await;
    made.expect("the account can be made");
    sign_in(app, email).await
}

/// A browser of somebody who has an account, signed in.
pub async fn sign_in(app: &TestApp, email: &str) -> Client {
    let mut client = app.client();
    let fields = [("email", email), ("password", PASSWORD)];
    let answer = client.post("/accounts/login", &fields).await;
    assert_eq!(answer.location(), "/dashboard", "{}", answer.text);
    client
}

/// The account with this address.
pub async fn account(app: &TestApp, email: &str) -> User {
    let email = EmailAddress::parse(email).expect("it is an address");
    let found = actions::find_user_by_email(&app.core, &email).await;
    found
        .expect("the database answers")
        .expect("somebody has this address")
}

/// Runs a command of the application's binary, such as `seed`.
pub async fn run(
    test: &TestApp,
    name: &str,
    options: &[&str],
) -> Result<(), Box<dyn std::error::Error>> {
    let mut commands = app(Environment::Test).commands().into_iter();
    let command = commands
        .find(|command| command.cli.get_name() == name)
        .ok_or("there is no such command")?;
    let line = [&[name], options].concat();
    let matches = command.cli.clone().try_get_matches_from(line)?;
    Ok((command.run)(test.core.clone(), matches).await?)
}
