//! The options of `api`.

use axum::body::Body;
use axum::http::Request;
use quickscale_runtime::api::{self, Settings};
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::testing::{Answer, Client, TestApp};
use quickscale_runtime::{App, Environment};

use crate::support::{SITE, settings, sign_up, themed};

const KEYS: &str = "/accounts/api-keys";
const ELSEWHERE: &str = "https://a.example";

async fn start(change: impl FnOnce(&mut Settings)) -> TestApp {
    let mut options = Settings {
        requests_per_minute: 600,
        cors_origins: String::new(),
    };
    change(&mut options);
    let app = App::builder(SITE, Environment::Test)
        .module(auth::module(settings(Registration::Open)))
        .module(api::module(options));
    themed(app).start().await
}

/// An account's own data, asked for with a key from a page of another site.
async fn call(client: &mut Client, key: &str) -> Answer {
    let request = Request::get("/api/v1/me")
        .header("authorization", format!("Bearer {key}"))
        .header("origin", ELSEWHERE);
    client.send(request, Body::empty()).await
}

async fn new_key(app: &TestApp) -> String {
    let mut owner = sign_up(app, "ada@example.com").await;
    let page = owner.get(KEYS).await;
    let fields = [
        ("form_key", page.input("form_key").unwrap()),
        ("name", "A test"),
        ("expiry", "30"),
        ("scope_account_read", "true"),
    ];
    let answer = owner.post(KEYS, &fields).await;
    let (_, rest) = answer.text.split_once("id=\"new-key\">").unwrap();
    rest.split('<').next().unwrap().to_owned()
}

#[tokio::test]
pub async fn requests_per_minute() {
    for limit in [1, 3] {
        let app = start(|options| options.requests_per_minute = limit).await;
        let key = new_key(&app).await;
        let mut program = app.client();
        for _ in 0..limit {
            assert_eq!(call(&mut program, &key).await.status, 200);
        }
        assert_eq!(call(&mut program, &key).await.status, 429);
    }
}

#[tokio::test]
pub async fn cors_origins() {
    for (origins, allowed) in [("", None), (ELSEWHERE, Some(ELSEWHERE))] {
        let app = start(|options| options.cors_origins = origins.into()).await;
        let answer = call(&mut app.client(), "no key").await;
        let told = answer.headers.get("access-control-allow-origin");
        assert_eq!(told.map(|origin| origin.to_str().unwrap()), allowed);
    }
}
