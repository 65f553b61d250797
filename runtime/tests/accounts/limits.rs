//! How often one may try: each limit with the clock that tests move, shared by all processes of one database.

use std::net::IpAddr;
use std::time::Duration;

use crate::support;
use crate::support::phone::turn_on;
use crate::support::{PASSWORD, app_of, confirm, settings, sign_up, sign_up_unconfirmed, themed};
use axum::http::{StatusCode, header};
use quickscale_runtime::Environment;
use quickscale_runtime::app::BuiltApp;
use quickscale_runtime::auth::{EmailVerification, Registration};
use quickscale_runtime::config::Config;
use quickscale_runtime::db::Db;
use quickscale_runtime::testing::{Answer, Client, TestApp};

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));
const ADA: &str = "ada@example.com";
const WRONG: &str = "not the password";
const LOGIN: &str = "/accounts/login";
const RESET: &str = "/accounts/password/reset";
const MAGIC: &str = "/accounts/login/mail";
const MAILED_CODE: &str = "/accounts/login/mail/code";

async fn start() -> TestApp {
    let app = themed(support::app()).start().await;
    sign_up(&app, ADA).await;
    app
}

async fn sign_in(app: &TestApp, from: IpAddr, password: &str) -> Answer {
    let fields = [("email", ADA), ("password", password)];
    app.client().at(from).post(LOGIN, &fields).await
}

/// What is tried; the number tells one try from another.
#[derive(Debug, Clone, Copy)]
enum Try {
    SignIn,
    /// At a provider.
    SignInElsewhere,
    SignInWithPasskey,
    QuestionOfPasskey,
    FailAtOneAccount,
    FailAtMany,
    OldPassword,
    /// Of the second factor, after the right password.
    Code,
    MailedCode,
    /// At many accounts.
    MailedCodes,
    SignUp,
    Reset,
    ResetOfMany,
    MagicLink,
    MagicLinkOfMany,
    Resend,
    NewAddress,
    NewAddresses,
    Message,
    Export,
}

impl Try {
    fn form(self, number: u32) -> (&'static str, String, &'static str) {
        let (many, ada) = (format!("person{number}@example.com"), ADA.to_owned());
        match self {
            Self::SignIn => (LOGIN, ada, PASSWORD),
            Self::SignInElsewhere => ("/accounts/social/github", ada, ""),
            Self::SignInWithPasskey => ("/accounts/login/passkey", ada, ""),
            Self::QuestionOfPasskey => ("/accounts/login/passkey/question", ada, ""),
            Self::FailAtOneAccount => (LOGIN, ada, WRONG),
            Self::FailAtMany => (LOGIN, many, WRONG),
            Self::OldPassword => ("/accounts/password/change", ada, "an entirely new one"),
            Self::Code => ("/accounts/login/code", ada, ""),
            Self::MailedCode | Self::MailedCodes => (MAILED_CODE, ada, ""),
            Self::SignUp => ("/accounts/signup", many, PASSWORD),
            Self::Reset => (RESET, ada, ""),
            Self::ResetOfMany => (RESET, many, ""),
            Self::MagicLink => (MAGIC, ada, ""),
            Self::MagicLinkOfMany => (MAGIC, many, ""),
            Self::Resend => ("/accounts/verify/resend", ada, ""),
            Self::NewAddress => ("/accounts/email", "new@example.com".into(), ""),
            Self::NewAddresses => ("/accounts/email", many, ""),
            Self::Message => ("/contact", many, ""),
            Self::Export => ("/accounts/export", ada, ""),
        }
    }

    async fn once(self, people: &mut People, number: u32) -> Answer {
        let (path, email, password) = self.form(number);
        let fields = [
            ("email", &*email),
            ("password", password),
            ("current_password", WRONG),
            ("code", "000000"),
            ("name", "Eve"),
            ("message", "Hello"),
        ];
        let client = match self {
            Self::Resend => &mut people.unconfirmed,
            Self::OldPassword | Self::NewAddress | Self::NewAddresses | Self::Export => {
                &mut people.signed_in
            }
            Self::Code | Self::MailedCode => people.half_in(self, number).await,
            Self::MailedCodes => {
                people
                    .who_asked(&format!("person{number}@example.com"))
                    .await
            }
            _ => people.somebody(),
        };
        let answer = client.post(path, &fields).await;
        if !answer.location().starts_with("/accounts/confirm?") {
            return answer;
        }
        confirm(client).await;
        client.post(path, &fields).await
    }

    /// How often it works in a row, up to `most`; and how long to wait then, in seconds.
    async fn until_refused(self, people: &mut People, from: u32, most: u32) -> (u32, u64) {
        for number in 0..most {
            let answer = self.once(people, from + number).await;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                let wait = answer.headers[header::RETRY_AFTER].to_str().unwrap();
                assert!(answer.text.contains("oo many"), "{}", answer.text);
                return (number, wait.parse().unwrap());
            }
            assert!(!answer.status.is_server_error(), "{}", answer.text);
        }
        (most, 0)
    }
}

/// Who tries.
struct People {
    router: axum::Router,
    signed_in: Client,
    unconfirmed: Client,
    /// Who waits for a code.
    half_in: Client,
    somebody: Client,
}

impl People {
    async fn of(app: &TestApp) -> Self {
        let mut signed_in = sign_up(app, ADA).await.at(HOME);
        confirm(&mut signed_in).await;
        let mut other = sign_up(app, "with-phone@example.com").await;
        turn_on(app, &mut other).await;
        Self {
            router: app.router(),
            signed_in,
            unconfirmed: sign_up_unconfirmed(app, "late@example.com").await.at(HOME),
            half_in: app.client(),
            somebody: app.client(),
        }
    }

    fn somebody(&mut self) -> &mut Client {
        self.somebody = Client::of(self.router.clone()).at(HOME);
        &mut self.somebody
    }

    /// Of five tries the first begins anew: the right password, or another mail.
    async fn half_in(&mut self, what: Try, number: u32) -> &mut Client {
        if number.is_multiple_of(5) {
            self.half_in = Client::of(self.router.clone());
            let (path, email) = match what {
                Try::Code => (LOGIN, "with-phone@example.com"),
                _ => (MAGIC, ADA),
            };
            let fields = [("email", email), ("password", PASSWORD)];
            let answer = self.half_in.post(path, &fields).await;
            let (to, status) = (answer.location(), answer.status);
            assert!(to.contains("/code"), "{what:?} {number}: {status} {to}");
        }
        &mut self.half_in
    }

    async fn who_asked(&mut self, email: &str) -> &mut Client {
        let client = self.somebody();
        client.post(MAGIC, &[("email", email)]).await;
        client
    }
}

#[tokio::test]
async fn each_limit_holds_and_passes() {
    let options = quickscale_runtime::auth::Settings {
        magic_links: true,
        ..settings(Registration::Open)
    };
    let app = themed(app_of(Environment::Test, options))
        .env("SOCIAL_PROVIDERS", "github")
        .env("SOCIAL_GITHUB_CLIENT_ID", "a")
        .env("SOCIAL_GITHUB_CLIENT_SECRET", "b");
    let app = app.start().await;
    let mut people = People::of(&app).await;
    // What is tried, how often it works, and every how many thousandths of a second once more.
    for (what, allowed, pause) in [
        (Try::SignIn, 30, 2_000),
        (Try::SignInElsewhere, 30, 2_000),
        (Try::SignInWithPasskey, 30, 2_000),
        (Try::QuestionOfPasskey, 120, 500),
        (Try::FailAtMany, 10, 6_000),
        (Try::FailAtOneAccount, 5, 60_000),
        (Try::OldPassword, 5, 60_000),
        (Try::Code, 10, 90_000),
        (Try::MailedCode, 10, 90_000),
        (Try::MailedCodes, 10, 6_000),
        (Try::SignUp, 20, 3_000),
        (Try::Reset, 5, 12_000),
        (Try::ResetOfMany, 20, 3_000),
        (Try::MagicLink, 5, 12_000),
        (Try::MagicLinkOfMany, 20, 3_000),
        (Try::Resend, 5, 12_000),
        (Try::NewAddress, 5, 12_000),
        (Try::NewAddresses, 5, 12_000),
        (Try::Message, 20, 3_000),
        (Try::Export, 5, 720_000),
    ] {
        // What was tried before is forgotten by then.
        app.clock.advance(Duration::from_secs(3600));
        let (wait, mut from) = (u64::div_ceil(pause, 1000), 0);
        for (later, most, expected) in [
            (0, 200, (allowed, wait)),
            (pause - 10, 200, (0, 1)),
            (10, 200, (1, wait)),
            (3_600_000, 4, (4, 0)),
        ] {
            app.clock.advance(Duration::from_millis(later));
            let found = what.until_refused(&mut people, from, most).await;
            assert_eq!(found, expected, "{what:?} {from}");
            from += 1000;
        }
    }
}

/// A code that is right comes too late after five that are wrong; who begins anew gets in.
#[tokio::test]
async fn five_wrong_codes_are_the_end_of_one_sign_in() {
    let app = start().await;
    let mut ada = support::sign_in(&app, ADA).await;
    let (phone, _) = turn_on(&app, &mut ada).await;
    app.clock.advance(Duration::from_secs(3600));
    for (wrong, to) in [(4, "/dashboard"), (5, LOGIN)] {
        let mut client = app.client();
        let fields = [("email", ADA), ("password", PASSWORD)];
        client.post(LOGIN, &fields).await;
        for _ in 0..wrong {
            let answer = client
                .post("/accounts/login/code", &[("code", "000000")])
                .await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let code = phone.code(&app);
        let answer = client
            .post("/accounts/login/code", &[("code", &*code)])
            .await;
        assert_eq!(answer.location(), to, "{wrong}");
        app.clock.advance(Duration::from_secs(3600));
    }
}

/// Of an account without a password: its owner's mails are all that lets him in.
#[tokio::test]
async fn a_stranger_who_uses_up_the_mails_keeps_nobody_out() {
    let options = quickscale_runtime::auth::Settings {
        magic_links: true,
        ..settings(Registration::Open)
    };
    let app = themed(app_of(Environment::Test, options)).start().await;
    sign_up(&app, ADA).await;
    let ask = async |from: IpAddr| {
        let mut client = app.client().at(from);
        let answer = client.post(MAGIC, &[("email", ADA)]).await;
        (client, answer)
    };
    for minute in 0..3 {
        for second in 0..60 {
            app.clock.advance(Duration::from_secs(1));
            // He has a house full of addresses.
            ask(IpAddr::from([192, 0, 2, second])).await;
        }
        let (mut owner, answer) = ask(ELSEWHERE).await;
        assert_eq!(answer.location(), MAILED_CODE, "{minute}");
        let mails = app.mails().await;
        let code = mails.last().unwrap().text.clone();
        let (_, code) = code.split_once("asked for it: ").unwrap();
        let answer = owner.post(MAILED_CODE, &[("code", &code[..6])]).await;
        assert_eq!(answer.location(), "/dashboard", "{minute}");
        let (_, again) = ask(ELSEWHERE).await;
        assert_eq!(again.status, StatusCode::TOO_MANY_REQUESTS, "he is slowed");
        // What he has at once, then what comes in a minute: everybody's, one of his and one of the owner's.
        let most = 7 + (minute + 1) * 7;
        assert!(mails.len() <= most, "{minute}: {} mails", mails.len());
    }
}

#[tokio::test]
async fn success_clears_the_count_of_the_account() {
    let app = start().await;
    for _ in 0..3 {
        for _ in 0..4 {
            let wrong = sign_in(&app, HOME, WRONG).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let right = sign_in(&app, HOME, PASSWORD).await;
        assert_eq!(right.location(), "/dashboard");
        app.clock.advance(Duration::from_secs(30));
    }
}

#[tokio::test]
async fn a_stranger_never_locks_the_owner_out() {
    let app = start().await;
    for _ in 0..6 {
        sign_in(&app, HOME, WRONG).await;
    }
    let right = sign_in(&app, HOME, PASSWORD).await;
    assert_eq!(
        right.status,
        StatusCode::TOO_MANY_REQUESTS,
        "not even with the right one"
    );
    let owner = sign_in(&app, ELSEWHERE, PASSWORD).await;
    assert_eq!(owner.location(), "/dashboard");
}

/// Else whoever finds a browser that is signed in could try out its owner's password there.
#[tokio::test]
async fn the_old_password_is_not_tried_without_end() {
    let app = start().await;
    let mut found = support::sign_in(&app, "ada@example.com").await.at(HOME);
    let path = "/accounts/password/change";
    for number in 0..6 {
        let (old, status) = match number {
            0..5 => ("not the password", StatusCode::UNPROCESSABLE_ENTITY),
            _ => (PASSWORD, StatusCode::TOO_MANY_REQUESTS),
        };
        let fields = [
            ("current_password", old),
            ("password", "an entirely new one"),
        ];
        assert_eq!(found.post(path, &fields).await.status, status, "{number}");
    }
    let confirming = [("password", PASSWORD)];
    let status = found.post("/accounts/confirm", &confirming).await.status;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "it is one count");
}

/// Mails to many addresses, and messages to the staff.
#[tokio::test]
async fn one_network_asks_for_so_many_mails_whatever_the_addresses() {
    for path in ["/accounts/password/reset", "/contact"] {
        let app = start().await;
        let send = async |from: IpAddr, number: u32| {
            let email = format!("person{number}@example.com");
            let fields = [("email", &*email), ("name", "Eve"), ("message", "Hello")];
            app.client().at(from).post(path, &fields).await.status
        };
        for number in 0..20 {
            let status = send(HOME, number).await;
            assert_eq!(status, StatusCode::SEE_OTHER, "{path} {number}");
        }
        let refused = send(HOME, 20).await;
        assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS, "{path}");
        let elsewhere = send(ELSEWHERE, 21).await;
        assert_eq!(elsewhere, StatusCode::SEE_OTHER, "{path}");
    }
    let app = start().await;
    let fields = [
        ("email", "eve@example.com"),
        ("name", "Eve"),
        ("message", "Hello"),
    ];
    for _ in 0..21 {
        app.client().at(HOME).post("/contact", &fields).await;
    }
    assert_eq!(support::count(&app, "contact_messages").await, 20);
}

/// Whoever waits to be let in would be kept out by his own right password.
#[tokio::test]
async fn a_right_password_is_no_failure_whoever_is_let_in() {
    for sql in [
        "UPDATE users SET is_active = 0",
        "UPDATE users SET email_verified_at = NULL",
    ] {
        let options = quickscale_runtime::auth::Settings {
            email_verification: EmailVerification::Mandatory,
            mails_per_minute: 100,
            ..settings(Registration::Open)
        };
        let app = themed(app_of(Environment::Test, options)).start().await;
        let fields = ["--email", "ada@example.com", "--password", PASSWORD];
        support::run(&app, "create-admin", &fields).await.unwrap();
        let mut tx = app.core.db().begin().await.unwrap();
        sqlx::query(sql).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        for _ in 0..12 {
            let answer = sign_in(&app, HOME, PASSWORD).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{sql}");
        }
    }
}

#[tokio::test]
async fn the_limits_of_an_unknown_address_are_those_of_a_known_one() {
    let app = start().await;
    app.clock.advance(Duration::from_secs(3600));
    for email in ["ada@example.com", "eve@example.com"] {
        let mut refused = 0;
        for _ in 0..7 {
            let mut client = app.client().at(ELSEWHERE);
            let fields = [("email", email)];
            let answer = client.post("/accounts/password/reset", &fields).await;
            refused += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
        }
        assert_eq!(refused, 2, "{email}");
    }
}

#[tokio::test]
async fn processes_of_one_database_count_together() {
    let app = start().await;
    app.clock.advance(Duration::from_secs(3600));
    let vars = [
        ("APP_ENV", "test"),
        ("APP_SECRET_KEY", "a-key-for-tests-0123456789abcdef"),
        ("DATABASE_URL", app.database_url()),
    ];
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::from_vars(vars.into(), std::path::Path::new(".")).unwrap();
    let db = Db::connect(app.database_url()).await.unwrap();
    let (clock, overlay) = (app.clock.clone(), support::overlay());
    let other = app_of(Environment::Test, settings(Registration::Open));
    let BuiltApp { router, .. } = other.build(config, db, clock, overlay).unwrap();
    let mut clients = [app.client().at(HOME), Client::of(router).at(HOME)];
    let mut refused = 0;
    for number in 0..14 {
        let client = &mut clients[number % 2];
        let email = format!("person{number}@example.com");
        let fields = [("email", &*email), ("password", WRONG)];
        let answer = client.post(LOGIN, &fields).await;
        refused += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 4);
}
