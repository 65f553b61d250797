//! Whatever a form, an address, a header or a body holds, the answer is never a fault of the server.
//! `HOSTILE_SEED` runs a failure again.

use std::net::SocketAddr;

use crate::support::{PASSWORD, app, sign_up, sign_up_admin, themed};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderName, HeaderValue, Request};
use quickscale_runtime::testing::{Answer, Client, TestApp};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

const ROUNDS: usize = 45;

const PIECES: [&[u8]; 30] = [
    b"\0",
    b"\x01",
    b"\x7f",
    b"\r\n",
    b"\t",
    b"'",
    b"\"",
    b"\\",
    b"%",
    b"_",
    b"&",
    b"=",
    b"+",
    b"%00",
    b"{{ 7*7 }}",
    b"<script>",
    b"../",
    b"//",
    b"; DROP TABLE users",
    b"\xff\xfe",
    b"\xc3",
    b"\xed\xa0\x80",
    "é".as_bytes(),
    "\u{202e}".as_bytes(),
    "😀".as_bytes(),
    b"ada@example.com",
    b"true",
    b"-1",
    b"203.0.113.9, ",
    b"\x89PNG\r\n\x1a\n",
];

/// Each field with a value that is fine, so that the others are looked at.
const FORMS: [(&str, &[(&str, &str)]); 21] = [
    (
        "/accounts/signup",
        &[
            ("email", "new@example.com"),
            ("password", PASSWORD),
            ("next", "/"),
        ],
    ),
    (
        "/accounts/login",
        &[
            ("email", "ada@example.com"),
            ("password", PASSWORD),
            ("next", "/"),
        ],
    ),
    (
        "/accounts/profile",
        &[("name", "Ada"), ("time_zone", "UTC"), ("locale", "en-GB")],
    ),
    (
        "/accounts/profile/mails",
        &[("credits.low_balance", "true")],
    ),
    ("/accounts/password/reset", &[("email", "ada@example.com")]),
    ("/accounts/email", &[("email", "new@example.com")]),
    ("/accounts/delete", &[("email", "nobody@example.com")]),
    (
        "/accounts/confirm",
        &[("password", PASSWORD), ("next", "/")],
    ),
    (
        "/accounts/password/change",
        &[("current_password", PASSWORD), ("password", PASSWORD)],
    ),
    (
        "/admin/users/019a0000-0000-7000-8000-000000000000/activation",
        &[("active", "true")],
    ),
    (
        "/contact",
        &[
            ("name", "Ada"),
            ("email", "ada@example.com"),
            ("message", "Hello"),
        ],
    ),
    ("/accounts/login/code", &[("code", "123456")]),
    (
        "/accounts/security/second-factor",
        &[("code", "123456"), ("secret", "JBSWY3DPEHPK3PXP")],
    ),
    (
        "/accounts/api-keys",
        &[
            ("form_key", "0123456789abcdef"),
            ("name", "A program"),
            ("expiry", "30"),
            ("scope_account_read", "true"),
        ],
    ),
    ("/accounts/picture", &[("picture", "none")]),
    (
        "/billing/checkout",
        &[
            ("price", "small:eur"),
            ("quantity", "1"),
            ("key", "0123456789abcdef0123456789abcdef"),
        ],
    ),
    (
        "/billing/subscription/change",
        &[
            ("plan", "team"),
            ("quantity", "1"),
            ("key", "0123456789abcdef0123456789abcdef"),
        ],
    ),
    (
        "/billing/subscription/cancel",
        &[("key", "0123456789abcdef0123456789abcdef")],
    ),
    (
        "/admin/users/019a0000-0000-7000-8000-000000000000/credits",
        &[
            ("amount", "1"),
            ("reason", "why"),
            ("key", "0123456789abcdef"),
        ],
    ),
    (
        "/preferences/color-scheme",
        &[("scheme", "dark"), ("next", "/")],
    ),
    ("/nowhere", &[("x", "y")]),
];

const PAGES: [&str; 8] = [
    "/accounts/login?next=",
    "/accounts/signup?next=",
    "/admin/users?q=",
    "/admin/users?before=",
    "/admin/messages?before=",
    "/admin/users/",
    "/static/",
    "/",
];

const HEADERS: [&str; 10] = [
    "accept",
    "cookie",
    "content-type",
    "host",
    "origin",
    "sec-fetch-site",
    "user-agent",
    "x-csrf-token",
    "x-forwarded-for",
    "x-request-id",
];

struct Source {
    random: StdRng,
    seed: u64,
}

impl Source {
    fn new() -> Self {
        let seed = std::env::var("HOSTILE_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(rand::random);
        Self {
            random: StdRng::seed_from_u64(seed),
            seed,
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }

    fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.below(6) {
            let piece = PIECES[self.below(PIECES.len())];
            let times = if self.below(20) == 0 { 500 } else { 1 };
            bytes.extend(piece.repeat(times));
        }
        if self.below(4) == 0 {
            bytes.push(self.random.random());
        }
        bytes
    }

    /// Every byte percent-encoded, so that each reaches the handler.
    fn encoded(&mut self) -> String {
        let bytes = self.bytes();
        bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
    }

    fn header(&mut self) -> Option<(HeaderName, HeaderValue)> {
        let name = HEADERS[self.below(HEADERS.len())].parse().unwrap();
        let value = match self.below(3) {
            0 => [b"qs_session=".as_slice(), &self.bytes()].concat(),
            _ => self.bytes(),
        };
        Some((name, HeaderValue::from_bytes(&value).ok()?))
    }

    fn check(&self, what: &str, answer: &Answer) {
        let (seed, status) = (self.seed, answer.status);
        assert!(
            !status.is_server_error(),
            "{what}: {status}, HOSTILE_SEED={seed}\n{}",
            answer.text
        );
    }
}

async fn people(app: &TestApp) -> [Client; 3] {
    let user = sign_up(app, "ada@example.com").await;
    let admin = sign_up_admin(app, "root@example.com").await;
    [app.client(), user, admin]
}

#[tokio::test]
async fn no_value_of_a_form_is_a_fault_of_the_server() {
    let app = themed(app()).start().await;
    let mut people = people(&app).await;
    let mut source = Source::new();
    for _ in 0..ROUNDS {
        for (path, fields) in FORMS {
            let client = &mut people[source.below(3)];
            let token = client.get("/about").await.input("csrf").unwrap().to_owned();
            let mut body = format!("csrf={token}");
            for (name, fine) in fields {
                let value = if source.below(2) == 0 {
                    (*fine).to_owned()
                } else {
                    source.encoded()
                };
                body.push_str(&format!("&{name}={}", value.replace(' ', "+")));
            }
            let request =
                Request::post(path).header("content-type", "application/x-www-form-urlencoded");
            let answer = client.send(request, Body::from(body.clone())).await;
            source.check(&format!("POST {path} {body}"), &answer);
        }
    }
}

#[tokio::test]
async fn no_body_is_a_fault_of_the_server() {
    let app = themed(app()).start().await;
    let mut people = people(&app).await;
    let mut source = Source::new();
    let types = [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/json",
        "",
    ];
    for _ in 0..ROUNDS {
        for (path, _) in FORMS {
            let client = &mut people[source.below(3)];
            let token = client.get("/about").await.input("csrf").unwrap().to_owned();
            let content_type = types[source.below(types.len())];
            let request = Request::post(path)
                .header("content-type", content_type)
                .header("x-csrf-token", token);
            let mut body = source.bytes();
            if content_type.ends_with("=x") {
                let head = b"--x\r\ncontent-disposition: form-data; name=\"name\"\r\n\r\n";
                body = [&head[..], &body, b"\r\n--x--\r\n"].concat();
            }
            let answer = client.send(request, Body::from(body.clone())).await;
            source.check(
                &format!("POST {path} {content_type} {}", body.escape_ascii()),
                &answer,
            );
        }
    }
}

#[tokio::test]
async fn no_address_and_no_header_is_a_fault_of_the_server() {
    let app = themed(app())
        .env("TRUSTED_PROXIES", "127.0.0.0/8")
        .start()
        .await;
    let mut people = people(&app).await;
    let mut source = Source::new();
    let peer: SocketAddr = "127.0.0.1:1".parse().unwrap();
    for _ in 0..ROUNDS {
        for start in PAGES {
            let path = format!("{start}{}", source.encoded());
            let mut request = Request::get(&path).extension(ConnectInfo(peer));
            for (name, value) in [source.header(), source.header()].into_iter().flatten() {
                request = request.header(name, value);
            }
            let answer = people[source.below(3)].send(request, Body::empty()).await;
            source.check(&format!("GET {path}"), &answer);
        }
    }
}
