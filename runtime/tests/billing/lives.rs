//! Random lives of customers: whatever order the provider's events come in, however often and over however many
//! restarts, the end is that of the orderly delivery, and every book agrees.

use quickscale_runtime::billing::provider::Change;
use quickscale_runtime::billing::sandbox::{Sandbox, in_world};
use quickscale_runtime::billing::upkeep::verify;
use quickscale_runtime::billing::{Catalogue, provider::Provider as _};
use quickscale_runtime::testing::TestApp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::Row as _;

use crate::support::billing::Shopper;
use crate::support::{app, column, themed};

/// How many lives are led where `BILLING_LIVES` says nothing else.
const LIVES: u64 = 6;
const STEPS: usize = 16;

/// What happens to a customer: a verb, and a number that picks what it happens to.
type Step = (&'static str, usize);

const VERBS: [&str; 18] = [
    "buy",
    "buy_later",
    "subscribe",
    "subscribe",
    "renew",
    "renew",
    "renew",
    "day",
    "card_bad",
    "card_good",
    "seats",
    "fewer",
    "cancel",
    "go_on",
    "refund",
    "dispute",
    "decide",
    "arrive",
];

fn life(seed: u64) -> Vec<Step> {
    let mut random = StdRng::seed_from_u64(seed);
    let step = |_| {
        (
            VERBS[random.random_range(0..VERBS.len())],
            random.random_range(0..1000),
        )
    };
    let mut steps: Vec<_> = (0..STEPS).map(step).collect();
    // So that there is something to happen to.
    steps.insert(0, ("buy", 0));
    steps.insert(1, ("subscribe", 0));
    steps
}

/// The customer's objects of one kind at the sandbox, in the order of their making.
async fn objects(app: &TestApp, prefix: &str) -> Vec<String> {
    let rows = sqlx::query("SELECT object FROM billing_sandbox ORDER BY object");
    let rows = rows.fetch_all(app.core.db().reader()).await.unwrap();
    let names = rows.iter().map(|row| row.try_get::<String, _>(0).unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with(prefix)).collect();
    names.sort();
    names
}

async fn pick(app: &TestApp, prefix: &str, number: usize) -> Option<String> {
    let all = objects(app, prefix).await;
    (!all.is_empty()).then(|| all[number % all.len()].clone())
}

/// Another number of seats, as the provider takes it.
async fn terms(app: &TestApp, quantity: i64, at_once: bool) -> Change {
    let text = std::fs::read_to_string("../project_templates/modules/billing/config/billing.json")
        .unwrap();
    let catalogue = Catalogue::parse(&text).unwrap();
    let team = catalogue.item("team").unwrap();
    let price = Sandbox
        .price(&app.core, team, "eur".parse().unwrap())
        .await
        .unwrap();
    Change::Terms {
        element: String::new(),
        price,
        quantity,
        at_once,
    }
}

/// Does one step; one that cannot be done is none.
async fn take(shopper: &mut Shopper<'_>, (verb, number): Step) {
    let app = shopper.app;
    let blow = async |shopper: &mut Shopper<'_>, verb: &str, prefix: &str| {
        if let Some(object) = pick(app, prefix, number).await {
            shopper
                .browser
                .post("/billing/sandbox", &[("do", verb), ("object", &object)])
                .await;
        }
    };
    match verb {
        "buy" | "buy_later" | "subscribe" => {
            let item = if verb == "subscribe" {
                "team"
            } else {
                ["small", "large"][number % 2]
            };
            if verb == "subscribe" && !objects(app, "sub_").await.is_empty() {
                return;
            }
            let page = shopper.order(item, 1).await.location().to_owned();
            let verb = if verb == "buy_later" { "later" } else { "pay" };
            shopper.browser.post(&page, &[("do", verb)]).await;
        }
        "seats" | "fewer" | "cancel" | "go_on" => {
            let Some(subscription) = pick(app, "sub_", 0).await else {
                return;
            };
            let change = match verb {
                "seats" => terms(app, 5, true).await,
                "fewer" => terms(app, 1, false).await,
                "cancel" => Change::CancelAtEnd,
                _ => Change::GoOn,
            };
            let customer = objects(app, "cus_").await.swap_remove(0);
            let done = in_world(&app.core, &customer, |world| {
                world.change(&subscription, &change).map(drop)
            })
            .await;
            drop(done);
        }
        "refund" | "dispute" => blow(shopper, verb, "ch_").await,
        "decide" => blow(shopper, ["win", "lose"][number % 2], "dp_").await,
        "arrive" => blow(shopper, ["arrive", "fail"][number % 2], "cs_").await,
        verb => {
            shopper
                .browser
                .post("/billing/sandbox", &[("do", verb)])
                .await;
        }
    }
}

async fn run_sql(app: &TestApp, sql: &'static str, binds: &[&str]) {
    let mut tx = app.core.db().begin().await.unwrap();
    let query = binds.iter().fold(sqlx::query(sql), |query, bind| {
        query.bind((*bind).to_owned())
    });
    query.execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

/// Doubles some events under other names, and has all of them worked off in any order by two processes.
async fn deliver_shuffled(app: &TestApp, random: &mut StdRng) {
    for id in column(app, "SELECT id FROM billing_events ORDER BY id").await {
        if random.random_range(0..3) > 0 {
            continue;
        }
        let twin = format!("{id}-twin");
        let copy = "INSERT INTO billing_events (id, provider, event, kind, object, body, state, error, attempts,
                happened_at, received_at, changed_at)
            SELECT $1, provider, event || '-twin', kind, object, body, state, error, attempts, happened_at,
                received_at, changed_at FROM billing_events WHERE id = $2";
        run_sql(app, copy, &[&twin, &id]).await;
        let job = "INSERT INTO jobs (id, name, payload, state, due_at, attempts, created_at, changed_at, last_error)
            VALUES ($1, 'billing.event', $2, 'open', 0, 0, 0, 0, '')";
        run_sql(app, job, &[&twin, &format!("{{\"event\":\"{twin}\"}}")]).await;
    }
    let jobs = column(
        app,
        "SELECT id FROM jobs WHERE name = 'billing.event' ORDER BY id",
    )
    .await;
    let now = app.clock.now().as_micros();
    for job in jobs {
        // Half of them fall due after the restart.
        let due = now - 1_000_000 + random.random_range(0..2_000_000);
        let sql = "UPDATE jobs SET due_at = CAST($2 AS BIGINT) WHERE id = $1";
        run_sql(app, sql, &[&job, &due.to_string()]).await;
    }
    app.work_jobs().await;
    app.clock.advance(std::time::Duration::from_secs(2));
    let replica = themed(self::app()).replica_of(app).await;
    replica.work_jobs().await;
    assert_eq!(
        column(
            app,
            "SELECT error FROM billing_events WHERE state IN ('new', 'failed')"
        )
        .await,
        [""; 0]
    );
}

/// What is left at the end, without the provider's names.
async fn end_state(shopper: &Shopper<'_>) -> Vec<String> {
    let app = shopper.app;
    let mut state = vec![format!("balance {}", shopper.balance().await)];
    for sql in [
        "SELECT kind || ' ' || description || ' ' || CAST(amount AS TEXT) || ' ' || state || ' '
             || CAST(refunded AS TEXT) || ' ' || CAST(disputed AS TEXT) AS told FROM billing_payments ORDER BY told",
        "SELECT status || ' ' || price || ' ' || CAST(quantity AS TEXT) || ' ' || CAST(cancels_at_end AS TEXT) || ' '
             || COALESCE(CAST(paid_until AS TEXT), '') || ' ' || COALESCE(CAST(failing_since AS TEXT), '')
             FROM billing_subscriptions",
        "SELECT item || ' ' || state AS told FROM billing_orders ORDER BY told",
        "SELECT kind || ' ' || CAST(SUM(remaining) AS TEXT) FROM credit_lots WHERE remaining > 0 GROUP BY kind
             ORDER BY kind",
    ] {
        state.extend(column(app, sql).await);
    }
    let report = verify(&app.core, true).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    state
}

#[tokio::test]
async fn any_order_of_events_has_the_end_of_the_orderly_one() {
    let lives = std::env::var("BILLING_LIVES")
        .ok()
        .and_then(|count| count.parse().ok());
    let first = std::env::var("BILLING_FIRST")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0);
    for seed in first..first + lives.unwrap_or(LIVES) {
        let steps = life(seed);
        let orderly = themed(app()).start().await;
        let mut ada = Shopper::sign_up(&orderly, "ada@example.com").await;
        for step in &steps {
            take(&mut ada, *step).await;
            orderly.work_jobs().await;
        }
        let shuffled = themed(app()).start().await;
        let mut bob = Shopper::sign_up(&shuffled, "ada@example.com").await;
        for step in &steps {
            take(&mut bob, *step).await;
        }
        deliver_shuffled(&shuffled, &mut StdRng::seed_from_u64(seed)).await;
        assert_eq!(
            end_state(&bob).await,
            end_state(&ada).await,
            "life {seed}: {steps:?}"
        );
    }
}
