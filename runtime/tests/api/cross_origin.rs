//! Pages of other sites: none may call unless the settings say so.

use axum::body::Body;
use axum::http::Request;
use quickscale_runtime::api;
use quickscale_runtime::testing::Answer;

use crate::program::{Program, offering, settings, start};

async fn preflight(program: &Program, path: &str, origin: &str) -> Answer {
    let request = Request::builder().method("OPTIONS").uri(path);
    let request = request
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization");
    program.send(request, Body::empty()).await
}

async fn get(program: &Program, origin: &str) -> Answer {
    let request = Request::get("/api/v1/me").header("origin", origin);
    let request = request.header("authorization", format!("Bearer {}", program.key));
    program.send(request, Body::empty()).await
}

#[tokio::test]
async fn nobody_may_call_from_elsewhere_unless_told() {
    let (app, _) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    for answer in [
        preflight(&program, "/api/v1/me", "https://a.example").await,
        get(&program, "https://a.example").await,
    ] {
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn only_the_sites_of_the_settings_may_call_and_only_the_api() {
    let settings = api::Settings {
        cors_origins: "https://a.example, http://localhost:5173".into(),
        ..settings()
    };
    let app = offering(settings).0.start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    let allowed = preflight(&program, "/api/v1/me", "https://a.example").await;
    assert_eq!(allowed.status, 204);
    assert_eq!(
        allowed.headers["access-control-allow-origin"],
        "https://a.example"
    );
    assert!(
        !allowed
            .headers
            .contains_key("access-control-allow-credentials")
    );
    let answer = get(&program, "http://localhost:5173").await;
    assert_eq!(
        answer.headers["access-control-allow-origin"],
        "http://localhost:5173"
    );
    let varies = answer.headers.get_all("vary");
    assert!(varies.iter().any(|by| by == "origin"));
    // A page must be able to read why it was refused.
    let nobody = Program::with_key(&app, "no key");
    let refused = get(&nobody, "https://a.example").await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.headers["access-control-allow-origin"],
        "https://a.example"
    );
    for (path, origin) in [
        ("/api/v1/me", "https://evil.example"),
        ("/api/v1/me", "https://a.example.evil.example"),
        ("/accounts/login", "https://a.example"),
    ] {
        let refused = preflight(&program, path, origin).await;
        assert!(
            !refused.headers.contains_key("access-control-allow-origin"),
            "{path} {origin}"
        );
    }
}

#[tokio::test]
async fn origins_that_are_none_stop_the_start() {
    let settings = api::Settings {
        cors_origins: "*".into(),
        ..settings()
    };
    let started = offering(settings).0.try_start().await;
    let fault = started.err().map(|fault| format!("{fault:#}"));
    assert!(fault.unwrap_or_default().contains("is no origin"));
}
