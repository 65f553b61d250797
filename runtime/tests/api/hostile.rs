//! Whatever headers and bodies hold, the answer is never a fault of the server. `HOSTILE_SEED` runs a failure again.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::program::{Program, start};

const ROUNDS: usize = 1000;
const PATHS: [&str; 7] = [
    "/api/v1/me",
    "/api/v1/credits/entries?cursor=",
    "/api/v1/credits/entries?limit=",
    "/api/v1/services/",
    "/api/v1/services/obedient/runs",
    "/api/v1/services/curious/runs",
    "/api/v1/runs/",
];
const HEADERS: [&str; 10] = [
    "accept",
    "authorization",
    "content-type",
    "cookie",
    "host",
    "idempotency-key",
    "origin",
    "user-agent",
    "x-forwarded-for",
    "x-request-id",
];
const PIECES: [&str; 40] = [
    "\0",
    "\u{1}",
    "\u{7f}",
    "\r\n",
    "\t",
    "'",
    "\"",
    "\\",
    "%",
    "%00",
    "%ff",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "1e400",
    "-1",
    "99999999999999999999",
    "0.0001",
    "\\u0000",
    "\\ud800",
    "é",
    "😀",
    "\u{202e}",
    "text",
    "\"text\":",
    "{\"text\":\"x\"}",
    "{\"text\":\"panic\"}",
    "name",
    "file",
    "Bearer ",
    "Bearer qs_live_",
    "qs_live_",
    "application/json",
    "../",
    "; DROP TABLE api_keys",
];

struct Source(StdRng);

impl Source {
    fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    fn text(&mut self) -> String {
        let count = self.below(7);
        let pieces = (0..count).map(|_| PIECES[self.below(PIECES.len())]);
        pieces.collect()
    }

    /// `text` as an address takes it.
    fn escaped(&mut self) -> String {
        let text = self.text();
        let pair = serde_urlencoded::to_string([("x", text)]).unwrap();
        pair[2..].to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_header_and_no_body_makes_the_server_fail() {
    let seed = std::env::var("HOSTILE_SEED").ok();
    let seed = seed
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random);
    let mut source = Source(StdRng::seed_from_u64(seed));
    let (app, _) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    for round in 0..ROUNDS {
        let path = PATHS[source.below(PATHS.len())];
        let tail = if path.ends_with(['/', '=']) {
            source.escaped()
        } else {
            String::new()
        };
        let method = ["GET", "POST"][source.below(2)];
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{path}{tail}"));
        let headers = request.headers_mut().unwrap();
        let bearer = format!("Bearer {}", program.key);
        headers.insert("authorization", bearer.parse().unwrap());
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        for _ in 0..source.below(3) {
            let name = HeaderName::from_static(HEADERS[source.below(HEADERS.len())]);
            if let Ok(value) = HeaderValue::from_bytes(source.text().as_bytes()) {
                headers.insert(name, value);
            }
        }
        let body = source.text();
        let shown = format!("{method} {path}{tail} {headers:?} {body:?}");
        let answer = program.send(request, Body::from(body)).await;
        let status = answer.status.as_u16();
        assert!(
            status < 500,
            "seed {seed}, round {round}: {shown} gives {status} {}",
            answer.text
        );
        if status >= 400 {
            let kind = &answer.headers["content-type"];
            assert_eq!(
                kind, "application/problem+json",
                "seed {seed}, round {round}: {shown}"
            );
        }
    }
}
