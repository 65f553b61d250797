//! The catalogue where Stripe keeps it: products and prices, taken in by events and by `billing sync`.

use quickscale_runtime::testing::TestApp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::delivery::{app_of_provider, at, deliver_as, deliver_thrice, start_with};
use crate::standin::StandIn;
use crate::support::billing::Shopper;
use crate::support::{column, run};

fn product(active: bool) -> Value {
    json!({
        "id": "prod_1", "object": "product", "name": "Bundle", "description": "Many at once", "active": active,
        "metadata": {"credits": "250"},
    })
}

fn price(id: &str, created: i64, fields: &Value) -> Value {
    let mut price = json!({
        "id": id, "object": "price", "product": "prod_1", "active": true, "currency": "eur", "unit_amount": 700,
        "recurring": null, "created": created, "metadata": {},
    });
    for (name, value) in fields.as_object().unwrap() {
        price[name] = value.clone();
    }
    price
}

fn put(stand_in: &StandIn, body: &Value) -> Value {
    stand_in.put(body.clone());
    body.clone()
}

async fn plans(app: &TestApp) -> String {
    app.client().get("/billing/plans?currency=eur").await.text
}

async fn current(app: &TestApp) -> Vec<String> {
    let sql = "SELECT item || ' ' || price || ' ' || CAST(credits AS TEXT) FROM billing_prices
         WHERE is_current = 1 ORDER BY price";
    column(app, sql).await
}

#[tokio::test]
async fn products_and_prices_are_sold_as_stripe_has_them_now() {
    let (app, stand_in) = start_with(app_of_provider()).await;
    assert!(!plans(&app).await.contains("Bundle"));
    let offered = put(&stand_in, &price("price_1", 10, &json!({})));
    let bundle = put(&stand_in, &product(true));
    // The price is told before its product is.
    deliver_thrice(&app, "price.created", &offered).await;
    deliver_thrice(&app, "product.created", &bundle).await;
    let page = plans(&app).await;
    assert!(
        page.contains("Bundle") && page.contains("7.00 EUR"),
        "{page}"
    );
    assert_eq!(current(&app).await, ["prod_1 price_1 250000"]);
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let answer = ada.order("prod_1", 1).await;
    assert!(answer.text.contains("/c/pay/cs_"), "{}", answer.text);

    // A newer price takes its place, whichever is told of last; then what it brings changes.
    let newer = put(
        &stand_in,
        &price("price_2", 20, &json!({"unit_amount": 900})),
    );
    deliver_thrice(&app, "price.created", &newer).await;
    deliver_thrice(&app, "price.updated", &offered).await;
    assert_eq!(current(&app).await, ["prod_1 price_2 250000"]);
    let mut richer = product(true);
    richer["metadata"]["credits"] = "300".into();
    deliver_thrice(&app, "product.updated", &put(&stand_in, &richer)).await;
    assert_eq!(current(&app).await, ["prod_1 price_2 300000"]);
    assert!(plans(&app).await.contains("9.00 EUR"));

    // What is gone is not sold, and an old event brings nothing back.
    stand_in.forget("price_2");
    deliver_thrice(&app, "price.deleted", &newer).await;
    deliver_as(&app, "evt_late", "price.updated", &newer).await;
    assert_eq!(current(&app).await, ["prod_1 price_1 300000"]);
    stand_in.put(product(false));
    deliver_thrice(&app, "product.updated", &richer).await;
    assert!(!plans(&app).await.contains("Bundle"));
    stand_in.put(product(true));
    deliver_as(&app, "evt_back", "product.updated", &richer).await;
    assert!(plans(&app).await.contains("Bundle"));
    stand_in.forget("prod_1");
    deliver_thrice(&app, "product.deleted", &richer).await;
    assert!(!plans(&app).await.contains("Bundle"));
}

#[tokio::test]
async fn sync_reads_the_same_catalogue_and_twice_changes_nothing() {
    let (app, stand_in) = start_with(app_of_provider()).await;
    put(&stand_in, &product(true));
    let plan = json!({
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
        "metadata": {"item": "team", "credits": "2000", "per_seat": "true", "trial_days": "14"},
    });
    for body in [
        price("price_1", 10, &json!({})),
        price("price_2", 20, &json!({"currency": "usd"})),
        price("price_3", 30, &plan),
        // By use, in weeks and in tiers: not for sale here.
        price(
            "price_4",
            40,
            &json!({"recurring": {"interval": "month", "usage_type": "metered"}}),
        ),
        price(
            "price_5",
            50,
            &json!({"recurring": {"interval": "week", "interval_count": 1}}),
        ),
        price(
            "price_6",
            60,
            &json!({"unit_amount": null, "billing_scheme": "tiered"}),
        ),
        price("price_7", 70, &json!({"active": false})),
    ] {
        stand_in.put(body);
    }
    for _ in 0..2 {
        run(&app, "billing", &["sync"]).await.unwrap();
        assert_eq!(
            current(&app).await,
            [
                "prod_1 price_1 250000",
                "prod_1 price_2 250000",
                "team price_3 2000000"
            ]
        );
    }
    let page = plans(&app).await;
    assert!(page.contains("14 days") && page.contains("2000"), "{page}");
    // What Stripe keeps is not brought there.
    let told = run(&app, "billing", &["push"]).await.unwrap_err();
    assert!(told.to_string().contains("kept at the provider"), "{told}");
}

#[tokio::test]
async fn what_is_declared_stays_for_sale_whatever_stripe_has_beside_it() {
    let (app, stand_in) = crate::delivery::start().await;
    let before = current(&app).await;
    put(&stand_in, &product(true));
    let foreign = json!({"metadata": {"item": "small", "credits": "1"}});
    let foreign = put(&stand_in, &price("price_x", 2_000_000_000, &foreign));
    deliver_thrice(&app, "price.created", &foreign).await;
    run(&app, "billing", &["sync"]).await.unwrap();
    assert_eq!(current(&app).await, before);
    // A declared price that somebody put away is not sold until it is pushed again.
    let small = stand_in
        .all("price_")
        .into_iter()
        .find(|price| price["lookup_key"] == "small_eur");
    let mut small = small.unwrap();
    small["active"] = false.into();
    deliver_thrice(&app, "price.updated", &put(&stand_in, &small)).await;
    assert_eq!(current(&app).await.len(), before.len() - 1);
    run(&app, "billing", &["push"]).await.unwrap();
    assert_eq!(current(&app).await.len(), before.len());
}

/// What of everything was asked for by its name since the last time, but for what each list led to.
async fn synced(app: &TestApp, stand_in: &StandIn, names: &[&str]) -> Vec<String> {
    stand_in.log();
    run(app, "billing", &["sync"]).await.unwrap();
    let log = stand_in.log();
    let is_named = |line: &String| names.iter().any(|name| line.contains(name));
    log.into_iter().filter(is_named).collect()
}

#[tokio::test]
async fn what_was_deleted_without_a_word_leaves_the_shelf() {
    let (app, stand_in) = start_with(app_of_provider()).await;
    put(&stand_in, &product(true));
    put(&stand_in, &price("price_1", 10, &json!({})));
    let newer = price("price_2", 20, &json!({"unit_amount": 900}));
    put(&stand_in, &newer);
    // Of another application of the same account.
    let mut foreign = product(true);
    foreign["id"] = "prod_2".into();
    foreign["metadata"] = json!({});
    put(&stand_in, &foreign);
    let fields = json!({"product": "prod_2"});
    put(&stand_in, &price("price_3", 30, &fields));
    let mut other = product(true);
    other["id"] = "prod_3".into();
    put(&stand_in, &other);
    run(&app, "billing", &["sync"]).await.unwrap();
    let offered = "SELECT price FROM billing_prices WHERE is_offered = 1 ORDER BY price";
    let active = "SELECT product FROM billing_products WHERE is_active = 1 ORDER BY product";
    assert_eq!(current(&app).await, ["prod_1 price_2 250000"]);
    assert_eq!(column(&app, active).await, ["prod_1", "prod_2", "prod_3"]);
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("prod_1", 1).await;
    stand_in.at_last_page(crate::standin::Verb::Pay).unwrap();
    run(&app, "billing", &["sync"]).await.unwrap();
    assert_eq!(ada.balance().await, "350");

    stand_in.forget("price_2");
    stand_in.forget("price_3");
    stand_in.put(json!({"id": "prod_2", "object": "product", "deleted": true}));
    stand_in.forget("prod_3");
    // The other application's price was never for sale here.
    let gone = ["prod_2", "prod_3", "price_2"];
    assert_eq!(synced(&app, &stand_in, &gone).await.len(), gone.len());
    for _ in 0..2 {
        assert_eq!(current(&app).await, ["prod_1 price_1 250000"]);
        assert_eq!(column(&app, offered).await, ["price_1"]);
        assert_eq!(column(&app, active).await, ["prod_1"]);
        assert!(plans(&app).await.contains("7.00 EUR"));
        // What is known to be gone is not asked for again.
        assert_eq!(synced(&app, &stand_in, &gone).await, [""; 0]);
    }
    // What was sold keeps its name, the books agree, and nothing late brings it back.
    let page = ada.browser.get("/billing/payments").await;
    assert!(page.text.contains("Bundle: 250 credits"), "{}", page.text);
    run(&app, "billing", &["verify", "--online"]).await.unwrap();
    deliver_thrice(&app, "price.updated", &newer).await;
    assert_eq!(current(&app).await, ["prod_1 price_1 250000"]);
}

#[tokio::test]
async fn a_declared_price_that_was_deleted_without_a_word_is_not_sold_until_it_is_brought_again() {
    let (app, stand_in) = crate::delivery::start().await;
    let before = current(&app).await;
    let all = stand_in.all("price_");
    let small = all.iter().find(|price| price["lookup_key"] == "small_eur");
    let small = small.unwrap()["id"].as_str().unwrap();
    // Nothing was ever told of what was brought there.
    stand_in.forget(small);
    for _ in 0..2 {
        run(&app, "billing", &["sync"]).await.unwrap();
        let left: Vec<_> = before.iter().filter(|row| !row.contains(small)).collect();
        assert_eq!(left.len(), before.len() - 1);
        assert!(current(&app).await.iter().eq(left));
    }
    run(&app, "billing", &["push"]).await.unwrap();
    assert_eq!(current(&app).await.len(), before.len());
}

#[tokio::test]
async fn the_sandbox_sells_on_after_a_sync() {
    let app = crate::support::themed(crate::support::app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.buy("small").await;
    let before = current(&app).await;
    assert_eq!(before.len(), 1);
    run(&app, "billing", &["sync"]).await.unwrap();
    assert_eq!(current(&app).await, before);
}

/// Does something to the shelf at Stripe, which is what a number picks; gives the event of it.
fn touch(stand_in: &StandIn, random: &mut StdRng, step: i64) -> Option<(&'static str, Value)> {
    let pick =
        |all: &[Value], number: usize| (!all.is_empty()).then(|| all[number % all.len()].clone());
    let (products, prices) = (stand_in.all("prod_"), stand_in.all("price_"));
    let (verb, number) = (random.random_range(0..8), random.random_range(0..100_usize));
    let amount = i64::try_from(number).unwrap() + 1;
    let (kind, body) = match verb {
        0 => {
            let mut made = product(true);
            made["id"] = format!("prod_{}", number % 3).into();
            ("product.created", made)
        }
        1 => {
            let mut changed = pick(&products, number)?;
            changed["name"] = format!("Bundle {number}").into();
            changed["metadata"]["credits"] = amount.to_string().into();
            ("product.updated", changed)
        }
        2 => {
            let mut changed = pick(&products, number)?;
            changed["active"] = (changed["active"] != true).into();
            ("product.updated", changed)
        }
        3 => {
            let gone = pick(&products, number)?;
            // Stripe deletes no product that has prices.
            let is_priced = prices.iter().any(|price| price["product"] == gone["id"]);
            stand_in.forget(gone["id"].as_str().filter(|_| !is_priced)?);
            return Some(("product.deleted", gone));
        }
        4 | 5 => {
            let mut made = price(
                &format!("price_{step}"),
                step,
                &json!({"unit_amount": amount}),
            );
            made["product"] = pick(&products, number)?["id"].clone();
            made["currency"] = ["eur", "jpy"][number % 2].into();
            ("price.created", made)
        }
        6 => {
            let mut changed = pick(&prices, number)?;
            changed["active"] = (changed["active"] != true).into();
            ("price.updated", changed)
        }
        _ => {
            let gone = pick(&prices, number)?;
            stand_in.forget(gone["id"].as_str()?);
            return Some(("price.deleted", gone));
        }
    };
    Some((kind, put(stand_in, &body)))
}

/// What is sold, and for how much.
async fn sold(app: &TestApp) -> Vec<String> {
    let mut told = current(app).await;
    let products = "SELECT product || ' ' || CAST(is_active AS TEXT) || ' ' || CAST(body AS TEXT) FROM billing_products
         WHERE is_active = 1 ORDER BY product";
    told.extend(column(app, products).await);
    for code in ["eur", "jpy"] {
        let page = app
            .client()
            .get(&format!("/billing/plans?currency={code}"))
            .await;
        told.extend(
            page.text
                .lines()
                .filter(|line| line.contains("Bundle"))
                .map(str::to_owned),
        );
    }
    told
}

#[tokio::test]
async fn any_order_of_what_happens_to_products_and_prices_sells_the_same() {
    for seed in 0..12 {
        let mut random = StdRng::seed_from_u64(seed);
        let (orderly, stand_in) = start_with(app_of_provider()).await;
        let shuffled = at(app_of_provider(), &stand_in.address()).start().await;
        let mut events = Vec::new();
        for step in 0..24 {
            let Some((kind, object)) = touch(&stand_in, &mut random, step) else {
                continue;
            };
            let name = format!("evt_{step}");
            deliver_as(&orderly, &name, kind, &object).await;
            for name in [name.clone(), format!("{name}_again")] {
                let place = random.random_range(0..=events.len());
                events.insert(place, (name, kind, object.clone()));
            }
        }
        for (name, kind, object) in &events {
            deliver_as(&shuffled, name, kind, object).await;
        }
        assert_eq!(sold(&shuffled).await, sold(&orderly).await, "seed {seed}");
    }
}
