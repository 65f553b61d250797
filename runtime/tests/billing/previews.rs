//! What the staff is shown that a refund will take is what it then takes.

use std::collections::BTreeMap;
use std::time::Duration;

use quickscale_runtime::auth::audit::Actor;
use quickscale_runtime::billing::actions::{cancel_subscription, detail};
use quickscale_runtime::credits::{self, Credits, HoldTerms, Note, Owner};
use quickscale_runtime::testing::Client;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use sqlx::Row as _;

use crate::delivery::{secs, start};
use crate::effects::Subscriber;
use crate::shapes::Shape;
use crate::support::billing::{Shopper, subscribe};
use crate::support::{app, column, sign_up_admin, themed};

/// Credits that are taken from what is left of a payment's, from others, that are owed, and that ran out before.
type Taken = [i64; 4];

const WORDS: [&str; 4] = [
    "Taken from what is left of them",
    "Used already: taken from other credits of the account",
    "Used already: becomes a debt, which the next credits pay",
    "Ran out already: nothing is taken for them",
];

/// In thousandths.
fn milli(text: &str) -> i64 {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.replace(',', "");
    format!("{whole}{places:0<3}").parse().unwrap()
}

/// What the page of a refund says that it will take.
async fn shown(staff: &mut Client, payment: &str, amount: &str) -> Taken {
    let path = format!("/admin/payments/{payment}/refund?amount={amount}");
    let page = staff.get(&path).await.text;
    let number = |text: &str| milli(text.split(' ').next().unwrap());
    let taken = WORDS.map(|words| {
        let row = format!("<li>{words}: ");
        page.split_once(&row).map_or(0, |(_, rest)| number(rest))
    });
    let (_, total) = page.split_once(" EUR takes ").unwrap();
    let total = if total.starts_with("no credits back.") {
        0
    } else {
        number(total)
    };
    assert_eq!(total, taken[..3].iter().sum::<i64>(), "{page}");
    taken
}

async fn ask(staff: &mut Client, payment: &str, amount: &str) {
    let key = quickscale_runtime::crypto::random_token();
    let fields = [("amount", amount), ("reason", "Asked"), ("key", &key)];
    let path = format!("/admin/payments/{payment}/refund");
    let answer = staff.post(&path, &fields).await;
    assert_eq!(answer.location(), format!("/admin/payments/{payment}"));
}

/// What is left of each payment's credits, what of them ran out that was to be taken; what somebody has, and owes.
#[derive(Debug, Clone)]
struct Books {
    left: BTreeMap<String, i64>,
    ran_out: BTreeMap<String, i64>,
    available: i64,
    debt: i64,
}

async fn books(ada: &Shopper<'_>) -> Books {
    let read = |rows: Vec<String>| {
        let row = |row: String| {
            let (payment, amount) = row.split_once(' ').unwrap();
            (payment.to_owned(), amount.parse().unwrap())
        };
        rows.into_iter().map(row).collect()
    };
    let owner = Owner::User(ada.id.clone());
    // What has run out by now, whether that is booked or not, can be taken by nobody.
    let now = ada.app.clock.now().as_micros();
    let left = "SELECT b.payment_id || ' ' || CAST(SUM(c.remaining) AS TEXT) || ' ' ||
             CAST(COALESCE(c.expires_at, 9223372036854775807) AS TEXT)
         FROM billing_lots b JOIN credit_lots c ON c.source = b.source GROUP BY b.payment_id, c.expires_at";
    let mut usable: BTreeMap<String, i64> = BTreeMap::new();
    for row in column(ada.app, left).await {
        let parts: Vec<_> = row.split(' ').collect();
        if parts[2].parse::<i64>().unwrap() > now {
            *usable.entry(parts[0].into()).or_default() += parts[1].parse::<i64>().unwrap();
        }
    }
    let ran_out = "SELECT payment_id || ' ' || CAST(SUM(taken - revoked) AS TEXT) FROM billing_lots GROUP BY payment_id";
    let balance = credits::actions::balance(&ada.app.core, &owner)
        .await
        .unwrap();
    Books {
        left: usable,
        ran_out: read(column(ada.app, ran_out).await),
        available: balance.available.as_milli(),
        debt: balance.debt.as_milli(),
    }
}

impl Books {
    /// What a refund of a payment took until `after`.
    fn until(&self, after: &Self, payment: &str) -> Taken {
        let of = |all: &BTreeMap<String, i64>| all.get(payment).copied().unwrap_or_default();
        let own = of(&self.left) - of(&after.left);
        let gone = self.available - after.available;
        let ran_out = of(&after.ran_out) - of(&self.ran_out);
        [own, gone - own, after.debt - self.debt, ran_out]
    }
}

/// Looks at what a refund takes, makes it, and compares.
async fn refunded(ada: &Shopper<'_>, staff: &mut Client, payment: &str, amount: &str) -> Taken {
    let before = books(ada).await;
    let shown = shown(staff, payment, amount).await;
    let looked = books(ada).await;
    assert_eq!(
        before.until(&looked, payment),
        [0; 4],
        "looking takes nothing"
    );
    ask(staff, payment, amount).await;
    ada.app.work_jobs().await;
    let done = before.until(&books(ada).await, payment);
    assert_eq!(shown, done, "{payment} {amount} {before:?}");
    done
}

/// What a query says of somebody, who is its `$1`.
async fn of(ada: &Shopper<'_>, sql: &'static str) -> Vec<String> {
    let query = sqlx::query(sql).bind(ada.id.as_str());
    let rows = query.fetch_all(ada.app.core.db().reader()).await.unwrap();
    rows.iter().map(|row| row.try_get(0).unwrap()).collect()
}

async fn payments(ada: &Shopper<'_>) -> Vec<String> {
    let sql = "SELECT p.id FROM billing_payments p JOIN billing_customers c ON c.id = p.customer_id
         WHERE c.owner_id = $1 ORDER BY p.id";
    of(ada, sql).await
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Buy(&'static str),
    Subscribe,
    Spend(u32),
    /// Set aside for work that goes on.
    Hold(u32),
    CancelNow,
    CancelAtEnd,
    Days(u64),
    /// The first charge is disputed, and the dispute is won: its credits come in anew.
    Disputed,
}

use Step::{Buy, CancelAtEnd, CancelNow, Days, Disputed, Hold, Spend, Subscribe};

async fn take(ada: &mut Shopper<'_>, step: Step) {
    let owner = Owner::User(ada.id.clone());
    let key = quickscale_runtime::crypto::random_token();
    let core = &ada.app.core;
    match step {
        Buy(item) => ada.buy(item).await,
        Subscribe => subscribe(ada, "team", 1).await,
        Spend(amount) => {
            let (amount, note) = (Credits::whole(amount), Note::system(key, "A test"));
            let spent = credits::actions::spend(core, &owner, amount, &note).await;
            spent.unwrap();
        }
        Hold(amount) => {
            let lasts = Duration::from_secs(60 * 60);
            let (amount, terms) = (Credits::whole(amount), HoldTerms { key, lasts });
            let held = credits::actions::hold(core, &owner, amount, &terms).await;
            held.unwrap();
        }
        CancelNow | CancelAtEnd => {
            let at_once = matches!(step, CancelNow);
            let live = "SELECT s.subscription FROM billing_subscriptions s
                 JOIN billing_customers c ON c.id = s.customer_id WHERE c.owner_id = $1 AND s.status <> 'canceled'";
            let names = of(ada, live).await;
            let by = (&Actor::CommandLine, "Asked");
            let ended = cancel_subscription(core, (&names[0], at_once), by, &key).await;
            ended.unwrap();
            ada.app.work_jobs().await;
        }
        Days(days) => ada
            .app
            .clock
            .advance(Duration::from_secs(days * 24 * 60 * 60)),
        Disputed => {
            let objects = "SELECT s.object FROM billing_sandbox s
                 JOIN billing_customers c ON c.customer = s.customer WHERE c.owner_id = $1";
            let named = |all: Vec<String>, prefix: &str| {
                let found = all.into_iter().find(|object| object.starts_with(prefix));
                found.unwrap()
            };
            let charge = named(of(ada, objects).await, "ch_");
            ada.sandbox("dispute", &charge).await;
            let dispute = named(of(ada, objects).await, "dp_");
            ada.sandbox("win", &dispute).await;
        }
    }
}

/// What is done before the first payment is given back in parts, and what each part takes, in whole credits. Everybody
/// has 100 credits as a welcome, which are used before those of packs and after those of subscriptions.
type Case<'a> = (&'a [Step], &'a [(&'a str, Taken)]);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shown_is_what_is_taken() {
    let cases: &[Case<'_>] = &[
        // A pack of 200 credits for 5.00: unused; in part; used in part, with and without others to take.
        (&[Buy("small")], &[("5.00", [200, 0, 0, 0])]),
        (
            &[Buy("small")],
            &[
                ("2.50", [100, 0, 0, 0]),
                ("1.25", [50, 0, 0, 0]),
                ("1.25", [50, 0, 0, 0]),
            ],
        ),
        (
            &[Buy("small"), Spend(250)],
            &[("2.50", [50, 0, 50, 0]), ("2.50", [0, 0, 100, 0])],
        ),
        (
            &[Buy("small"), Buy("small"), Spend(250)],
            &[("2.50", [50, 50, 0, 0]), ("2.50", [0, 100, 0, 0])],
        ),
        (
            &[Buy("small"), Spend(100), Hold(150)],
            &[("5.00", [50, 0, 150, 0])],
        ),
        (
            &[Buy("small"), Disputed, Spend(150)],
            &[("2.50", [100, 0, 0, 0]), ("2.50", [50, 0, 50, 0])],
        ),
        // A subscription to 2,000 credits for 29.00: unused; used in part; ended before its time, unused or not.
        (
            &[Subscribe],
            &[("14.50", [1000, 0, 0, 0]), ("14.50", [1000, 0, 0, 0])],
        ),
        (
            &[Subscribe, Spend(1500)],
            &[("14.50", [500, 100, 400, 0]), ("14.50", [0, 0, 1000, 0])],
        ),
        (
            &[Subscribe, CancelNow],
            &[("14.50", [0, 0, 0, 1000]), ("14.50", [0, 0, 0, 1000])],
        ),
        (
            &[Subscribe, Spend(1500), CancelNow],
            &[
                ("7.25", [0, 0, 0, 500]),
                ("7.25", [0, 100, 400, 0]),
                ("14.50", [0, 0, 1000, 0]),
            ],
        ),
        (
            &[Buy("small"), Subscribe, Spend(500), CancelNow, Spend(250)],
            &[("5.00", [50, 0, 150, 0])],
        ),
        // Its period is over, and nobody has booked that yet.
        (
            &[Subscribe, Spend(500), CancelAtEnd, Days(31)],
            &[("14.50", [0, 0, 0, 1000]), ("14.50", [0, 100, 400, 500])],
        ),
        (
            &[Subscribe, Disputed, Spend(500), CancelAtEnd, Days(31)],
            &[("29.00", [0, 100, 400, 1500])],
        ),
    ];
    let app = themed(app()).start().await;
    for (number, (steps, refunds)) in cases.iter().enumerate() {
        let mut ada = Shopper::sign_up(&app, &format!("ada{number}@example.com")).await;
        for step in *steps {
            take(&mut ada, *step).await;
        }
        let mut staff = sign_up_admin(&app, &format!("root{number}@example.com")).await;
        let payment = payments(&ada).await.swap_remove(0);
        for (amount, expected) in *refunds {
            let taken = refunded(&ada, &mut staff, &payment, amount).await;
            let expected = expected.map(|credits| credits * 1000);
            assert_eq!(taken, expected, "{steps:?} {amount}");
        }
    }
}

#[tokio::test]
async fn what_is_under_way_is_taken_before() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    take(&mut ada, Buy("small")).await;
    take(&mut ada, Spend(150)).await;
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    let payment = column(&app, "SELECT id FROM billing_payments").await;
    let before = books(&ada).await;
    // 150 are left: the first takes 120 of them, of which nothing is known yet when the second is looked at.
    let first = shown(&mut staff, &payment[0], "3.00").await;
    ask(&mut staff, &payment[0], "3.00").await;
    let second = shown(&mut staff, &payment[0], "2.00").await;
    ask(&mut staff, &payment[0], "2.00").await;
    assert_eq!(first, [120_000, 0, 0, 0]);
    assert_eq!(second, [30_000, 0, 50_000, 0]);
    app.work_jobs().await;
    let done = before.until(&books(&ada).await, &payment[0]);
    assert_eq!(done, [150_000, 0, 50_000, 0]);
}

#[tokio::test]
async fn every_line_and_every_movement_of_an_invoice_is_counted() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let own = Subscriber::of(&mut ada, &stand_in, Shape::After).await;
    let mut bill = own.invoice(1);
    let mut second = bill.lines[0].clone();
    second.id = "il_2".into();
    bill.lines.push(second);
    let part = |intent: &str, amount: i64| {
        json!({"object": "invoice_payment", "status": "paid", "amount_paid": amount,
            "payment": {"type": "payment_intent", "payment_intent": intent}})
    };
    let mut body = bill.body(Shape::After);
    let parts = [part("pi_small", 1800), part("pi_large", 4000)];
    body["payments"] = json!({"object": "list", "has_more": false, "data": parts});
    stand_in.put(body.clone());
    for (charge, intent, amount) in [("ch_1", "pi_small", 1800), ("ch_2", "pi_large", 4000)] {
        stand_in.put(json!({
            "id": charge, "object": "charge", "payment_intent": intent, "amount": amount, "amount_refunded": 0,
            "currency": "eur", "customer": own.sub.customer, "created": secs(&app), "status": "succeeded",
        }));
    }
    crate::delivery::deliver_thrice(&app, "invoice.paid", &body).await;
    assert_eq!(ada.balance().await, "4100");
    take(&mut ada, Spend(3000)).await;
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    let payment = column(&app, "SELECT id FROM billing_payments").await;
    for (amount, expected) in [
        ("14.50", [1000, 0, 0, 0]),
        // More than is left of the greater movement.
        ("29.00", [0, 100, 1900, 0]),
        ("14.50", [0, 0, 1000, 0]),
    ] {
        let taken = refunded(&ada, &mut staff, &payment[0], amount).await;
        assert_eq!(taken, expected.map(|credits| credits * 1000), "{amount}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_came_before() {
    const STEPS: [Step; 6] = [
        Buy("small"),
        Subscribe,
        Spend(90),
        Spend(1100),
        CancelNow,
        Days(20),
    ];
    for seed in 0..2 {
        let mut random = StdRng::seed_from_u64(seed);
        let app = themed(app()).start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        take(&mut ada, Subscribe).await;
        let mut is_subscribed = true;
        for number in 0..8 {
            let step = STEPS[random.random_range(0..STEPS.len())];
            let has = books(&ada).await.available;
            let is_possible = match step {
                Spend(amount) | Hold(amount) => has >= i64::from(amount) * 1000,
                Subscribe => !is_subscribed,
                CancelNow => is_subscribed,
                Buy(_) | Days(_) | CancelAtEnd | Disputed => true,
            };
            if is_possible {
                // Whoever was away for long signs in again.
                ada.browser = crate::support::sign_in(&app, "ada@example.com").await;
                take(&mut ada, step).await;
                is_subscribed = match step {
                    Subscribe => true,
                    CancelNow => false,
                    _ => is_subscribed,
                };
            }
            let all = payments(&ada).await;
            let payment = &all[random.random_range(0..all.len())];
            let left = detail(&app.core, payment).await.unwrap().left;
            if left.minor > 1 {
                let cents = random.random_range(1..=left.minor);
                let amount = format!("{}.{:02}", cents / 100, cents % 100);
                let email = format!("root{number}@example.com");
                let mut staff = sign_up_admin(&app, &email).await;
                refunded(&ada, &mut staff, payment, &amount).await;
            }
        }
        let report = quickscale_runtime::billing::upkeep::verify(&app.core, true)
            .await
            .unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}
