//! The options of `pictures`.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::pictures::{self, Settings};
use quickscale_runtime::testing::{Client, TestApp};
use quickscale_runtime::{App, Environment};

use crate::support::{SITE, settings, sign_up, themed};

async fn start(change: impl FnOnce(&mut Settings)) -> TestApp {
    let mut options = Settings::default();
    change(&mut options);
    let app = App::builder(SITE, Environment::Test)
        .module(auth::module(settings(Registration::Open)))
        .module(pictures::module(options));
    themed(app).start().await
}

/// Sends a file of so many bytes that is no picture; what is said of it.
async fn send(client: &mut Client, bytes: usize) -> (StatusCode, String) {
    let token = client.get("/about").await;
    let token = token.input("csrf").unwrap().to_owned();
    let part = "--line\r\nContent-Disposition: form-data; name=";
    let mut body =
        format!("{part}\"csrf\"\r\n\r\n{token}\r\n{part}\"picture\"; filename=\"a.jpg\"\r\n\r\n");
    body += &"x".repeat(bytes);
    body += "\r\n--line--\r\n";
    let request = Request::post("/accounts/picture")
        .header("content-type", "multipart/form-data; boundary=line");
    let answer = client.send(request, Body::from(body)).await;
    (answer.status, answer.text)
}

#[tokio::test]
pub async fn max_megabytes() {
    for most in [1, 3] {
        let app = start(|options| options.max_megabytes = most).await;
        let mut ada = sign_up(&app, "ada@example.com").await;
        let limit = most as usize * 1024 * 1024;
        for (bytes, why) in [(limit, "of the type"), (limit + 1, "too large")] {
            let (status, text) = send(&mut ada, bytes).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{bytes}");
            assert!(text.contains(why), "{bytes}: {text}");
        }
    }
}

#[tokio::test]
pub async fn uploads_per_hour() {
    for most in [1, 3] {
        let app = start(|options| options.uploads_per_hour = most).await;
        let mut ada = sign_up(&app, "ada@example.com").await;
        for number in 0..=most {
            let (status, _) = send(&mut ada, 10).await;
            let is_refused = status == StatusCode::TOO_MANY_REQUESTS;
            assert_eq!(is_refused, number == most, "{number} of {most}");
        }
    }
}
