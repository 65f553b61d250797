//! A request with an `Idempotency-Key` whose process is killed after each of its statements: sent again, it is
//! answered, and what it asks for happens once.

use std::time::Duration;

use quickscale_runtime::testing::Client;
use serde_json::{Value, json};

use crate::offered::Strings;
use crate::program::{Program, parts, settings, start};
use crate::support::death::{Life, kill_after};
use crate::support::ledger::{assert_sound, number};
use crate::support::overlay;

const KEY: &str = "DEATH_KEY";
const NAME: &str = "DEATH_NAME";
const PATH: &str = "/api/v1/services/obedient/runs";

fn body() -> Value {
    json!({ "text": "Hello" })
}

/// Sends one request, unless it is killed before it is answered.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the part of another process"]
async fn answers() {
    let app = parts(&Strings::default(), settings());
    let Some(life) = Life::of(app, overlay()).await else {
        return;
    };
    let [key, name] = [KEY, NAME].map(|name| std::env::var(name).unwrap());
    let program = Program::of(Client::of(life.0.router.clone()), &key);
    life.begin();
    let answer = program.post_once(PATH, &body(), &name).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_dies_at_any_statement_happens_once_when_it_is_sent_again() {
    let (app, _) = start().await;
    let mut statement = 0;
    let mut is_killed = true;
    while is_killed {
        statement += 1;
        let email = format!("ada{statement}@example.com");
        let program = Program::of_new_user(&app, &email).await;
        let name = format!("request-{statement}");
        let vars = [(KEY, program.key.as_str()), (NAME, &name)];
        is_killed = kill_after(&app, "deaths::answers", &vars, statement).await;
        let what = format!("after statement {statement}");
        // Whoever had it is given up.
        app.clock.advance(Duration::from_secs(120));
        let answer = program.post_once(PATH, &body(), &name).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        let again = program.post_once(PATH, &body(), &name).await;
        assert_eq!(again.text, answer.text, "{what}");
        assert!(again.headers.contains_key("idempotent-replayed"), "{what}");
        let sql = format!(
            "SELECT COUNT(*) FROM service_runs r JOIN users u ON u.id = r.user_id WHERE u.email = '{email}'"
        );
        assert_eq!(number(&app.core, &sql).await, 1, "{what}");
        // A run that was under way has failed, and costs nothing; any other has its result, once.
        let run = answer.json();
        let paid = match run["status"].as_str() {
            Some("succeeded") => "93",
            _ => "100",
        };
        let balance = program.get("/api/v1/credits/balance").await.json();
        assert_eq!(
            (&balance["available"], &balance["held"]),
            (&json!(paid), &json!("0")),
            "{what}: {run}"
        );
        assert!(is_killed || paid == "93", "{what}: {run}");
    }
    assert!(statement > 12, "only {statement} statements were seen");
    assert_sound(&app.core, "after all those deaths").await;
}
