//! How the databases find the runs of somebody who has very many, where others have one.

use crate::auth;
use crate::db::explain::{Explainer, Question};
use crate::testing::TestApp;
use crate::{App, Environment, credits, services};

/// How many users there are, and how many runs one of them has.
const MANY: u32 = 20_000;

const QUESTIONS: [Question; 3] = [
    (super::FIND_BY_KEY, 2, "user_id= AND idempotency_key="),
    (super::LIST_OF_USER, 7, "user_id= AND id<"),
    (super::RUNS_OF, 3, "user_id= AND id<"),
];

/// A run of everybody.
const FIRST: &str =
    "INSERT INTO service_runs (id, user_id, service, idempotency_key, digest, status, cost, input,
        started_at, ends_by, finished_at)
    SELECT 'r' || n, 'u' || n, 's', 'k0', '', 'succeeded', 1, '{}', 1, 1, 1 FROM n";

/// As many of one.
const MORE: &str =
    "INSERT INTO service_runs (id, user_id, service, idempotency_key, digest, status, cost, input,
        started_at, ends_by, finished_at)
    SELECT 'm' || n, 'u1', 's', 'k' || n, '', 'succeeded', 1, '{}', 1, 1, 1 FROM n";

#[tokio::test]
async fn somebodys_runs_are_searched_by_their_indexes() {
    let app = App::builder("A test", Environment::Test)
        .module(auth::module(auth::Settings::default()))
        .module(credits::module(credits::Settings::default()))
        .module(services::module(services::Settings::default()));
    let app = TestApp::start(app).await;
    let mut database = Explainer::connect(app.database_url()).await;
    database.insert(MANY, FIRST).await;
    database.analyze("service_runs").await;
    database.insert(MANY, MORE).await;
    // First while the database still believes that everybody has one.
    for _ in 0..2 {
        for question in QUESTIONS {
            database.found_by_index(question).await;
        }
        database.analyze("service_runs").await;
    }
}
