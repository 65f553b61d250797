//! The service of the kind `llm`, with an endpoint that speaks OpenAI's protocol over HTTP, well and badly.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use quickscale_runtime::credits::Credits;
use quickscale_runtime::services;
use quickscale_runtime::testing::{Client, TestApp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::born::summary;
use crate::browser::{fill_in, run};
use crate::charging::balance;
use crate::offered::app_with;
use crate::support::ledger::assert_sound;
use crate::support::{sign_up, themed, until};

const ADA: &str = "ada@example.com";
const PAGE: &str = "/services/text_summary";
const KEY: &str = "sk-very-secret";

/// What the endpoint does with one connection.
enum Act {
    /// Sends the pieces one by one, then closes the connection.
    Send(Vec<Vec<u8>>),
    /// Sends the pieces of the first list, waits until it is let on, then sends the second.
    Pause(Vec<Vec<u8>>, Vec<Vec<u8>>),
}

/// An endpoint that acts by a list, and keeps what it was asked.
#[derive(Clone)]
struct Endpoint {
    address: String,
    acts: Arc<Mutex<VecDeque<Act>>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    on: Arc<Semaphore>,
}

impl Endpoint {
    async fn open(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Self {
            address: format!("http://{}/v1/", listener.local_addr().unwrap()),
            acts: Arc::new(Mutex::new(acts.into())),
            asked: Arc::default(),
            on: Arc::new(Semaphore::new(0)),
        };
        let server = endpoint.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(server.clone().serve(stream));
            }
        });
        endpoint
    }

    async fn serve(self, mut stream: TcpStream) {
        let (head, body) = read(&mut stream).await;
        self.asked.lock().unwrap().push((head, body));
        let act = self.acts.lock().unwrap().pop_front();
        let (first, then) = match act.expect("no more requests than acts") {
            Act::Send(pieces) => (pieces, None),
            Act::Pause(first, then) => (first, Some(then)),
        };
        send(&mut stream, first).await;
        if let Some(then) = then {
            self.on.acquire().await.unwrap().forget();
            send(&mut stream, then).await;
        }
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn send(stream: &mut TcpStream, pieces: Vec<Vec<u8>>) {
    for piece in pieces {
        // Whoever asked may have gone.
        let _ = stream.write_all(&piece).await;
        let _ = stream.flush().await;
        tokio::task::yield_now().await;
    }
}

/// A request: its head and its body.
async fn read(stream: &mut TcpStream) -> (String, Value) {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.unwrap();
        assert!(count > 0, "the request broke off");
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_lowercase();
        let (_, length) = head.split_once("content-length: ").unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if body.len() >= length {
            return (head.clone(), serde_json::from_str(body).unwrap());
        }
    }
}

fn stream_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec()
}

/// A piece of a body in the chunked coding.
fn chunked(bytes: &[u8]) -> Vec<u8> {
    let mut piece = format!("{:x}\r\n", bytes.len()).into_bytes();
    piece.extend_from_slice(bytes);
    piece.extend_from_slice(b"\r\n");
    piece
}

fn event(value: &Value) -> Vec<u8> {
    format!("data: {value}\n\n").into_bytes()
}

fn token(text: &str) -> Vec<u8> {
    event(&json!({ "model": "m-1", "choices": [{ "index": 0, "delta": { "content": text } }] }))
}

fn stop(reason: &str) -> Vec<u8> {
    event(&json!({ "choices": [{ "delta": {}, "finish_reason": reason }] }))
}

fn usage(input: u64, output: u64) -> Vec<u8> {
    let usage = json!({ "prompt_tokens": input, "completion_tokens": output });
    event(&json!({ "choices": [], "usage": usage }))
}

const DONE: &[u8] = b"data: [DONE]\n\n";

/// A stream of these events, one chunk each, and its end.
fn stream(events: &[Vec<u8>]) -> Act {
    let mut pieces = vec![stream_head()];
    pieces.extend(events.iter().map(|event| chunked(event)));
    pieces.push(b"0\r\n\r\n".to_vec());
    Act::Send(pieces)
}

/// The same without its end.
fn broken_stream(events: &[Vec<u8>]) -> Act {
    let mut pieces = vec![stream_head()];
    pieces.extend(events.iter().map(|event| chunked(event)));
    Act::Send(pieces)
}

fn good() -> Act {
    stream(&[
        token("All"),
        token(" is well."),
        stop("stop"),
        usage(100, 500),
        DONE.to_vec(),
    ])
}

fn plain(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    Act::Send(vec![text.into_bytes()])
}

async fn shop(endpoint: Option<&Endpoint>) -> (TestApp, Client) {
    let services =
        services::module(services::Settings::default()).service("text_summary", summary::service());
    let mut builder = themed(app_with(Credits::whole(100), services));
    if let Some(endpoint) = endpoint {
        builder = builder
            .env("LLM_BASE_URL", &endpoint.address)
            .env("LLM_API_KEY", KEY)
            .env("LLM_MODEL", "m");
    }
    let app = builder.start().await;
    let ada = sign_up(&app, ADA).await;
    (app, ada)
}

/// A run of the service on an endpoint that acts like this: the page, what is left of 100 credits in thousandths, and what the
/// endpoint was asked.
async fn summarise(acts: Vec<Act>) -> (String, i64, Vec<(String, Value)>) {
    let endpoint = Endpoint::open(acts).await;
    let (app, mut ada) = shop(Some(&endpoint)).await;
    let page = run(&mut ada, PAGE, &[("text", "A long story.")]).await;
    assert!(!page.text.contains(KEY));
    let balance = balance(&app, ADA).await;
    assert_eq!(balance.held, Credits::ZERO);
    assert_sound(&app.core, "after a run of a model").await;
    (page.text, balance.available.as_milli(), endpoint.asked())
}

const FAILED: &str = "The service failed.";

#[tokio::test]
async fn an_answer_is_paid_by_its_tokens() {
    let (page, left, asked) = summarise(vec![good()]).await;
    assert!(
        page.contains("All is well.") && page.contains("m-1"),
        "{page}"
    );
    // 100 tokens at 0.1 credits a thousand, and 500 at 0.4.
    assert_eq!(left, 100_000 - 10 - 200);
    let (head, body) = &asked[0];
    assert!(
        head.starts_with("post /v1/chat/completions http/1.1"),
        "{head}"
    );
    assert!(
        head.contains(&format!("authorization: bearer {KEY}")),
        "{head}"
    );
    assert_eq!(body["model"], "m");
    assert_eq!(body["stream"], true);
    assert_eq!(body["stream_options"]["include_usage"], true);
    assert_eq!(body["max_tokens"], 1500);
    assert_eq!(
        body["messages"][1],
        json!({ "role": "user", "content": "A long story." })
    );
}

#[tokio::test]
async fn a_stream_is_the_same_however_it_is_cut() {
    let events = [
        b": keep-alive\n\n".to_vec(),
        token("Größe 😀"),
        b": keep-alive\r\n\r\n".to_vec(),
        stop("stop"),
        usage(10, 10),
        DONE.to_vec(),
    ];
    let bytes = events.concat();
    for size in [1, 7, 64] {
        let pieces: Vec<_> = bytes.chunks(size).map(<[u8]>::to_vec).collect();
        let (page, left, _) = summarise(vec![stream(&pieces)]).await;
        assert!(page.contains("Größe 😀"), "pieces of {size}: {page}");
        assert_eq!(left, 100_000 - 5, "pieces of {size}");
    }
}

#[tokio::test]
async fn endpoints_may_leave_out_what_others_say() {
    let text = json!({ "choices": [{ "message": { "content": "In one piece." }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 1000, "completion_tokens": 1000 } });
    for (what, act, shown) in [
        (
            "an answer in one piece",
            plain("200 OK", "", &text.to_string()),
            "In one piece.",
        ),
        (
            "no word of the end",
            stream(&[token("Open end."), stop("stop")]),
            "Open end.",
        ),
        (
            "a connection that breaks after the end",
            broken_stream(&[token("Broken end."), stop("stop")]),
            "Broken end.",
        ),
        (
            "no usage",
            stream(&[token("Uncounted."), stop("stop"), DONE.to_vec()]),
            "Uncounted.",
        ),
        (
            "no reason for the end",
            stream(&[token("Unreasoned."), DONE.to_vec()]),
            "Unreasoned.",
        ),
        (
            "an answer that is cut",
            stream(&[token("Very"), stop("length"), DONE.to_vec()]),
            "was cut",
        ),
    ] {
        let (page, left, asked) = summarise(vec![act]).await;
        assert!(page.contains(shown), "{what}: {page}");
        assert!(
            left < 100_000,
            "{what}: tokens are counted where the endpoint does not"
        );
        assert_eq!(asked.len(), 1, "{what}");
    }
}

#[tokio::test]
async fn before_the_first_token_a_request_is_sent_again() {
    let again = "Retry-After: 0\r\n";
    let (page, left, asked) = summarise(vec![
        plain("500 Internal Server Error", again, "<h1>oops</h1>"),
        plain(
            "429 Too Many Requests",
            again,
            "{\"error\":{\"message\":\"slow down\"}}",
        ),
        plain("503 Service Unavailable", again, ""),
        good(),
    ])
    .await;
    assert!(page.contains("All is well."), "{page}");
    assert_eq!(left, 99_790, "charged once");
    assert_eq!(asked.len(), 4);
    for act in [
        Act::Send(Vec::new()),
        broken_stream(&[]),
        stream(&[DONE.to_vec()]),
        stream(&[
            token(""),
            event(&json!({ "error": { "message": "overloaded" } })),
        ]),
    ] {
        let (page, left, asked) = summarise(vec![act, good()]).await;
        assert!(page.contains("All is well."), "{page}");
        assert_eq!((left, asked.len()), (99_790, 2));
    }
}

#[tokio::test]
async fn a_busy_endpoint_is_given_up_in_the_end() {
    let busy = || plain("429 Too Many Requests", "Retry-After: 0\r\n", "{}");
    let (page, left, asked) = summarise(vec![busy(), busy(), busy(), busy()]).await;
    assert!(
        page.contains(FAILED) && page.contains("Nothing was charged."),
        "{page}"
    );
    assert_eq!((left, asked.len()), (100_000, 4));
}

#[tokio::test]
async fn what_cannot_get_better_is_asked_once_and_costs_nothing() {
    let error = |code: &str| {
        json!({ "error": { "message": format!("no: {KEY}"), "code": code } }).to_string()
    };
    let endless = vec![b'x'; 2 * 1024 * 1024];
    for (what, act, shown) in [
        (
            "a break after the first token",
            broken_stream(&[token("Half")]),
            FAILED,
        ),
        (
            "an error after the first token",
            stream(&[token("Half"), event(&json!({ "error": "gone" }))]),
            FAILED,
        ),
        (
            "an end before the answer's",
            stream(&[token("Half")]),
            FAILED,
        ),
        (
            "a wrong key",
            plain("401 Unauthorized", "", &error("invalid_api_key")),
            FAILED,
        ),
        (
            "an empty account",
            plain("429 Too Many Requests", "", &error("insufficient_quota")),
            FAILED,
        ),
        (
            "an unknown model",
            plain("404 Not Found", "", &error("model_not_found")),
            FAILED,
        ),
        (
            "a redirection",
            plain("302 Found", "Location: http://127.0.0.1:1/\r\n", ""),
            FAILED,
        ),
        (
            "what is no chunk",
            stream(&[b"data: hello\n\n".to_vec()]),
            FAILED,
        ),
        (
            "what is no text",
            stream(&[b"data: \xff\xfe\n\n".to_vec()]),
            FAILED,
        ),
        ("an endless line", stream(&[endless]), FAILED),
        (
            "what is no completion",
            plain("200 OK", "", "<html>"),
            FAILED,
        ),
        (
            "a text that is too long",
            plain("400 Bad Request", "", &error("context_length_exceeded")),
            "too long for the model",
        ),
        (
            "a refusal",
            stream(&[stop("content_filter"), DONE.to_vec()]),
            "refuses to answer",
        ),
    ] {
        let (page, left, asked) = summarise(vec![act]).await;
        assert!(
            page.contains(shown) && page.contains("Nothing was charged."),
            "{what}: {page}"
        );
        assert_eq!((left, asked.len()), (100_000, 1), "{what}");
    }
}

#[tokio::test]
async fn a_limit_under_its_newer_name_is_said_again() {
    let refusal = json!({ "error": { "message": "Unsupported parameter: use 'max_completion_tokens' instead." } });
    let refusal = || plain("400 Bad Request", "", &refusal.to_string());
    let (page, _, asked) = summarise(vec![refusal(), good()]).await;
    assert!(page.contains("All is well."), "{page}");
    assert_eq!(asked[1].1["max_completion_tokens"], 1500);
    assert!(asked[1].1.get("max_tokens").is_none());
    let (page, _, asked) = summarise(vec![refusal(), refusal()]).await;
    assert!(page.contains(FAILED), "{page}");
    assert_eq!(asked.len(), 2, "and no more");
}

#[tokio::test]
async fn a_count_that_cannot_be_is_charged_at_most_the_price() {
    let act = stream(&[
        token("So much."),
        stop("stop"),
        usage(u64::MAX, u64::MAX),
        DONE.to_vec(),
    ]);
    let (page, left, _) = summarise(vec![act]).await;
    assert!(page.contains("So much."), "{page}");
    assert_eq!(left, 97_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_seen_as_it_comes_and_can_be_stopped() {
    let begun = vec![stream_head(), chunked(&token("The first part."))];
    let rest = vec![
        chunked(&token(" The rest.")),
        chunked(&stop("stop")),
        b"0\r\n\r\n".to_vec(),
    ];
    let acts = vec![
        Act::Pause(begun.clone(), rest.clone()),
        Act::Pause(begun, rest),
    ];
    let endpoint = Endpoint::open(acts).await;
    let (app, mut ada) = shop(Some(&endpoint)).await;
    let begin = async |ada: &mut Client| {
        let sent = fill_in(ada, PAGE, &[("text", "A long story.")]).await;
        sent.location().to_owned()
    };
    let shows = async |ada: &Client, page: &str, text: &str| {
        ada.clone().get(page).await.text.contains(text)
    };
    let page = begin(&mut ada).await;
    until("the first part is seen", async || {
        shows(&ada, &page, "The first part.").await
    })
    .await;
    assert!(!shows(&ada, &page, "The rest.").await);
    endpoint.on.add_permits(1);
    until("the rest is seen", async || {
        shows(&ada, &page, "The first part. The rest.").await
    })
    .await;

    let page = begin(&mut ada).await;
    until("the first part is seen", async || {
        shows(&ada, &page, "The first part.").await
    })
    .await;
    let before = balance(&app, ADA).await;
    ada.post(&format!("{page}/cancel"), &[]).await;
    until("the summary was cut", async || {
        shows(&ada, &page, "was cut before its end").await
    })
    .await;
    let after = balance(&app, ADA).await;
    assert_eq!(after.held, Credits::ZERO);
    let paid = (before.available.as_milli() + 3000) - after.available.as_milli();
    assert!((1..3000).contains(&paid), "what there was is paid: {paid}");
    assert_sound(&app.core, "after an answer was stopped").await;
}

#[tokio::test]
async fn without_a_key_an_echo_answers_and_says_so() {
    let (app, mut ada) = shop(None).await;
    let page = run(&mut ada, PAGE, &[("text", "Rain is expected.")]).await;
    for text in ["Rain is expected.", "No model was asked", "echo"] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    let left = balance(&app, ADA).await.available;
    assert!(
        left < Credits::whole(100) && left > Credits::whole(97),
        "{left:?}"
    );
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_a_failure_and_cost_nothing() {
    for (base, model) in [
        ("http://127.0.0.1:1", ""),
        ("ftp://example.com", "m"),
        ("http://", "m"),
        ("http://[", "m"),
    ] {
        let services = services::module(services::Settings::default())
            .service("text_summary", summary::service());
        let app = themed(app_with(Credits::whole(100), services))
            .env("LLM_BASE_URL", base)
            .env("LLM_API_KEY", KEY)
            .env("LLM_MODEL", model)
            .start()
            .await;
        let mut ada = sign_up(&app, ADA).await;
        let page = run(&mut ada, PAGE, &[("text", "A long story.")]).await;
        assert!(page.text.contains(FAILED), "{base}: {}", page.text);
        assert_eq!(
            balance(&app, ADA).await.available,
            Credits::whole(100),
            "{base}"
        );
    }
}
