//! Accounts from outside: signing up, in and out, the profile, the password, and the commands.

use crate::support;
use crate::support::{
    PASSWORD, app, app_in, app_with, column, count, run, sign_in, sign_up, themed,
};
use axum::http::StatusCode;
use quickscale_runtime::auth::{Registration, UserCreated, actions};
use quickscale_runtime::config::Environment;
use quickscale_runtime::error::Error;
use quickscale_runtime::module::{Install, Module};

const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

#[tokio::test]
async fn somebody_signs_up_and_out_and_in_again() {
    let app = themed(app()).start().await;
    let mut client = sign_up(&app, "Ada@Example.com").await;
    let never = "SELECT email FROM users WHERE last_signed_in_at IS NULL";
    assert!(column(&app, never).await.is_empty());
    let dashboard = client.get("/dashboard").await;
    assert!(
        dashboard.text.contains("Hello, Ada@Example.com"),
        "{}",
        dashboard.text
    );
    assert!(dashboard.text.contains("Your account is ready"));

    let answer = client.post("/accounts/logout", &[]).await;
    assert_eq!(answer.location(), "/");
    assert_eq!(count(&app, "sessions").await, 0);
    assert_eq!(
        client.get("/dashboard").await.location(),
        "/accounts/login?next=%2Fdashboard"
    );

    let mut again = sign_in(&app, "ada@example.COM").await;
    assert_eq!(again.get("/dashboard").await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_has_signed_in_is_not_asked_again() {
    let app = themed(app()).start().await;
    let mut client = sign_up(&app, "ada@example.com").await;
    for path in ["/accounts/login", "/accounts/signup"] {
        assert_eq!(client.get(path).await.location(), "/dashboard");
        assert_eq!(
            client
                .get(&format!("{path}?next=/contact"))
                .await
                .location(),
            "/contact"
        );
    }
    assert_eq!(client.get("/accounts/logout").await.status, StatusCode::OK);
    assert_eq!(app.client().get("/accounts/logout").await.location(), "/");
}

#[tokio::test]
async fn a_closed_registration_says_so_and_has_no_links() {
    let app = themed(app_with(Registration::Closed)).start().await;
    let mut client = app.client();
    let page = client.get("/accounts/signup?next=/services").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("No new accounts"), "{}", page.text);
    assert!(page.text.contains("/accounts/login?next=/services"));
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let answer = client.post("/accounts/signup", &fields).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(count(&app, "users").await, 0);
    for path in ["/", "/about", "/pricing", "/accounts/login"] {
        let page = client.get(path).await.text;
        assert!(page.contains("/accounts/login"), "{path}: {page}");
        assert!(!page.contains("/accounts/signup"), "{path}: {page}");
    }
}

#[tokio::test]
async fn faults_of_a_sign_up_are_shown_beside_what_was_typed() {
    let app = themed(app()).start().await;
    for (email, password, fault) in [
        ("", PASSWORD, "Enter an e-mail address."),
        ("ada<b>", PASSWORD, "Enter an e-mail address such as"),
        ("ada@example.com", "short", "at least 10 characters"),
        (
            "ada@example.com",
            "ADA@example.com",
            "not your e-mail address",
        ),
        (
            "ada@example.com",
            support::SITE,
            "not the name of this site",
        ),
    ] {
        let fields = [
            ("email", email),
            ("password", password),
            ("next", "/contact?a=b"),
        ];
        let answer = app.client().post("/accounts/signup", &fields).await;
        assert_eq!(answer.status, UNPROCESSABLE, "{email}");
        assert!(answer.text.contains(fault), "{fault}: {}", answer.text);
        assert!(!answer.text.contains("<b>"), "{}", answer.text);
        let long = password.len() > 5;
        assert!(
            !long || !answer.text.contains(&format!("\"{password}\"")),
            "a password came back"
        );
        assert_eq!(answer.input("next"), Some("/contact?a=b"));
    }
    assert_eq!(count(&app, "users").await, 0);
}

#[tokio::test]
async fn one_address_makes_one_account_however_it_is_written_and_however_many_ask() {
    let app = themed(app()).start().await;
    let attempts: Vec<_> = (0..20)
        .map(|at| {
            let mut client = app.client();
            let email = if at % 2 == 0 {
                "ada@example.com"
            } else {
                "ADA@Example.Com"
            };
            tokio::spawn(async move {
                let fields = [("email", email), ("password", PASSWORD)];
                client.post("/accounts/signup", &fields).await
            })
        })
        .collect();
    let mut done = 0;
    for attempt in attempts {
        let answer = attempt.await.unwrap();
        match answer.status {
            StatusCode::SEE_OTHER => done += 1,
            status => {
                assert_eq!(status, UNPROCESSABLE, "{}", answer.text);
                assert!(
                    answer
                        .text
                        .contains("There is an account with this address")
                );
            }
        }
    }
    assert_eq!((done, count(&app, "users").await), (1, 1));
    assert_eq!(count(&app, "sessions").await, 1);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let app = themed(app()).start().await;
    sign_up(&app, "ada@example.com").await;
    let mut pages = Vec::new();
    for (email, password) in [
        ("ada@example.com", "not the password"),
        ("bob@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("ada@example.com", ""),
        ("ada@example.com", &"x".repeat(10_000)),
    ] {
        let mut client = app.client();
        let answer = client
            .post(
                "/accounts/login",
                &[("email", email), ("password", password)],
            )
            .await;
        assert_eq!(answer.status, UNPROCESSABLE, "{email}");
        assert!(
            answer
                .text
                .contains("The e-mail address or the password is not right.")
        );
        let request = answer
            .headers
            .get("x-request-id")
            .unwrap()
            .to_str()
            .unwrap();
        let token = answer.input("csrf").unwrap();
        let page = answer
            .text
            .replace(request, "")
            .replace(token, "")
            .replace(email, "");
        pages.push(page);
        assert_eq!(client.cookie("qs_session"), None);
    }
    assert!(pages.windows(2).all(|two| two[0] == two[1]), "{pages:?}");
}

#[tokio::test]
async fn a_sign_in_leads_to_the_page_that_asked_for_it_and_never_off_the_site() {
    let app = themed(app()).start().await;
    sign_up(&app, "ada@example.com").await;
    let asked = app.client().get("/accounts/profile?tab=a&b=c").await;
    assert_eq!(
        asked.location(),
        "/accounts/login?next=%2Faccounts%2Fprofile%3Ftab%3Da%26b%3Dc"
    );
    let form = app.client().get(asked.location()).await;
    let next = form.input("next").unwrap().replace("&amp;", "&");
    assert_eq!(next, "/accounts/profile?tab=a&b=c");
    for (next, expected) in [
        (next.as_str(), "/accounts/profile?tab=a&b=c"),
        ("", "/dashboard"),
        ("/", "/dashboard"),
        ("https://evil.example", "/dashboard"),
        ("//evil.example/dashboard", "/dashboard"),
        ("/\\evil.example", "/dashboard"),
        ("\\\\evil.example", "/dashboard"),
        ("/\t/evil.example", "/dashboard"),
        ("javascript:alert(1)", "/dashboard"),
        ("/a\r\nset-cookie: x=y", "/dashboard"),
    ] {
        for path in ["/accounts/login", "/accounts/signup"] {
            let mut client = app.client();
            let new = format!("user{}@example.com", rand::random::<u64>());
            let email = if path.ends_with("login") {
                "ada@example.com"
            } else {
                &new
            };
            let fields = [("email", email), ("password", PASSWORD), ("next", next)];
            let answer = client.post(path, &fields).await;
            assert_eq!(answer.location(), expected, "{path} {next:?}");
        }
    }
}

#[tokio::test]
async fn a_profile_is_shown_and_saved() {
    let app = themed(app()).start().await;
    let mut client = sign_up(&app, "ada@example.com").await;
    let name = [("name", "  Ada <b>Lovelace</b> ")];
    let saved = client.post("/accounts/profile", &name).await;
    assert_eq!(saved.location(), "/accounts/profile");
    let page = client.get("/accounts/profile").await.text;
    assert!(page.contains("Your profile has been saved."), "{page}");
    assert!(
        page.contains("value=\"Ada &lt;b&gt;Lovelace&lt;/b&gt;\""),
        "{page}"
    );
    assert!(
        client
            .get("/dashboard")
            .await
            .text
            .contains("Hello, Ada &lt;b&gt;")
    );

    let long = "n".repeat(101);
    let refused = client.post("/accounts/profile", &[("name", &long)]).await;
    assert_eq!(refused.status, UNPROCESSABLE);
    assert!(refused.text.contains("at most 100 characters"));
    let stored = column(&app, "SELECT name FROM users").await;
    assert_eq!(stored, ["Ada <b>Lovelace</b>"]);
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_the_other_sessions() {
    let app = themed(app()).start().await;
    let mut here = sign_up(&app, "ada@example.com").await;
    let mut elsewhere = sign_in(&app, "ada@example.com").await;
    let new = "an entirely new one";
    let path = "/accounts/password/change";

    let wrong = [("current_password", "a wrong old one"), ("password", new)];
    let refused = here.post(path, &wrong).await;
    assert_eq!(refused.status, UNPROCESSABLE);
    assert!(refused.text.contains("This is not your current password."));
    let weak = [("current_password", PASSWORD), ("password", "short")];
    assert_eq!(here.post(path, &weak).await.status, UNPROCESSABLE);
    assert_eq!(elsewhere.get("/dashboard").await.status, StatusCode::OK);

    let before = here.cookie("qs_session").unwrap().to_owned();
    let right = [("current_password", PASSWORD), ("password", new)];
    assert_eq!(
        here.post(path, &right).await.location(),
        "/accounts/profile"
    );
    assert_ne!(here.cookie("qs_session"), Some(&*before));
    assert_eq!(here.get("/dashboard").await.status, StatusCode::OK);
    assert_eq!(
        elsewhere.get("/dashboard").await.status,
        StatusCode::SEE_OTHER
    );
    let old = [("email", "ada@example.com"), ("password", PASSWORD)];
    assert_eq!(
        app.client().post("/accounts/login", &old).await.status,
        UNPROCESSABLE
    );
    let now = [("email", "ada@example.com"), ("password", new)];
    assert_eq!(
        app.client().post("/accounts/login", &now).await.location(),
        "/dashboard"
    );
}

/// Takes part in every sign-up, and fails for one address.
struct Witness;

impl Module for Witness {
    fn name(&self) -> &'static str {
        "witness"
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        install.on::<UserCreated>(|_, tx, event| {
            Box::pin(async move {
                sqlx::query("UPDATE users SET name = $1 WHERE id = $2")
                    .bind(format!("told of {}", event.email))
                    .bind(event.user.as_str())
                    .execute(tx.conn())
                    .await?;
                if event.email.starts_with("fail") {
                    return Err(Error::internal(anyhow::anyhow!("the witness fails")));
                }
                Ok(())
            })
        });
        Ok(())
    }
}

#[tokio::test]
async fn others_take_part_in_a_sign_up_or_it_does_not_happen() {
    let app = themed(app().module(Witness)).start().await;
    sign_up(&app, "Ada@example.com").await;
    let fields = [("email", "fail@example.com"), ("password", PASSWORD)];
    let failed = app.client().post("/accounts/signup", &fields).await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        column(&app, "SELECT name FROM users").await,
        ["told of Ada@example.com"]
    );
}

#[tokio::test]
async fn an_administrator_is_made_on_request_only() {
    let app = themed(app()).start().await;
    assert_eq!(count(&app, "users").await, 0);
    run(
        &app,
        "create-admin",
        &["--email", "Root@example.com", "--password", PASSWORD],
    )
    .await
    .unwrap();
    let mut root = sign_in(&app, "root@example.com").await;
    assert_eq!(root.get("/admin").await.status, StatusCode::OK);

    let weak = run(
        &app,
        "create-admin",
        &["--email", "b@example.com", "--password", "short"],
    )
    .await;
    assert!(
        weak.unwrap_err()
            .to_string()
            .contains("at least 10 characters")
    );
    let wrong = run(&app, "create-admin", &["--email", "b"]).await;
    assert!(wrong.unwrap_err().to_string().contains("\"b\""));
    assert_eq!(count(&app, "users").await, 1);
    run(&app, "create-admin", &["--email", "generated@example.com"])
        .await
        .unwrap();
    assert_eq!(count(&app, "users").await, 2);
}

#[tokio::test]
async fn somebody_with_an_account_becomes_administrator_and_keeps_the_password() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    assert_eq!(ada.get("/admin").await.status, StatusCode::FORBIDDEN);
    run(&app, "create-admin", &["--email", "ADA@example.com"])
        .await
        .unwrap();
    assert_eq!(ada.get("/admin").await.status, StatusCode::OK);
    sign_in(&app, "ada@example.com").await;
    let record = "SELECT action || before_state || after_state FROM audit_entries";
    let (before, after) = (
        r#"{"role":"user","active":true}"#,
        r#"{"role":"admin","active":true}"#,
    );
    assert_eq!(
        column(&app, record).await,
        [format!("user.role_set{before}{after}")]
    );

    let new = "an entirely new one";
    run(
        &app,
        "create-admin",
        &["--email", "ada@example.com", "--password", new],
    )
    .await
    .unwrap();
    assert_eq!(ada.get("/admin").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn seeds_are_two_accounts_whose_passwords_change_each_time() {
    let app = themed(app()).start().await;
    run(&app, "seed", &[]).await.unwrap();
    let query = "SELECT password_hash FROM users ORDER BY email";
    let first = column(&app, query).await;
    run(&app, "seed", &["--json"]).await.unwrap();
    let second = column(&app, query).await;
    let roles = column(
        &app,
        "SELECT email || ' ' || role FROM users ORDER BY email",
    )
    .await;
    assert_eq!(roles, ["staff@example.com admin", "user@example.com user"]);
    assert!(first[0] != second[0] && first[1] != second[1]);
}

#[tokio::test]
async fn seeds_are_refused_in_production() {
    let production = themed(app_in(Environment::Production, Registration::Open))
        .env("APP_URL", "https://app.test");
    let app = production.start().await;
    let refused = run(&app, "seed", &[]).await.unwrap_err().to_string();
    assert!(refused.contains("create-admin"), "{refused}");
    assert_eq!(count(&app, "users").await, 0);
}

#[tokio::test]
async fn what_happens_to_an_account_is_recorded_and_the_record_stays() {
    let app = themed(app()).start().await;
    run(&app, "create-admin", &["--email", "root@example.com"])
        .await
        .unwrap();
    assert_eq!(count(&app, "audit_entries").await, 1);
    for sql in [
        "UPDATE audit_entries SET action = 'x'",
        "DELETE FROM audit_entries",
    ] {
        let mut tx = app.core.db().begin().await.unwrap();
        let refused = sqlx::query(sql).execute(tx.conn()).await.unwrap_err();
        assert!(
            refused.to_string().contains("append-only"),
            "{sql}: {refused}"
        );
    }
    assert_eq!(count(&app, "audit_entries").await, 1);
}

#[tokio::test]
async fn users_are_found_by_a_part_of_their_address_as_it_stands() {
    let app = themed(app()).start().await;
    for email in [
        "a_b@example.com",
        "aXb@example.com",
        "50%off@example.com",
        "c@example.com",
    ] {
        sign_up(&app, email).await;
    }
    for (search, expected) in [
        ("a_b", 1),
        ("AXB", 1),
        ("%", 1),
        ("example", 4),
        ("\\", 0),
        ("'", 0),
    ] {
        let query = actions::UserQuery {
            search: search.into(),
            before: None,
            limit: 10,
        };
        let found = actions::list_users(&app.core, &query).await.unwrap();
        assert_eq!(found.len(), expected, "{search}");
    }
}

#[tokio::test]
async fn who_comes_from_django_signs_in_and_is_hashed_anew() {
    let app = themed(app()).start().await;
    sign_up(&app, "ada@example.com").await;
    let django = "pbkdf2_sha256$2000$seasaltseasalt$y7PLNrQ8S82yjxV4XTHYDwkRwxR/6Wl0OGWr6o/kSVY=";
    let mut tx = app.core.db().begin().await.unwrap();
    let set = sqlx::query("UPDATE users SET password_hash = $1").bind(django);
    set.execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
    let hashes = "SELECT password_hash FROM users";
    for (password, location) in [("correct horsf", ""), ("correct horse", "/dashboard")] {
        assert_eq!(column(&app, hashes).await, [django]);
        let fields = [("email", "ada@example.com"), ("password", password)];
        let answer = app.client().post("/accounts/login", &fields).await;
        assert_eq!(answer.location(), location);
    }
    let hash = column(&app, hashes).await;
    assert!(
        hash[0].starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hash:?}"
    );
    let fields = [("email", "ada@example.com"), ("password", "correct horse")];
    let again = app.client().post("/accounts/login", &fields).await;
    assert_eq!(again.location(), "/dashboard");
    assert_eq!(column(&app, hashes).await, hash);
}
