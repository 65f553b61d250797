//! The description and the routes say the same: every endpoint is called, in every way that it may answer, and each
//! answer is held to the schema that the description gives for it.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::Request;
use quickscale_runtime::testing::{Answer, TestApp};
use serde_json::{Value, json};

use crate::program::{Program, all_scopes, make_key, offering, settings, start};
use crate::support::{sign_in, sign_up_admin, sign_up_unconfirmed};

/// The description, and what has been seen of it.
pub struct Contract {
    document: Value,
    pub seen: BTreeSet<(String, String)>,
}

impl Contract {
    pub async fn of(app: &TestApp) -> Self {
        let answer = app.client().get("/api/openapi.json").await;
        assert_eq!(answer.status, 200);
        Self {
            document: answer.json(),
            seen: BTreeSet::new(),
        }
    }

    /// The operations: identifier, method, path.
    pub fn operations(&self) -> Vec<(String, String, String)> {
        let mut all = Vec::new();
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                all.push((id, method.clone(), path.clone()));
            }
        }
        all
    }

    fn operation(&self, id: &str) -> &Value {
        let all = self.operations();
        let found = all.iter().find(|(known, ..)| known == id);
        let (_, method, path) = found.unwrap_or_else(|| panic!("{id} is not described"));
        &self.document["paths"][path][method]
    }

    /// Holds `answer` to what is said about operation `id`.
    #[track_caller]
    pub fn check(&mut self, id: &str, answer: &Answer) {
        let status = answer.status.as_str();
        let response = &self.operation(id)["responses"][status];
        assert!(
            response.is_object(),
            "{id} does not describe {status}: {}",
            answer.text
        );
        let kind = answer.headers["content-type"].to_str().unwrap();
        let content = &response["content"][kind];
        assert!(
            content.is_object(),
            "{id} {status} is not described as {kind}"
        );
        let body = match kind {
            "text/event-stream" => json!(answer.text),
            _ => answer.json(),
        };
        let mut schema = content["schema"].clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&schema)
            .unwrap_or_else(|fault| panic!("{id} {status}: {fault}"));
        let faults: Vec<_> = validator
            .iter_errors(&body)
            .map(|fault| format!("{fault} at {}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{id} {status}: {faults:?} in {body:#}");
        for (name, _) in response["headers"].as_object().unwrap() {
            let is_there = answer.headers.contains_key(name.to_lowercase());
            let is_optional =
                ["Idempotent-Replayed", "Preference-Applied"].contains(&name.as_str());
            assert!(
                is_there || is_optional,
                "{id} {status} has no header {name}"
            );
        }
        let code = body["code"].as_str().unwrap_or(status).to_owned();
        self.seen.insert((id.to_owned(), code));
    }

    /// Every code that operation `id` may refuse with, and its good statuses.
    pub fn described(&self, id: &str) -> BTreeSet<String> {
        let mut codes = BTreeSet::new();
        for (status, response) in self.operation(id)["responses"].as_object().unwrap() {
            match response["content"]["application/problem+json"]["examples"].as_object() {
                Some(examples) => codes.extend(examples.keys().cloned()),
                None => {
                    codes.insert(status.clone());
                }
            }
        }
        codes
    }
}

/// What only trouble brings about: see `trouble`.
pub const TROUBLE: [&str; 3] = ["internal_error", "timed_out", "request_in_progress"];

/// Each operation with an address and a body that it takes.
pub fn calls(run: &str) -> BTreeMap<&'static str, (String, Option<Value>)> {
    let text = Some(json!({ "text": "Hello" }));
    let curious = json!({ "name": "Ada", "count": 1, "mood": "very_good", "strict": true });
    let service = |name: &str| format!("/api/v1/services/{name}/runs");
    BTreeMap::from([
        ("get_me", ("/api/v1/me".into(), None)),
        (
            "get_credit_balance",
            ("/api/v1/credits/balance".into(), None),
        ),
        (
            "list_credit_entries",
            ("/api/v1/credits/entries".into(), None),
        ),
        ("list_services", ("/api/v1/services".into(), None)),
        ("get_service", ("/api/v1/services/curious".into(), None)),
        ("run_service", (service("obedient"), text.clone())),
        ("run_obedient", (service("obedient"), text.clone())),
        ("run_hurried", (service("hurried"), text.clone())),
        ("run_later", (service("later"), text.clone())),
        ("run_free", (service("free"), text)),
        ("run_curious", (service("curious"), Some(curious))),
        ("list_runs", ("/api/v1/runs".into(), None)),
        ("get_run", (format!("/api/v1/runs/{run}"), None)),
        (
            "get_run_events",
            (format!("/api/v1/runs/{run}/events"), None),
        ),
        (
            "cancel_run",
            (format!("/api/v1/runs/{run}/cancel"), Some(json!({}))),
        ),
    ])
}

pub async fn call(program: &Program, (path, body): &(String, Option<Value>)) -> Answer {
    match body {
        None => program.get(path).await,
        Some(body) => program.post(path, body).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_description_says() {
    let (app, _) = start().await;
    let mut contract = Contract::of(&app).await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    let first = json!({ "text": "Hello" });
    let first = program.post("/api/v1/services/obedient/runs", &first).await;
    let calls = calls(first.json()["id"].as_str().unwrap());
    let described: Vec<_> = contract.operations();
    let described: BTreeSet<_> = described.iter().map(|(id, ..)| id.as_str()).collect();
    assert_eq!(described, calls.keys().copied().collect());
    let mut ada = sign_in(&app, "ada@example.com").await;
    let scopeless = make_key(&mut ada, &["scope_account_read"]).await;
    let scopeless = Program::with_key(&app, &scopeless);
    let nobody = Program::with_key(&app, "qs_live_nobody");
    for (id, target) in &calls {
        contract.check(id, &call(&program, target).await);
        contract.check(id, &call(&nobody, target).await);
        if *id != "get_me" {
            contract.check(id, &call(&scopeless, target).await);
        }
        let keyless = Request::builder().method(if target.1.is_some() { "POST" } else { "GET" });
        contract.check(
            id,
            &program.send(keyless.uri(&target.0), Body::empty()).await,
        );
    }
    refuse_addresses(&mut contract, &program).await;
    refuse_bodies(&mut contract, &program, &calls).await;
    end_with_nothing(&mut contract, &app, &calls).await;
    pay_unconfirmed(&mut contract, &app, &calls).await;
    answer_later(&mut contract, &program, &calls).await;
    switch_off(&mut contract, &app, (&program, &calls)).await;
    for (id, ..) in contract.operations() {
        let seen = contract.seen.iter().filter(|(known, _)| *known == id);
        let seen: BTreeSet<_> = seen.map(|(_, code)| code.as_str()).collect();
        let described = contract.described(&id);
        let missing: Vec<_> = described
            .iter()
            .map(String::as_str)
            .filter(|code| !seen.contains(code) && !TROUBLE.contains(code))
            .filter(|code| !(id == "get_me" && *code == "insufficient_scope"))
            .filter(|code| !(is_special(&id) && *code == "not_found"))
            .filter(|code| !(id == "run_later" && *code == "200"))
            .filter(|code| !(PAID.contains(code) && is_free(&id)))
            .collect();
        assert!(
            missing.is_empty(),
            "{id} is said to answer {missing:?}, and never did"
        );
    }
}

fn is_special(id: &str) -> bool {
    [
        "run_obedient",
        "run_hurried",
        "run_later",
        "run_free",
        "run_curious",
    ]
    .contains(&id)
}

/// What only a service refuses with that costs something.
const PAID: [&str; 2] = ["insufficient_credits", "email_unconfirmed"];

/// Runs services for somebody whose address is not confirmed.
async fn pay_unconfirmed(
    contract: &mut Contract,
    app: &TestApp,
    calls: &BTreeMap<&'static str, (String, Option<Value>)>,
) {
    let mut bob = sign_up_unconfirmed(app, "bob@example.com").await;
    let key = make_key(&mut bob, &all_scopes()).await;
    let program = Program::with_key(app, &key);
    let paying = calls.iter().filter(|(id, _)| id.starts_with("run_"));
    for (id, target) in paying.filter(|(id, _)| !is_free(id)) {
        contract.check(id, &call(&program, target).await);
    }
}

/// Has every service run in the background.
async fn answer_later(
    contract: &mut Contract,
    program: &Program,
    calls: &BTreeMap<&'static str, (String, Option<Value>)>,
) {
    for (id, (path, body)) in calls.iter().filter(|(id, _)| id.starts_with("run_")) {
        let body = body.as_ref().unwrap();
        let answer = program.post_with(path, body, &[LATER]).await;
        assert_eq!(answer.status, 202, "{id}: {}", answer.text);
        let run = answer.json()["id"].as_str().unwrap().to_owned();
        let location = answer.headers["location"].to_str().unwrap();
        assert_eq!(location, format!("/api/v1/runs/{run}"), "{id}");
        assert_eq!(answer.headers["preference-applied"], LATER.1, "{id}");
        contract.check(id, &answer);
    }
}

/// How a program says that it does not wait.
const LATER: (&str, &str) = ("prefer", "respond-async");

/// Runs services that the staff has switched off.
async fn switch_off(
    contract: &mut Contract,
    app: &TestApp,
    (program, calls): (&Program, &BTreeMap<&'static str, (String, Option<Value>)>),
) {
    let mut root = sign_up_admin(app, "root@example.com").await;
    for (id, target) in calls.iter().filter(|(id, _)| id.starts_with("run_")) {
        let name = target.0.split('/').nth(4).unwrap();
        let switch = format!("/admin/services/{name}/switch");
        let answer = root.post(&switch, &[("on", "false")]).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let refused = call(program, target).await;
        assert_eq!(refused.status, 409, "{id}: {}", refused.text);
        contract.check(id, &refused);
        let path = format!("/api/v1/services/{name}");
        let answer = program.get(&path).await;
        assert_eq!(answer.json()["available"], false, "{id}");
        contract.check("get_service", &answer);
    }
}

fn is_free(id: &str) -> bool {
    ["run_free", "run_curious"].contains(&id)
}

/// What stands at no address, or is none.
async fn refuse_addresses(contract: &mut Contract, program: &Program) {
    for (id, path) in [
        ("get_service", "/api/v1/services/nothing"),
        ("get_service", "/api/v1/services/%00"),
        ("get_service", "/api/v1/services/%ff"),
        ("get_run", "/api/v1/runs/1"),
        ("get_run", "/api/v1/runs/%ff"),
        ("get_run_events", "/api/v1/runs/1/events"),
        (
            "get_run",
            "/api/v1/runs/019a0000-0000-7000-8000-000000000000",
        ),
        ("list_credit_entries", "/api/v1/credits/entries?cursor=x"),
        ("list_credit_entries", "/api/v1/credits/entries?limit=0"),
        ("list_credit_entries", "/api/v1/credits/entries?limit=1"),
        ("list_runs", "/api/v1/runs?status=odd"),
        ("list_runs", "/api/v1/runs?limit=1"),
    ] {
        contract.check(id, &program.get(path).await);
    }
    let body = json!({ "text": "x" });
    for path in ["/api/v1/services/nothing/runs", "/api/v1/services/%ff/runs"] {
        contract.check("run_service", &program.post(path, &body).await);
    }
    let path = "/api/v1/runs/019a0000-0000-7000-8000-000000000000/cancel";
    contract.check("cancel_run", &program.post(path, &json!({})).await);
}

/// Every way in which a body can be wrong.
async fn refuse_bodies(
    contract: &mut Contract,
    program: &Program,
    calls: &BTreeMap<&'static str, (String, Option<Value>)>,
) {
    for (id, (path, body)) in calls {
        let Some(body) = body else { continue };
        contract.check(
            id,
            &program.post(path, &json!({ "text": 1, "name": 1 })).await,
        );
        contract.check(id, &program.post(path, &json!([])).await);
        contract.check(id, &program.post(path, &json!({ "text": "\0" })).await);
        let odd = program.post_once(path, body, &"x".repeat(256)).await;
        contract.check(id, &odd);
        let key = format!("{id}-reused");
        contract.check(id, &program.post_once(path, body, &key).await);
        contract.check(id, &program.post_once(path, body, &key).await);
        let reused = program
            .post_once(path, &json!({ "text": "other" }), &key)
            .await;
        contract.check(id, &reused);
        let bearer = format!("Bearer {}", program.key);
        let raw = |kind: &str| {
            let request = Request::post(path.as_str()).header("authorization", bearer.as_str());
            request.header("content-type", kind)
        };
        for (kind, body) in [
            ("text/plain", "{}".to_owned()),
            ("application/json", "{".to_owned()),
            ("application/json", "1e999".to_owned()),
            ("application/json", format!("\"{}\"", "x".repeat(2_000_000))),
        ] {
            contract.check(id, &program.send(raw(kind), Body::from(body)).await);
        }
    }
}

/// Somebody without credits, then somebody who has called too often.
async fn end_with_nothing(
    contract: &mut Contract,
    app: &TestApp,
    calls: &BTreeMap<&'static str, (String, Option<Value>)>,
) {
    let spender = Program::of_new_user(app, "eve@example.com").await;
    let text = json!({ "text": "Hello" });
    for _ in 0..14 {
        let run = spender.post("/api/v1/services/obedient/runs", &text).await;
        assert_eq!(run.status, 200, "{}", run.text);
    }
    for id in ["run_service", "run_obedient", "run_hurried", "run_later"] {
        let refused = spender.post("/api/v1/services/obedient/runs", &text).await;
        assert_eq!(refused.status, 402);
        assert_eq!(refused.json()["required"], "7");
        assert_eq!(refused.json()["available"], "2");
        contract.check(id, &refused);
    }
    while spender.get("/api/v1/me").await.status != 429 {}
    for (id, target) in calls {
        contract.check(id, &call(&spender, target).await);
    }
}

#[tokio::test]
async fn the_routes_and_the_description_are_the_same() {
    let (app, _) = start().await;
    let contract = Contract::of(&app).await;
    let described: BTreeSet<_> = contract
        .operations()
        .into_iter()
        .filter(|(id, ..)| !is_special(id))
        .map(|(_, method, path)| (method.to_uppercase(), path))
        .collect();
    let routes = app.core.routes().iter();
    let routes: BTreeSet<_> = routes
        .filter(|route| route.rule.starts_with("key: "))
        .map(|route| (route.method.to_owned(), route.path.to_owned()))
        .collect();
    assert_eq!(described, routes);
}

#[tokio::test]
async fn the_description_fits_the_application() {
    let (app, _) = start().await;
    let contract = Contract::of(&app).await;
    let document = &contract.document;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "http://app.test");
    assert_eq!(document["info"]["title"], "My Test Shop API");
    // Whatever is referred to is there, and every example fits its schema.
    let text = document.to_string();
    for (at, _) in text.match_indices("\"$ref\":\"#") {
        let path = text[at + 9..].split('"').next().unwrap();
        assert!(document.pointer(path).is_some(), "{path} is not there");
    }
    for (id, method, path) in contract.operations() {
        let operation = &document["paths"][&path][&method];
        let mut contents = vec![&operation["requestBody"]["content"]["application/json"]];
        for response in operation["responses"].as_object().unwrap().values() {
            contents.push(&response["content"]["application/json"]);
            let problems = &response["content"]["application/problem+json"];
            for example in problems["examples"].as_object().into_iter().flatten() {
                assert_fits(document, &problems["schema"], &example.1["value"], &id);
            }
        }
        for content in contents.into_iter().filter(|content| content.is_object()) {
            assert_fits(document, &content["schema"], &content["example"], &id);
        }
    }
}

fn assert_fits(document: &Value, schema: &Value, example: &Value, id: &str) {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    if let Err(fault) = validator.validate(example) {
        panic!("{id}: {example} does not fit: {fault}");
    }
}

#[tokio::test]
async fn below_the_api_everything_is_a_problem_document() {
    let (app, _) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    for (method, path, status, code) in [
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/v1/nowhere", 404, "not_found"),
        ("GET", "/api/v2/me", 404, "not_found"),
        ("POST", "/api/v1/me", 405, "method_not_allowed"),
        (
            "DELETE",
            "/api/v1/services/obedient/runs",
            405,
            "method_not_allowed",
        ),
    ] {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {}", program.key));
        let answer = program.send(request, Body::empty()).await;
        crate::program::assert_problem(&answer, status, code);
        assert!(
            status != 405 || answer.headers.contains_key("allow"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_with_calls_for_this_application() {
    let app = offering(settings()).0.start().await;
    let contract = Contract::of(&app).await;
    let page = app.client().get("/api/docs").await;
    assert_eq!(page.status, 200, "{}", page.text);
    let text = &page.text;
    for (id, _, path) in contract.operations() {
        assert!(text.contains(&format!("id=\"{id}\"")), "{id}");
        assert!(text.contains(&path), "{path}");
    }
    for code in ["insufficient_credits", "curl", "Python", "TypeScript"] {
        assert!(text.contains(code), "{code}");
    }
    assert!(text.contains("http://app.test/api/v1/credits/balance"));
    assert!(!text.contains("<script>") && !text.contains("style=\""));
}
