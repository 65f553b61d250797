//! Stripe's webhooks under load, on PostgreSQL with its full durability: payments that arrive at a steady pace while
//! people spend. Late answers are counted from when their request was due.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use ureq::Agent;

use super::Project;
use super::http::people;
use super::server::{Server, Setting};
use super::table::{Table, milliseconds, percentile, seconds};
use crate::person::Person;
use crate::process;
use crate::servers::{Durability, Postgres};

const A_SECOND: u32 = 200;
const SECONDS: u32 = 20;
const ALL: u32 = A_SECOND * SECONDS;
/// What 99 of 100 webhooks are answered within.
const P99: Duration = Duration::from_millis(50);
/// How many connections Stripe has.
const SENDERS: u32 = 16;
/// How many paid runs a second people make beside, over so many connections.
const RUNS_A_SECOND: u32 = 100;
const SPENDERS: u32 = 8;
const SECRET: &str = "whsec_bench";
/// A payment provider that nobody needs to reach: what a payment page tells of is not read again.
const VARIABLES: [(&str, &str); 5] = [
    ("APP_ENV", "development"),
    ("BILLING_PROVIDER", "stripe"),
    ("STRIPE_SECRET_KEY", "rk_test_bench"),
    ("STRIPE_WEBHOOK_SECRET", SECRET),
    ("STRIPE_API_BASE", "http://127.0.0.1:9"),
];

pub fn measure(project: &Project, binary: &Path, table: &mut Table) -> Result<()> {
    let postgres = Postgres::start(Durability::Full)?;
    let setting = Setting {
        folder: project.folder(),
        binary: binary.to_owned(),
        database_url: postgres.url("postgres"),
    };
    setting.migrate()?;
    let server = setting.serve_with(&VARIABLES)?;
    let people = people(&server)?;
    let keys: Vec<String> = people.iter().map(Person::api_key).collect::<Result<_>>()?;
    setting.sql(&orders(keys.len()))?;
    let (times, runs) = load(&server, &keys)?;
    let drained = drain(&setting)?;
    table.add(
        format!(
            "PostgreSQL: {A_SECOND} webhooks a second for {SECONDS} s beside {} paid runs a second",
            runs / u64::from(SECONDS)
        ),
        format!(
            "{} stored, all worked off {} after the last; p50 {}, p99 {}, most {}",
            times.len(),
            seconds(drained),
            milliseconds(percentile(&times, 0.5)),
            milliseconds(percentile(&times, 0.99)),
            milliseconds(percentile(&times, 1.0)),
        ),
        format!("none lost, p99 {} ms", P99.as_millis()),
    );
    table.made_by(format!(
        "`POST /webhooks/stripe`, signed, {SENDERS} connections, each at its time; `POST \
         /api/v1/services/text_sentiment_analysis/runs` on {SPENDERS} others; then `billing verify` and `credits verify`"
    ));
    for auditor in ["billing", "credits"] {
        setting.run(&[auditor, "verify"], &VARIABLES)?;
    }
    let p99 = percentile(&times, 0.99);
    ensure!(
        p99 < P99,
        "one webhook in a hundred waited {} or longer",
        milliseconds(p99)
    );
    Ok(())
}

/// So many people as customers, and an order for each webhook.
fn orders(people: usize) -> String {
    format!(
        "INSERT INTO billing_customers (id, provider, owner_id, email, customer, version, created_at)
         SELECT 'c' || n, 'stripe', id, email, 'cus_' || n, 0, 0
         FROM (SELECT id, email, row_number() OVER (ORDER BY id) - 1 AS n FROM users) u;
         INSERT INTO billing_orders (id, customer_id, kind, item, price, quantity, currency, amount, credits, state,
             session, url, request_key, created_at, changed_at)
         SELECT 'o' || n, 'c' || n % {people}, 'pack', 'small', 'price_small', 1, 'eur', 500, 200000, 'open',
             'cs_' || n, '', 'k' || n, 0, 0 FROM generate_series(0, {ALL} - 1) n"
    )
}

/// How long each webhook waited for its answer, and how many runs were paid beside.
fn load(server: &Server, keys: &[String]) -> Result<(Vec<Duration>, u64)> {
    let (is_over, runs) = (AtomicBool::new(false), AtomicU64::new(0));
    let begun = Instant::now() + Duration::from_millis(500);
    thread::scope(|scope| {
        let spenders: Vec<_> = (0..SPENDERS)
            .map(|first| {
                let (is_over, runs) = (&is_over, &runs);
                scope.spawn(move || -> Result<()> {
                    let agent = Agent::new_with_defaults();
                    for number in (first..).step_by(SPENDERS as usize) {
                        if is_over.load(Ordering::Relaxed) {
                            break;
                        }
                        wait_until(begun + Duration::from_secs(1) / RUNS_A_SECOND * number);
                        run(&agent, server, &keys[number as usize % keys.len()])?;
                        runs.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(())
                })
            })
            .collect();
        let senders: Vec<_> = (0..SENDERS)
            .map(|first| {
                scope.spawn(move || -> Result<Vec<Duration>> {
                    let agent = Agent::new_with_defaults();
                    let mut times = Vec::new();
                    for number in (first..ALL).step_by(SENDERS as usize) {
                        let due = begun + Duration::from_secs(1) / A_SECOND * number;
                        wait_until(due);
                        deliver(&agent, server, number)?;
                        times.push(due.elapsed());
                    }
                    Ok(times)
                })
            })
            .collect();
        let mut times = Vec::new();
        for sender in senders {
            times.extend(sender.join().expect("it does not panic")?);
        }
        is_over.store(true, Ordering::Relaxed);
        for spender in spenders {
            spender.join().expect("it does not panic")?;
        }
        Ok((times, runs.load(Ordering::Relaxed)))
    })
}

fn wait_until(due: Instant) {
    thread::sleep(due.saturating_duration_since(Instant::now()));
}

/// One webhook: a pack was paid.
fn deliver(agent: &Agent, server: &Server, number: u32) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let body = format!(
        r#"{{"id":"evt_{number}","object":"event","type":"checkout.session.completed","created":{now},"livemode":false,"data":{{"object":{{"id":"cs_{number}","object":"checkout.session","mode":"payment","status":"complete","payment_status":"paid","amount_total":500,"currency":"eur","customer":null,"client_reference_id":"o{number}","payment_intent":"pi_{number}","subscription":null,"created":{now}}}}}}}"#
    );
    let signature = format!("t={now},v1={}", sign(now, &body));
    let request = agent.post(format!("{}/webhooks/stripe", server.url()));
    let request = request.header("stripe-signature", &signature);
    let mut answer = request.send(&body)?;
    answer.body_mut().read_to_string()?;
    Ok(())
}

fn sign(now: u64, body: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{now}.{body}").as_bytes());
    let made = mac.finalize().into_bytes();
    made.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One paid run of the sentiment service.
fn run(agent: &Agent, server: &Server, key: &str) -> Result<()> {
    let path = "/api/v1/services/text_sentiment_analysis/runs";
    let request = agent.post(format!("{}{path}", server.url()));
    let request = request.header("Authorization", format!("Bearer {key}"));
    let request = request.header("Content-Type", "application/json");
    let mut answer = request.send(r#"{"text":"What a wonderful day, I love it!"}"#)?;
    answer.body_mut().read_to_string()?;
    Ok(())
}

/// Waits until every event is worked off; says how long that took, and fails when something was lost.
fn drain(setting: &Setting) -> Result<Duration> {
    let begun = Instant::now();
    let done = "SELECT count(*) FROM billing_events WHERE state = 'done'";
    while setting.sql(done)?.trim() != ALL.to_string() {
        ensure!(
            begun.elapsed() < Duration::from_secs(300),
            "only {} of {ALL} events were worked off",
            setting.sql(done)?.trim()
        );
        thread::sleep(Duration::from_millis(100));
    }
    let drained = begun.elapsed();
    let lots = setting.sql("SELECT count(*), CAST(sum(credits) AS BIGINT) FROM billing_lots")?;
    let expected = format!("{ALL}|{}", u64::from(ALL) * 200_000);
    ensure!(lots.trim() == expected, "{lots} instead of {expected}");
    Ok(drained)
}

impl Setting {
    /// Runs a command of the application; fails when it does.
    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
        let mut command: Command = self.command(8000);
        command.args(arguments).envs(variables.iter().copied());
        process::read(&mut command)
            .map(drop)
            .with_context(|| format!("{arguments:?} found something"))
    }
}
