//! What the runtime's tests share: an application with every module on the pages of the `htmx` theme, and
//! people who have signed in to it.

#![expect(dead_code, reason = "each test binary uses a part")]

pub mod billing;
pub mod death;
pub mod ledger;
pub mod packages;
pub mod phone;
pub mod process;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use quickscale_runtime::api;
use quickscale_runtime::app::Overlay;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::billing as billing_module;
use quickscale_runtime::credits::{self, Credits};
use quickscale_runtime::passkeys;
use quickscale_runtime::pictures;
use quickscale_runtime::services;
use quickscale_runtime::social;
use quickscale_runtime::testing::{Client, TestApp, TestAppBuilder};
use quickscale_runtime::{App, Environment, admin, in_transaction};
use sqlx::{AssertSqlSafe, Row as _};

/// The application's name in tests.
pub const SITE: &str = "My Test Shop";
/// A password that every rule lets pass.
pub const PASSWORD: &str = "correct horse battery";

/// An application with every module.
pub fn app() -> App {
    app_with(Registration::Open)
}

pub fn app_with(registration: Registration) -> App {
    app_in(Environment::Test, registration)
}

/// An application with every module, for one kind of place.
pub fn app_in(environment: Environment, registration: Registration) -> App {
    app_of(environment, settings(registration))
}

/// The settings of accounts, but for who may make one, as a project is born with them.
pub fn settings(registration: Registration) -> auth::Settings {
    auth::Settings {
        registration,
        ..auth::Settings::default()
    }
}

pub fn app_of(environment: Environment, settings: auth::Settings) -> App {
    App::builder(SITE, environment)
        .module(auth::module(settings))
        .module(credits::module(credits::Settings {
            signup_grant: Credits::whole(100),
            ..credits::Settings::default()
        }))
        .module(services::module(services::Settings::default()))
        .module(billing_module::module(billing_module::Settings::default()))
        .module(api::module(api::Settings {
            requests_per_minute: 600,
            cors_origins: String::new(),
        }))
        .module(social::module(social::Settings {}))
        .module(passkeys::module(passkeys::Settings {}))
        .module(pictures::module(pictures::Settings::default()))
        .module(admin::module(admin::Settings {}))
}

/// `app` with the pages and assets of the theme.
pub fn themed(app: App) -> TestAppBuilder {
    TestApp::builder(app).overlay(overlay())
}

/// By one connection to PostgreSQL: whoever holds it and waits for another gets none.
pub fn by_one_connection(app: App) -> TestAppBuilder {
    themed(app).env("DATABASE_CONNECTIONS", "1")
}

/// A browser whose owner has just signed up as `email` and confirmed that address.
pub async fn sign_up(app: &TestApp, email: &str) -> Client {
    let client = sign_up_unconfirmed(app, email).await;
    let confirmed = confirm_address(app, email).await;
    confirmed.expect("the table is there");
    client
}

async fn confirm_address(app: &TestApp, email: &str) -> quickscale_runtime::Result<()> {
    in_transaction!(app.core.db(), tx => {
        sqlx::query("UPDATE users SET email_verified_at = created_at WHERE email = $1")
            .bind(email)
            .execute(tx.conn())
            .await?;
        Ok(())
    })
}

/// A browser whose owner has just signed up as `email`.
pub async fn sign_up_unconfirmed(app: &TestApp, email: &str) -> Client {
    let mut client = app.client();
    let fields = [("email", email), ("password", PASSWORD)];
    let answer = client.post("/accounts/signup", &fields).await;
    assert_eq!(answer.location(), "/dashboard", "{}", answer.text);
    client
}

/// A browser whose owner has just signed in as `email`.
pub async fn sign_in(app: &TestApp, email: &str) -> Client {
    let mut client = app.client();
    let fields = [("email", email), ("password", PASSWORD)];
    let answer = client.post("/accounts/login", &fields).await;
    assert_eq!(answer.location(), "/dashboard", "{}", answer.text);
    client
}

/// Gives the password again, as is asked for before what matters most.
pub async fn confirm(client: &mut Client) {
    let fields = [("password", PASSWORD), ("next", "/dashboard")];
    let answer = client.post("/accounts/confirm", &fields).await;
    assert_eq!(answer.location(), "/dashboard", "{}", answer.text);
}

/// A browser of a new administrator.
pub async fn sign_up_admin(app: &TestApp, email: &str) -> Client {
    let client = sign_up(app, email).await;
    let made = run(app, "create-admin", &["--email", email]).await;
    made.expect("whoever has an account can be promoted");
    client
}

/// Runs a command of the application's binary on the application's database.
pub async fn run(app: &TestApp, name: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let commands = self::app().commands();
    let mut commands = commands.into_iter();
    let command = commands.find(|command| command.cli.get_name() == name);
    let command = command.expect("a module brings this command");
    let line = [&[name], arguments].concat();
    let matches = command.cli.clone().get_matches_from(line);
    (command.run)(app.core.clone(), matches).await
}

/// The number of rows of a table.
pub async fn count(app: &TestApp, table: &str) -> i64 {
    let sql = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    let row = sqlx::query(sql).fetch_one(app.core.db().reader()).await;
    row.and_then(|row| row.try_get(0))
        .expect("the table is there")
}

/// What a stranger may have set up in every account: a key for programs, another way to sign in, and a second factor.
pub async fn leave_traps(app: &TestApp) {
    let mut tx = app.core.db().begin().await.expect("it begins");
    for sql in [
        "INSERT INTO api_keys (id, user_id, handle, digest, name, scopes, form_key, created_at)
         SELECT 'key-' || id, id, 'handle-' || id, '', '', '', '', 0 FROM users",
        "INSERT INTO social_identities (issuer, subject, user_id, label, created_at, used_at)
         SELECT 'https://id.example', id, id, '', 0, 0 FROM users",
        "INSERT INTO second_factors (user_id, secret, used_step, created_at) SELECT id, '', 0, 0 FROM users",
    ] {
        let done = sqlx::query(sql).execute(tx.conn()).await;
        done.expect("the tables are there");
    }
    tx.commit().await.expect("it ends");
}

/// Whose [`leave_traps`] still opens, or keeps out.
pub async fn traps(app: &TestApp) -> Vec<String> {
    let sql = "SELECT user_id FROM api_keys WHERE revoked_at IS NULL
        UNION ALL SELECT user_id FROM social_identities
        UNION ALL SELECT user_id FROM second_factors";
    column(app, sql).await
}

/// The texts of a query's first column.
pub async fn column(app: &TestApp, sql: &'static str) -> Vec<String> {
    let rows = sqlx::query(sql).fetch_all(app.core.db().reader()).await;
    let rows = rows.expect("the query is right");
    rows.iter()
        .map(|row| row.try_get(0).expect("it is text"))
        .collect()
}

/// Waits until `is_so`, for a minute: what is waited for takes long only on a machine that is very busy.
pub async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while !is_so().await {
        assert!(tokio::time::Instant::now() < end, "never: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// The theme's templates, and its assets with empty files in the place of the packages from outside.
pub fn overlay() -> Overlay {
    static OVERLAY: OnceLock<Overlay> = OnceLock::new();
    OVERLAY.get_or_init(make_overlay).clone()
}

fn make_overlay() -> Overlay {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../project_templates");
    let theme = all.join("themes/htmx");
    let templates: Vec<PathBuf> = [&theme, &all.join("modules"), &all]
        .into_iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("the folder is there"))
        .flatten()
        .map(|layer| layer.path().join("templates"))
        .filter(|templates| templates.is_dir())
        .collect();
    let assets = Path::new(env!("CARGO_TARGET_TMPDIR")).join("assets");
    for layer in std::fs::read_dir(&theme).expect("the folder is there") {
        let own = layer.expect("it can be read").path().join("static");
        for file in files(&own) {
            let path = file.strip_prefix(&own).expect("it lies below");
            put(
                &assets.join(path),
                &std::fs::read(&file).expect("it can be read"),
            );
        }
    }
    for template in templates.iter().flat_map(|folder| files(folder)) {
        let text = std::fs::read_to_string(template).expect("templates are text");
        for (at, start) in text.match_indices("'vendor/") {
            let path = text[at + 1..].split('\'').next().unwrap_or_default();
            assert!(start.len() < path.len(), "an asset has a name");
            put(&assets.join(path), b"");
        }
    }
    Overlay {
        templates,
        assets: Some(assets),
    }
}

/// Every file below `folder`; none where there is no such folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// Writes a file whole, or not at all: other test binaries use the same folder at the same time.
pub fn put(path: &Path, bytes: &[u8]) {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return;
    }
    std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("folders can be made");
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    std::fs::write(&draft, bytes).expect("files can be written");
    std::fs::rename(&draft, path).expect("files can be put in place");
}
