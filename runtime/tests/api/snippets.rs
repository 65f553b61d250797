//! The calls that the page of the API shows: taken from the page as a person copies them, compiled where their language is,
//! and run by the programs that they are written for, against a server.

use std::collections::BTreeMap;

use quickscale_runtime::api;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::testing::TestApp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::offered::{Strings, app_with};
use crate::program::{Program, settings};
use crate::support::ledger::assert_sound;
use crate::support::{overlay, packages};

/// A run that every description names, and that nobody has.
const EXAMPLE: &str = "019ab3f0-5c1e-7c3a-9a51-2f4b8c6d7e80";

/// An application that listens, with a service of the name that examples have.
async fn serve() -> TestApp {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let strings = Strings::default();
    let services = strings
        .services(1)
        .service("text_sentiment_analysis", strings.obedient(1));
    let app = app_with(Credits::whole(100), services).module(api::module(settings()));
    let app = TestApp::builder(app)
        .overlay(overlay())
        .env("APP_URL", &url);
    let app = app.start().await;
    let router = app.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    app
}

/// What the page shows: for each operation a call in each language.
async fn shown(app: &TestApp) -> BTreeMap<String, BTreeMap<String, String>> {
    let page = app.client().get("/api/docs").await.text;
    let operations = page.split("<section class=\"box\" id=\"").skip(1);
    operations
        .map(|operation| {
            let (id, rest) = operation.split_once('"').unwrap();
            let snippets = rest.split("<summary>").skip(1);
            (id.to_owned(), snippets.filter_map(snippet).collect())
        })
        .collect()
}

/// The language and the code of what stands under a summary, if that is a call.
fn snippet(details: &str) -> Option<(String, String)> {
    let (language, rest) = details.split_once("</summary>")?;
    let (details, _) = rest.split_once("</details>")?;
    let (_, code) = details.split_once("<pre ")?.1.split_once("<code>")?;
    let (code, _) = code.split_once("</code>")?;
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&amp;", "&"),
    ];
    let code = entities
        .iter()
        .fold(code.to_owned(), |code, (from, to)| code.replace(from, to));
    Some((language.to_owned(), code))
}

/// Compiles what stands in TypeScript among `calls`, as strictly as that goes, and puts the names of what came of it in its
/// place.
async fn compile(calls: &mut BTreeMap<String, BTreeMap<String, String>>) {
    let folder = packages::installed("api/typescript");
    let sources = folder.join("calls");
    if sources.exists() {
        std::fs::remove_dir_all(&sources).unwrap();
    }
    std::fs::create_dir(&sources).unwrap();
    let mut compiler = Command::new(folder.join("node_modules/.bin/tsc"));
    compiler.current_dir(&folder).args([
        "--strict",
        "--noEmitOnError",
        "--skipLibCheck",
        "--module",
        "nodenext",
        "--target",
        "es2022",
        "--outDir",
        "calls",
    ]);
    for (id, snippets) in calls {
        let code = snippets.get_mut("TypeScript").unwrap();
        let file = sources.join(format!("{id}.mts"));
        std::fs::write(&file, &*code).unwrap();
        compiler.arg(&file);
        *code = file.with_extension("mjs").to_str().unwrap().to_owned();
    }
    let output = compiler.output().await.expect("the compiler is installed");
    let faults = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{faults}");
}

/// What the program of `language` makes of `code`; of TypeScript that is the name of a compiled file.
fn program(language: &str, code: &str) -> Command {
    let words: &[&str] = match language {
        "curl" => &["sh", "-c"],
        "Python" => &["python3", "-c"],
        "TypeScript" => &["node"],
        other => panic!("who runs {other}?"),
    };
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(code);
    command
}

/// What `code` prints, which must not fail.
async fn run(language: &str, code: &str, key: &str) -> String {
    let mut command = program(language, code);
    let output = command
        .env("API_KEY", key)
        .env_remove("http_proxy")
        .output();
    let output = output
        .await
        .expect("the program is there: `cargo xtask test --install`");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{language} fails: {complaints}{said}\n{code}"
    );
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_that_the_page_shows_works_when_it_is_copied() {
    let app = serve().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    let hello = json!({ "text": "Hello" });
    let path = "/api/v1/services/free/runs";
    let real = program.post(path, &hello).await.json()["id"].take();
    let mut calls = shown(&app).await;
    let described = app.client().get("/api/openapi.json").await.json();
    assert!(calls.len() >= described["paths"].as_object().unwrap().len());
    // The only thing that has to be filled in beside the key.
    for code in calls.values_mut().flat_map(BTreeMap::values_mut) {
        *code = code.replace(EXAMPLE, real.as_str().unwrap());
    }
    compile(&mut calls).await;
    for (id, snippets) in &calls {
        let languages: Vec<_> = snippets.keys().map(String::as_str).collect();
        assert_eq!(languages, ["Python", "TypeScript", "curl"], "{id}");
        for (language, code) in snippets {
            let said = run(language, code, &program.key).await;
            check(id, language, &said);
        }
    }
    let ran = "SELECT idempotency_key FROM service_runs";
    let keys = crate::support::column(&app, ran).await;
    // Ours, and three each of the generic one and the six services' own.
    assert_eq!(keys.len(), 1 + 3 * 7, "{keys:?}");
    let has_key = |key: &&String| key.starts_with("api:") && key.len() >= "api:".len() + 32;
    assert_eq!(keys.iter().filter(has_key).count(), 3 * 7, "{keys:?}");
    assert_sound(&app.core, "after calls from three languages").await;
}

/// What a program printed is a good answer, as its language writes it.
fn check(id: &str, language: &str, said: &str) {
    assert!(!said.trim().is_empty(), "{id} in {language} says nothing");
    if id == "get_run_events" {
        assert!(said.contains("event: end"), "{language}: {said}");
        return;
    }
    if language == "curl" {
        let answer: Value = serde_json::from_str(said).unwrap_or_else(|_| panic!("{id}: {said}"));
        assert!(answer["code"].is_null(), "{id}: {said}");
    }
}
