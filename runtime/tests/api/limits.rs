//! How often a key may call, and how it is told.

use std::sync::Arc;
use std::time::Duration;

use quickscale_runtime::api;
use quickscale_runtime::app::Core;
use quickscale_runtime::http::limits::{Limit, Limits};
use quickscale_runtime::testing::Answer;

use crate::program::{Program, assert_problem, make_key, offering, settings};
use crate::support::sign_in;

fn number(answer: &Answer, name: &str) -> u64 {
    answer.headers[name].to_str().unwrap().parse().unwrap()
}

fn limited(requests_per_minute: u32) -> api::Settings {
    api::Settings {
        requests_per_minute,
        ..settings()
    }
}

#[tokio::test]
async fn a_key_calls_so_often_and_no_more() {
    for limit in [1, 7, 40] {
        let app = offering(limited(limit)).0.start().await;
        let program = Program::of_new_user(&app, "ada@example.com").await;
        app.clock.advance(Duration::from_millis(500));
        for left in (0..u64::from(limit)).rev() {
            let answer = program.get("/api/v1/me").await;
            assert_eq!(answer.status, 200);
            assert_eq!(number(&answer, "ratelimit-limit"), u64::from(limit));
            assert_eq!(number(&answer, "ratelimit-remaining"), left);
            let policy = answer.headers["ratelimit-policy"].to_str().unwrap();
            assert_eq!(policy, format!("\"key\";q={limit};w=60"));
            let now = answer.headers["ratelimit"].to_str().unwrap();
            assert_eq!(now, format!("\"key\";r={left};t=60"));
        }
        let refused = program.get("/api/v1/me").await;
        assert_problem(&refused, 429, "too_many_requests");
        assert_eq!(number(&refused, "retry-after"), 60);
        assert_eq!(number(&refused, "ratelimit-remaining"), 0);
        // Another key of the same person has a limit of its own.
        let mut ada = sign_in(&app, "ada@example.com").await;
        let other = make_key(&mut ada, &["scope_account_read"]).await;
        let other = Program::with_key(&app, &other).get("/api/v1/me").await;
        assert_eq!(other.status, 200);
        app.clock.advance(Duration::from_secs(59));
        let refused = program.get("/api/v1/me").await;
        assert_eq!(number(&refused, "retry-after"), 1);
        app.clock.advance(Duration::from_secs(1));
        assert_eq!(program.get("/api/v1/me").await.status, 200);
    }
}

const LIMIT: Limit = Limit {
    name: "test",
    count: 100,
    window: Duration::from_secs(60),
};

/// How many of `tries` are within the limit, shared between `limits` in turn.
async fn within(core: &Core, limits: &[Limits], tries: usize) -> usize {
    let mut within = 0;
    for at in 0..tries {
        let share = &limits[at % limits.len()];
        let standing = share.take(core, &LIMIT, "ada").await.unwrap();
        within += usize::from(standing.is_within);
    }
    within
}

#[tokio::test]
async fn processes_share_a_limit_and_exceed_it_never() {
    let app = offering(settings()).0.start().await;
    let processes = [Limits::default(), Limits::default(), Limits::default()];
    assert_eq!(within(&app.core, &processes, 300).await, 100);
    app.clock.advance(LIMIT.window);
    assert_eq!(within(&app.core, &processes, 99).await, 99);
    processes[0].clear(&app.core, &LIMIT, "ada").await.unwrap();
    assert_eq!(within(&app.core, &processes[..1], 101).await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_counted_right() {
    let app = offering(settings()).0.start().await;
    let limits: Arc<[Limits]> = Arc::new([Limits::default(), Limits::default()]);
    let tasks: Vec<_> = (0..8)
        .map(|at| {
            let (core, limits) = (app.core.clone(), limits.clone());
            tokio::spawn(async move { within(&core, &limits[at % 2..=at % 2], 25).await })
        })
        .collect();
    let mut all = 0;
    for task in tasks {
        all += task.await.unwrap();
    }
    assert_eq!(all, 100);
}
