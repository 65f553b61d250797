//! Random lives of customers: whatever order the provider's events come in, however often and over however many
//! restarts, the end is that of the orderly delivery, and every book agrees. Several customers live in one application,
//! so that their events come mixed.

use std::time::Duration;

use quickscale_runtime::billing::provider::{Change, Provider as _};
use quickscale_runtime::billing::sandbox::{Sandbox, in_world};
use quickscale_runtime::billing::upkeep::verify;
use quickscale_runtime::billing::{Catalogue, Settings};
use quickscale_runtime::testing::TestApp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::Row as _;

use crate::support::billing::Shopper;
use crate::support::{app, column, themed};

/// How many lives are led where `BILLING_LIVES` says nothing else.
const LIVES: u64 = 24;
/// How many of them in one application.
const TOGETHER: u64 = 12;
const STEPS: usize = 16;
/// How often the process that works events off is replaced.
const RESTARTS: i64 = 3;

/// What happens to a customer: a verb, and a number that picks what it happens to.
type Step = (&'static str, usize);

const VERBS: [&str; 21] = [
    "buy",
    "buy_later",
    "leave",
    "subscribe",
    "renew",
    "renew",
    "renew",
    "day",
    "card_bad",
    "card_good",
    "seats",
    "fewer",
    "yearly",
    "cancel",
    "end",
    "go_on",
    "pause",
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
    // Whether he was there when it ended is not told where both are told together.
    let has_ended = steps.iter().any(|(verb, _)| *verb == "end");
    if random.random_range(0..4) == 0 && !has_ended {
        steps.push(("gone", 0));
    }
    // So that there is something to happen to.
    steps.insert(0, ("buy", 0));
    steps.insert(1, ("subscribe", steps[0].1));
    steps
}

/// Somebody, and his name at the sandbox.
struct Somebody<'a> {
    shopper: Shopper<'a>,
    customer: String,
}

impl<'a> Somebody<'a> {
    async fn arrives(app: &'a TestApp, seed: u64) -> Self {
        let email = format!("ada-{seed}@example.com");
        let shopper = Shopper::sign_up(app, &email).await;
        let customer = String::new();
        Self { shopper, customer }
    }

    /// His objects of one kind, in the order of their making.
    async fn objects(&self, prefix: &str) -> Vec<String> {
        let rows =
            sqlx::query("SELECT object FROM billing_sandbox WHERE customer = $1 ORDER BY object")
                .bind(&self.customer)
                .fetch_all(self.shopper.app.core.db().reader())
                .await
                .unwrap();
        let names = rows.iter().map(|row| row.try_get::<String, _>(0).unwrap());
        let mut names: Vec<_> = names.filter(|name| name.starts_with(prefix)).collect();
        names.sort();
        names
    }

    async fn pick(&self, prefix: &str, number: usize) -> Option<String> {
        let all = self.objects(prefix).await;
        (!all.is_empty()).then(|| all[number % all.len()].clone())
    }

    /// Does one step; one that cannot be done is none.
    async fn takes(&mut self, (verb, number): Step) {
        match verb {
            "buy" | "buy_later" | "leave" | "subscribe" => self.buys(verb, number).await,
            "seats" | "fewer" | "yearly" | "cancel" | "end" | "go_on" | "pause" => {
                self.changes(verb).await;
            }
            // The provider deletes him.
            "gone" => {
                let core = &self.shopper.app.core;
                let gone = in_world(core, &self.customer, |world| {
                    world.forget();
                    Ok(())
                });
                gone.await.unwrap();
            }
            "refund" | "dispute" => self.suffers(verb, "ch_", number).await,
            "decide" => {
                let verb = ["win", "lose"][number % 2];
                self.suffers(verb, "dp_", number).await;
            }
            "arrive" => {
                let verb = ["arrive", "fail"][number % 2];
                self.suffers(verb, "cs_", number).await;
            }
            verb => {
                let fields = [("do", verb)];
                self.shopper.browser.post("/billing/sandbox", &fields).await;
            }
        }
    }

    async fn suffers(&mut self, verb: &str, prefix: &str, number: usize) {
        if let Some(object) = self.pick(prefix, number).await {
            let fields = [("do", verb), ("object", &object)];
            self.shopper.browser.post("/billing/sandbox", &fields).await;
        }
    }

    async fn buys(&mut self, verb: &str, number: usize) {
        let item = if verb == "subscribe" {
            ["team", "starter"][number % 2]
        } else {
            ["small", "large"][number % 2]
        };
        if verb == "subscribe" && !self.objects("sub_").await.is_empty() {
            return;
        }
        let page = self.shopper.order(item, 1).await.location().to_owned();
        if self.customer.is_empty() {
            let sql = "SELECT customer FROM billing_customers WHERE owner_id = $1";
            let row = sqlx::query(sql).bind(self.shopper.id.as_str());
            let row = row
                .fetch_one(self.shopper.app.core.db().reader())
                .await
                .unwrap();
            self.customer = row.try_get(0).unwrap();
        }
        if verb == "leave" {
            let session = page.rsplit('/').next().unwrap_or_default();
            let core = &self.shopper.app.core;
            let left = in_world(core, &self.customer, |world| world.abandon(session)).await;
            return left.unwrap();
        }
        let verb = if verb == "buy_later" { "later" } else { "pay" };
        self.shopper.browser.post(&page, &[("do", verb)]).await;
    }

    async fn changes(&mut self, verb: &str) {
        let Some(subscription) = self.pick("sub_", 0).await else {
            return;
        };
        let app = self.shopper.app;
        let change = match verb {
            "seats" => terms(app, "team", 5, true).await,
            "fewer" => terms(app, "team", 1, false).await,
            "yearly" => terms(app, "team-yearly", 2, true).await,
            "cancel" => Change::CancelAtEnd,
            "end" => Change::CancelNow {
                reason: String::new(),
            },
            "pause" => Change::Pause,
            _ => Change::GoOn,
        };
        let changed = in_world(&app.core, &self.customer, |world| {
            world.change(&subscription, &change).map(drop)
        });
        drop(changed.await);
    }

    /// What is left at the end, without the provider's names.
    async fn end_state(&self) -> Vec<String> {
        let mut state = vec![format!("balance {}", self.shopper.balance().await)];
        for sql in [
            "SELECT p.kind || ' ' || p.description || ' ' || CAST(p.amount AS TEXT) || ' ' || p.state || ' '
                 || CAST(p.refunded AS TEXT) || ' ' || CAST(p.disputed AS TEXT) AS told
                 FROM billing_payments p JOIN billing_customers c ON c.id = p.customer_id
                 WHERE c.owner_id = $1 ORDER BY told",
            "SELECT s.status || ' ' || s.price || ' ' || CAST(s.quantity AS TEXT) || ' '
                 || CAST(s.cancels_at_end AS TEXT) || ' ' || CAST(s.is_paused AS TEXT) || ' '
                 || COALESCE(CAST(s.paid_until AS TEXT), '') || ' ' || COALESCE(CAST(s.failing_since AS TEXT), '')
                 FROM billing_subscriptions s JOIN billing_customers c ON c.id = s.customer_id
                 WHERE c.owner_id = $1 ORDER BY s.subscription",
            "SELECT o.item || ' ' || o.state AS told FROM billing_orders o
                 JOIN billing_customers c ON c.id = o.customer_id WHERE c.owner_id = $1 ORDER BY told",
            "SELECT l.kind || ' ' || CAST(SUM(l.remaining) AS TEXT) FROM credit_lots l
                 JOIN credit_accounts a ON a.id = l.account_id
                 WHERE a.owner_id = $1 AND l.remaining > 0 GROUP BY l.kind ORDER BY l.kind",
        ] {
            let rows = sqlx::query(sql).bind(self.shopper.id.as_str());
            let rows = rows
                .fetch_all(self.shopper.app.core.db().reader())
                .await
                .unwrap();
            state.extend(rows.iter().map(|row| row.try_get::<String, _>(0).unwrap()));
        }
        state
    }
}

/// A plan and a number of seats, as the provider takes it.
async fn terms(app: &TestApp, plan: &str, quantity: i64, at_once: bool) -> Change {
    let catalogue = Catalogue::declared(&Settings::default()).unwrap();
    let plan = catalogue.item(plan).unwrap();
    let price = Sandbox
        .price(&app.core, plan, "eur".parse().unwrap())
        .await
        .unwrap();
    Change::Terms {
        element: String::new(),
        price,
        quantity,
        at_once,
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

/// Doubles some events under other names, and has all of them worked off in any order, by one process after the other.
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
    let jobs = "SELECT id FROM jobs WHERE name = 'billing.event' ORDER BY id";
    let now = app.clock.now().as_micros();
    for job in column(app, jobs).await {
        let due = now + random.random_range(0..RESTARTS * 1_000_000);
        let sql = "UPDATE jobs SET due_at = CAST($2 AS BIGINT) WHERE id = $1";
        run_sql(app, sql, &[&job, &due.to_string()]).await;
    }
    for _ in 0..RESTARTS {
        app.clock.advance(Duration::from_secs(1));
        let process = themed(self::app()).replica_of(app).await;
        process.work_jobs().await;
        process.stop().await;
    }
    let left = "SELECT kind || ' ' || error FROM billing_events WHERE state IN ('new', 'failed')";
    assert_eq!(column(app, left).await, [""; 0]);
}

async fn assert_everything_agrees(app: &TestApp, seed: u64) {
    let report = verify(&app.core, true).await.unwrap();
    assert!(report.findings.is_empty(), "{seed}: {:?}", report.findings);
}

/// Leads the lives from this seed on, some together in one application.
async fn lead(seeds: std::ops::Range<u64>) {
    let (orderly, shuffled) = (themed(app()).start().await, themed(app()).start().await);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for seed in seeds.clone() {
        let mut ada = Somebody::arrives(&orderly, seed).await;
        let mut twin = Somebody::arrives(&shuffled, seed).await;
        for step in life(seed) {
            ada.takes(step).await;
            orderly.work_jobs().await;
            twin.takes(step).await;
        }
        first.push(ada);
        second.push(twin);
    }
    deliver_shuffled(&shuffled, &mut StdRng::seed_from_u64(seeds.start)).await;
    for ((ada, twin), seed) in first.iter().zip(&second).zip(seeds.clone()) {
        let steps = life(seed);
        assert_eq!(
            twin.end_state().await,
            ada.end_state().await,
            "life {seed}: {steps:?}"
        );
    }
    assert_everything_agrees(&orderly, seeds.start).await;
    assert_everything_agrees(&shuffled, seeds.start).await;
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A half of the lives, so that two can be led at a time.
async fn lead_half(half: u64) {
    let lives = number("BILLING_LIVES").unwrap_or(LIVES);
    let first = number("BILLING_FIRST").unwrap_or(0);
    for batch in (0..lives.div_ceil(TOGETHER)).filter(|batch| batch % 2 == half) {
        let start = first + batch * TOGETHER;
        lead(start..(start + TOGETHER).min(first + lives)).await;
    }
}

#[tokio::test]
async fn any_order_of_events_has_the_end_of_the_orderly_one() {
    lead_half(0).await;
}

#[tokio::test]
async fn any_order_of_events_has_the_end_of_the_orderly_one_for_others_too() {
    lead_half(1).await;
}
