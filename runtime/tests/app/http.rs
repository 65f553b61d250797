//! What holds for every request: protection against foreign sites, error pages, headers, flags, limits.

use crate::support;
use crate::support::{PASSWORD, app, count, themed};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use quickscale_runtime::error::{Error, Result};
use quickscale_runtime::http::{Access, Routes};
use quickscale_runtime::module::Module;
use quickscale_runtime::testing::{Answer, Client, START};
use tower::ServiceExt as _;

/// Routes that fail.
struct Failing;

impl Module for Failing {
    fn name(&self) -> &'static str {
        "failing"
    }

    fn routes(&self) -> Routes {
        Routes::new()
            .get("/fails", Access::Public, fails)
            .get("/panics", Access::Public, panics)
            .post("/small", Access::Public.body_limit(100), swallow)
    }
}

async fn fails() -> Result<Response> {
    Err(Error::internal(anyhow::anyhow!("the secret cause")))
}

async fn panics() -> Result<Response> {
    panic!("the secret panic")
}

async fn swallow(body: String) -> String {
    body
}

const FORM: &str = "application/x-www-form-urlencoded";
const SIGN_UP: [(&str, &str); 2] = [("email", "ada@example.com"), ("password", PASSWORD)];

#[tokio::test]
async fn a_form_without_its_token_or_with_a_wrong_one_is_refused() {
    let app = themed(app()).start().await;
    let mut other = app.client();
    let others = other.get("/about").await.input("csrf").unwrap().to_owned();
    let mut client = app.client();
    let own = client.get("/about").await.input("csrf").unwrap().to_owned();
    for token in [
        None,
        Some(""),
        Some("wrong"),
        Some(&*others),
        Some(&own[1..]),
    ] {
        let mut fields = SIGN_UP.to_vec();
        fields.extend(token.map(|token| ("csrf", token)));
        let refused = client.post_bare("/accounts/signup", &fields).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{token:?}");
        assert!(
            refused.text.contains("This form has expired."),
            "{}",
            refused.text
        );
        assert!(refused.text.contains("<h1"), "{}", refused.text);
    }
    let mut stranger = app.client();
    let fields = [&[("csrf", &*own)], &SIGN_UP[..]].concat();
    let refused = stranger.post_bare("/accounts/signup", &fields).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(count(&app, "users").await, 0);
    let done = client.post_bare("/accounts/signup", &fields).await;
    assert_eq!(done.location(), "/dashboard");
}

#[tokio::test]
async fn a_form_that_another_site_sends_is_refused_though_its_token_is_right() {
    let app = themed(app()).start().await;
    let mut client = app.client();
    let token = client.get("/about").await.input("csrf").unwrap().to_owned();
    let fields = [&[("csrf", &*token)], &SIGN_UP[..]].concat();
    let body = serde_urlencoded::to_string(fields).unwrap();
    for (header, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let request = Request::post("/accounts/signup")
            .header("content-type", FORM)
            .header(header, value);
        let refused = client.send(request, Body::from(body.clone())).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{header}: {value}");
        assert!(
            refused.text.contains("came from another site"),
            "{}",
            refused.text
        );
    }
    let request = Request::post("/accounts/signup").header("content-type", FORM);
    let request = request.header("origin", "http://app.test");
    let done = client.send(request, Body::from(body)).await;
    assert_eq!(done.location(), "/dashboard");
}

async fn ask_json(client: &mut Client, method: &str, path: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("accept", "application/json");
    client.send(request, Body::empty()).await
}

#[tokio::test]
async fn every_failure_is_a_page_for_people_and_a_problem_for_programs() {
    let app = themed(app().module(Failing)).start().await;
    let mut user = support::sign_up(&app, "ada@example.com").await;
    for (method, path, status, code) in [
        ("GET", "/admin", 403, "forbidden"),
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/static/nowhere.css", 404, "not_found"),
        ("POST", "/about", 405, "method_not_allowed"),
        ("GET", "/admin/users/%ff", 403, "forbidden"),
        ("GET", "/fails", 500, "internal_error"),
        ("GET", "/panics", 500, "internal_error"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", "text/html");
        let page = user.send(request, Body::empty()).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        assert!(page.text.contains("<h1"), "{path}: {}", page.text);
        assert!(
            page.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html")
        );

        let problem = ask_json(&mut user, method, path).await;
        assert_eq!(problem.status.as_u16(), status, "{path}");
        assert_eq!(problem.headers["content-type"], "application/problem+json");
        let document = problem.json();
        assert_eq!(document["status"], status, "{document}");
        assert_eq!(document["code"], code, "{document}");
        assert_eq!(
            document["request_id"],
            *problem.headers["x-request-id"].to_str().unwrap()
        );
        for text in [page.text, problem.text] {
            assert!(!text.contains("secret"), "{path}: {text}");
        }
    }
    let visitor = ask_json(&mut app.client(), "GET", "/dashboard").await;
    assert_eq!(visitor.status, StatusCode::UNAUTHORIZED);
    assert_eq!(visitor.json()["code"], "unauthenticated");
}

#[tokio::test]
async fn a_form_with_missing_fields_is_422() {
    let app = themed(app()).start().await;
    let mut client = app.client();
    let answer = client
        .post("/accounts/login", &[("email", "ada@example.com")])
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer.text.contains("The form is incomplete."),
        "{}",
        answer.text
    );

    let token = client.get("/about").await.input("csrf").unwrap().to_owned();
    let request = Request::post("/accounts/login")
        .header("content-type", FORM)
        .header("x-csrf-token", token)
        .header("accept", "application/json");
    let problem = client.send(request, Body::from("email=ada")).await;
    assert_eq!(problem.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem.json()["code"], "invalid_input");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let app = themed(app().module(Failing)).start().await;
    for (path, size) in [("/small", 200), ("/contact", 2_000_000)] {
        let message = "x".repeat(size);
        let answer = app.client().post(path, &[("message", &message)]).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
    assert_eq!(
        app.client().post("/small", &[]).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_a_request_id() {
    let app = themed(app().module(Failing)).start().await;
    for path in [
        "/",
        "/dashboard",
        "/nowhere",
        "/fails",
        "/health/live",
        "/static/css/app.css",
        "/static/no",
    ] {
        let answer = app.client().get(path).await;
        let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(header("x-request-id").len(), 36, "{path}");
        assert!(
            !answer.headers.contains_key("strict-transport-security"),
            "{path}"
        );
    }
    let secure = themed(support::app())
        .env("APP_URL", "https://app.test")
        .start()
        .await;
    let answer = secure.client().get("/").await;
    assert!(answer.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn a_request_id_from_outside_is_kept_if_it_is_harmless() {
    let app = themed(app()).start().await;
    let long = "a".repeat(65);
    for (given, kept) in [
        ("abcdef-123456", true),
        ("short", false),
        ("<script>alert</script>", false),
        (&*long, false),
    ] {
        let request = Request::get("/").header("x-request-id", given);
        let answer = app.client().send(request, Body::empty()).await;
        assert_eq!(answer.headers["x-request-id"] == given, kept, "{given}");
    }
}

#[tokio::test]
async fn what_a_person_sees_is_not_kept_by_caches() {
    let app = themed(app()).start().await;
    let mut user = support::sign_up(&app, "ada@example.com").await;
    for path in ["/dashboard", "/about"] {
        assert_eq!(
            user.get(path).await.headers["cache-control"],
            "no-store",
            "{path}"
        );
    }
    assert_eq!(
        app.client().get("/about").await.headers["cache-control"],
        "no-cache"
    );
}

#[tokio::test]
async fn a_flag_that_is_off_takes_its_routes_and_its_links_away() {
    for (variable, path) in [
        ("FLAG_CONTACT_FORM", "/contact"),
        ("FLAG_PRICING_PAGE", "/pricing"),
    ] {
        let on = themed(app()).env(variable, "on").start().await;
        let off = themed(app()).env(variable, "off").start().await;
        for (app, there) in [(on, true), (off, false)] {
            let mut client = app.client();
            assert_eq!(
                client.get(path).await.status == StatusCode::OK,
                there,
                "{path}"
            );
            let posted = client.post(path, &[]).await.status;
            let gone = posted == StatusCode::NOT_FOUND || posted == StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(!gone, there && path == "/contact", "{path}: {posted}");
            for page in ["/", "/about", "/nowhere"] {
                let page = client.get(page).await.text;
                assert_eq!(
                    page.contains(&format!("href=\"{path}\"")),
                    there,
                    "{path}: {page}"
                );
            }
        }
    }
    let wrong = themed(app())
        .env("FLAG_CONTACT_FROM", "off")
        .try_start()
        .await;
    let wrong = wrong.err().unwrap().to_string();
    assert!(wrong.contains("FLAG_CONTACT_FROM"), "{wrong}");
}

#[tokio::test]
async fn an_application_made_for_one_environment_does_not_start_in_another() {
    let elsewhere = themed(app()).env("APP_ENV", "development").try_start();
    let fault = elsewhere.await.err().unwrap().to_string();
    assert_eq!(
        fault,
        "the application was made for test, and APP_ENV is development"
    );
}

/// The address of a style sheet, as pages name it.
async fn style_sheet(client: &mut Client) -> String {
    let page = client.get("/about").await.text;
    let start = page.find("/static/css/app.css?v=").unwrap();
    page[start..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_file_is_kept_for_ever_under_the_address_of_its_content_and_under_no_other() {
    let app = themed(app()).start().await;
    let mut client = app.client();
    let address = style_sheet(&mut client).await;
    let (path, _) = address.split_once('?').unwrap();
    let others = [
        path.to_owned(),
        format!("{path}?v="),
        format!("{path}?v=000000000000"),
    ];
    for (address, caching) in std::iter::once((&address, "public, max-age=31536000, immutable"))
        .chain(others.iter().map(|other| (other, "no-cache")))
    {
        let answer = client.get(address).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}");
        assert_eq!(answer.headers["cache-control"], caching, "{address}");
    }
    let gone = client.get("/static/css/gone.css?v=000000000000").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let caching = gone.headers.get("cache-control");
    assert!(caching.is_none_or(|caching| !caching.to_str().unwrap().contains("immutable")));
}

/// What `gzip -d` makes of it.
#[cfg(unix)]
fn unpacked(packed: &[u8]) -> Vec<u8> {
    let name = format!("http_{}.gz", quickscale_runtime::ids::new_id(START));
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, packed).unwrap();
    let mut gzip = std::process::Command::new("gzip");
    let input = std::fs::File::open(&path).unwrap();
    let output = gzip.args(["-d", "-c"]).stdin(input).output().unwrap();
    std::fs::remove_file(path).unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[cfg(unix)]
#[tokio::test]
async fn whoever_takes_gzip_gets_the_same_in_less() {
    let app = themed(app()).start().await;
    let address = style_sheet(&mut app.client()).await;
    let ask = async |accepted: &str| {
        let request = Request::get(&address).header("accept-encoding", accepted);
        let answer = app.router().oneshot(request.body(Body::empty()).unwrap());
        let (parts, body) = answer.await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts.headers, body)
    };
    let (headers, plain) = ask("identity").await;
    assert!(!headers.contains_key("content-encoding"), "{headers:?}");
    let (headers, packed) = ask("br;q=0.5, gzip").await;
    assert_eq!(headers["content-encoding"], "gzip");
    assert!(
        headers["vary"]
            .to_str()
            .unwrap()
            .contains("accept-encoding")
    );
    assert!(packed.len() < plain.len());
    assert_eq!(unpacked(&packed), plain);
}
