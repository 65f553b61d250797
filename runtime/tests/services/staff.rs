//! The staff's side of services: prices with versions, the switch, everybody's runs, and how much each is used.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use quickscale_runtime::credits::{Credits, Owner, actions as ledger};
use quickscale_runtime::testing::{Client, TestApp};

use crate::browser::{fill_in, fresh_key, run, send};
use crate::charging::balance;
use crate::offered::{Strings, builder, offering};
use crate::support::ledger::{assert_sound, number};
use crate::support::{column, sign_in, sign_up, sign_up_admin};

const ADA: &str = "ada@example.com";
const RUNS: &str = "/admin/services/runs";

/// The form's version of the price of `service`, as the staff sees it.
async fn seen(root: &mut Client, service: &str) -> String {
    let page = root.get(&format!("/admin/services/{service}")).await.text;
    let (_, rest) = page.split_once("name=\"seen\" value=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

async fn set_price(root: &mut Client, service: &str, amount: &str) -> StatusCode {
    let seen = seen(root, service).await;
    let path = format!("/admin/services/{service}/price");
    let fields = [("amount", amount), ("seen", &seen)];
    root.post(&path, &fields).await.status
}

async fn switch(root: &mut Client, service: &str, on: &str) {
    let path = format!("/admin/services/{service}/switch");
    let answer = root.post(&path, &[("on", on)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
}

/// Which versions of prices the spends of the journal name, the oldest first.
async fn versions(app: &TestApp) -> Vec<String> {
    let sql = "SELECT price_item || ' ' || CAST(price_version AS TEXT) FROM credit_entries
               WHERE kind = 'spend' ORDER BY seq";
    column(app, sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_charged_by_the_price_that_holds_and_its_entry_names_the_version() {
    let (app, _) = offering(100, 7).await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let mut ada = sign_up(&app, ADA).await;
    run(&mut ada, "/services/obedient", &[("text", "hi")]).await;
    assert_eq!(set_price(&mut root, "obedient", "2.5").await, 303);
    let page = ada.get("/services/obedient").await.text;
    assert!(page.contains("Run for 2.5 credits"), "{page}");
    run(&mut ada, "/services/obedient", &[("text", "hi")]).await;
    assert_eq!(set_price(&mut root, "obedient", "0").await, 303);
    run(&mut ada, "/services/obedient", &[("text", "hi")]).await;
    assert_eq!(
        versions(&app).await,
        ["service:obedient 1", "service:obedient 2"]
    );
    let left = balance(&app, ADA).await.available;
    assert_eq!(left, Credits::from_milli(90_500));
    let runs = "SELECT COUNT(*) FROM service_runs WHERE price_version IN (1, 2, 3)";
    assert_eq!(number(&app.core, runs).await, 3);
    assert_sound(&app.core, "after changes of a price").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_the_background_costs_what_it_was_begun_for() {
    let strings = Strings::default();
    let app = builder(&strings, 100, 7).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let mut ada = sign_up(&app, ADA).await;
    fill_in(&mut ada, "/services/later", &[("text", "hi")]).await;
    assert_eq!(set_price(&mut root, "later", "50").await, 303);
    switch(&mut root, "later", "false").await;
    app.work_jobs().await;
    assert_eq!(strings.worked.load(Ordering::SeqCst), 1);
    assert_eq!(balance(&app, ADA).await.available, Credits::whole(93));
    assert_eq!(versions(&app).await, ["service:later 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pays_another_price_than_the_page_showed() {
    let (app, worked) = offering(100, 7).await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let mut ada = sign_up(&app, ADA).await;
    let key = fresh_key(&mut ada, "/services/obedient").await;
    assert_eq!(set_price(&mut root, "obedient", "9").await, 303);
    let old = [("text", "hi"), ("run_price", "1")];
    let answer = send(&mut ada, "/services/obedient", &key, &old).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer.text.contains("It is now: 9 credits."),
        "{}",
        answer.text
    );
    assert_eq!(worked.load(Ordering::SeqCst), 0);
    let new = [("text", "hi"), ("run_price", "2")];
    let answer = send(&mut ada, "/services/obedient", &key, &new).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(balance(&app, ADA).await.available, Credits::whole(91));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_is_set_by_whoever_has_seen_the_last_one_and_is_recorded() {
    let (app, _) = offering(100, 7).await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let path = "/admin/services/obedient/price";
    let seen = seen(&mut root, "obedient").await;
    for wrong in ["", "-1", "0.0001", "1000001", "much"] {
        let fields = [("amount", wrong), ("seen", seen.as_str())];
        let answer = root.post(path, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let fields = [("amount", "3"), ("seen", &seen)];
    assert_eq!(root.post(path, &fields).await.status, 303);
    let late = [("amount", "4"), ("seen", seen.as_str())];
    let answer = root.post(path, &late).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer.text.contains("Somebody else has just set"),
        "{}",
        answer.text
    );
    switch(&mut root, "obedient", "false").await;
    switch(&mut root, "obedient", "false").await;
    let acts = "SELECT action || ' ' || before_state || ' ' || after_state FROM audit_entries
                WHERE target_kind = 'service' AND target_id = 'obedient' ORDER BY action";
    assert_eq!(
        column(&app, acts).await,
        [
            r#"service.price_set {"price":"7"} {"price":"3"}"#,
            r#"service.switched_off {"on":true} {"on":false}"#
        ]
    );
    let page = root.get("/admin/services/obedient").await.text;
    for told in [
        "root@example.com",
        "The application",
        "3 credits",
        "7 credits",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_20_who_set_a_price_at_once_one_does() {
    let (app, _) = offering(100, 7).await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let seen = seen(&mut root, "obedient").await;
    let tasks: Vec<_> = (1..=20)
        .map(|amount| {
            let (mut root, seen) = (root.clone(), seen.clone());
            tokio::spawn(async move {
                let amount = format!("{amount}.5");
                let fields = [("amount", amount.as_str()), ("seen", &seen)];
                let answer = root.post("/admin/services/obedient/price", &fields).await;
                (answer.status, amount)
            })
        })
        .collect();
    let mut set = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            (StatusCode::SEE_OTHER, amount) => set.push(amount),
            (status, _) => assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY),
        }
    }
    let versions = "SELECT COUNT(*) FROM credit_prices WHERE item = 'service:obedient'";
    assert_eq!((set.len(), number(&app.core, versions).await), (1, 2));
    let page = root.get("/admin/services/obedient").await.text;
    assert!(page.contains(&format!("{} credits", set[0])), "{page}");
    let recorded = "SELECT COUNT(*) FROM audit_entries WHERE action = 'service.price_set'";
    assert_eq!(number(&app.core, recorded).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_releases_started_in_turn_do_not_change_a_price_to_and_fro() {
    let strings = Strings::default();
    let first = builder(&strings, 100, 7).start().await;
    let mut price = Vec::new();
    // The older release is started again beside the newer one; then comes a third, which asks for less.
    for cost in [7, 8, 7, 8, 7, 6, 8, 7, 6] {
        let release = builder(&strings, 100, cost).replica_of(&first).await;
        let page = release.client().get("/pricing").await.text;
        let shown = [6, 7, 8].map(|cost| page.contains(&format!("{cost} credits")));
        price.push(6 + shown.iter().position(|is_shown| *is_shown).unwrap());
        assert_eq!(shown.iter().filter(|is_shown| **is_shown).count(), 1);
    }
    assert_eq!(price, [7, 8, 8, 8, 8, 6, 6, 6, 6]);
    let older = builder(&strings, 100, 8).replica_of(&first).await;
    let mut root = sign_up_admin(&older, "root@example.com").await;
    let page = root.get("/admin/services/obedient").await.text;
    assert!(page.contains("asked for it before"), "{page}");
    let versions = "SELECT COUNT(*) FROM credit_prices WHERE item = 'service:obedient'";
    assert_eq!(number(&first.core, versions).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_switched_off_cannot_be_had_until_it_is_on_again() {
    let (app, worked) = offering(100, 7).await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let mut ada = sign_up(&app, ADA).await;
    let key = fresh_key(&mut ada, "/services/obedient").await;
    let done = send(&mut ada, "/services/obedient", &key, &[("text", "hi")]).await;
    switch(&mut root, "obedient", "false").await;
    let link = "href=\"/services/obedient\"";
    for list in ["/services", "/dashboard"] {
        let page = ada.get(list).await.text;
        assert!(!page.contains(link), "{list}: {page}");
    }
    let page = ada.get("/services/obedient").await;
    assert!(
        page.text.contains("switched off at the moment"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("run_key"), "{}", page.text);
    // What was asked for before is answered as before.
    let again = send(&mut ada, "/services/obedient", &key, &[("text", "hi")]).await;
    assert_eq!(again.location(), done.location());
    let other = "a".repeat(key.len());
    let refused = send(&mut ada, "/services/obedient", &other, &[("text", "hi")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(worked.load(Ordering::SeqCst), 1);
    assert_eq!(balance(&app, ADA).await.available, Credits::whole(93));
    switch(&mut root, "obedient", "true").await;
    assert!(ada.get("/services").await.text.contains(link));
    run(&mut ada, "/services/obedient", &[("text", "hi")]).await;
    assert_eq!(worked.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_staff_sees_the_runs_of_all_by_what_it_asks_for() {
    let (app, _) = offering(100, 1).await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let mut ada = sign_up(&app, ADA).await;
    let mut bob = sign_up(&app, "bob@example.com").await;
    run(&mut ada, "/services/obedient", &[("text", "hi")]).await;
    run(&mut bob, "/services/obedient", &[("text", "fail")]).await;
    run(&mut bob, "/services/free", &[("text", "hi")]).await;
    for (query, people) in [
        ("", vec![ADA, "bob@example.com"]),
        ("?user=ADA@example.com", vec![ADA]),
        ("?status=failed", vec!["bob@example.com"]),
        ("?service=free", vec!["bob@example.com"]),
        ("?service=free&user=ada@example.com", vec![]),
        ("?user=nobody", vec![]),
        ("?from=2026-01-02", vec![]),
        (
            "?until=2026-01-01&service=obedient",
            vec![ADA, "bob@example.com"],
        ),
    ] {
        let page = root.get(&format!("{RUNS}{query}")).await.text;
        let (_, list) = page.split_once("id=\"runs\"").unwrap();
        for email in [ADA, "bob@example.com"] {
            let is_there = list.contains(&format!("<td>{email}"));
            assert_eq!(is_there, people.contains(&email), "{query}: {list}");
        }
    }
    assert_eq!(root.get(&format!("{RUNS}?status=odd")).await.status, 404);
    let page = root.get(&format!("{RUNS}?status=failed")).await.text;
    let (_, rest) = page.split_once(&format!("href=\"{RUNS}/")).unwrap();
    let id = rest.split_once('"').unwrap().0;
    let page = root.get(&format!("{RUNS}/{id}")).await.text;
    assert!(
        page.contains("Not charged") && page.contains("bob@example.com"),
        "{page}"
    );
    assert!(page.contains("The service failed."), "{page}");
    // Two of three runs gave a result; one of them cost something.
    let page = root.get("/admin/services").await.text;
    let row = page
        .split("<tr>")
        .find(|row| row.contains("services/obedient\""))
        .unwrap();
    let cells = row.split("has-text-right\">").skip(1);
    let cells: Vec<_> = cells.map(|cell| cell.split('<').next().unwrap()).collect();
    assert_eq!(cells, ["1 credit", "2", "1", "2", "1 credit"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lists_of_runs_are_paged() {
    let (app, _) = offering(100, 0).await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let mut ada = sign_up(&app, ADA).await;
    for _ in 0..51 {
        run(&mut ada, "/services/free", &[("text", "hi")]).await;
    }
    let first = root.get(&format!("{RUNS}?service=free")).await.text;
    assert_eq!(first.matches(&format!("href=\"{RUNS}/")).count(), 50);
    let (_, rest) = first
        .split_once(&format!("href=\"{RUNS}?service=free&amp;before="))
        .unwrap();
    let cursor = rest.split_once('"').unwrap().0;
    let path = format!("{RUNS}?service=free&before={cursor}");
    let second = root.get(&path).await.text;
    assert_eq!(second.matches(&format!("href=\"{RUNS}/")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_of_the_staff_outlives_another_start_and_another_process_learns_of_it() {
    let strings = Strings::default();
    let app = builder(&strings, 100, 7).start().await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let mut ada = sign_up(&app, ADA).await;
    let other = builder(&strings, 100, 7).replica_of(&app).await;
    assert!(
        other
            .client()
            .get("/pricing")
            .await
            .text
            .contains("7 credits")
    );
    assert_eq!(set_price(&mut root, "obedient", "3").await, 303);
    crate::support::until("the other process knows", async || {
        other
            .client()
            .get("/pricing")
            .await
            .text
            .contains("3 credits")
    })
    .await;
    // The code asks for another price than before: the staff's stays.
    let next = builder(&strings, 100, 8).replica_of(&app).await;
    let page = next.client().get("/pricing").await.text;
    assert!(
        page.contains("3 credits") && page.contains("8 credits"),
        "{page}"
    );
    run(&mut ada, "/services/obedient", &[("text", "hi")]).await;
    let owner = column(&app, "SELECT user_id FROM service_runs")
        .await
        .remove(0);
    let left = ledger::balance(&app.core, &Owner::User(owner.into())).await;
    assert_eq!(left.unwrap().available, Credits::whole(97));
    // The staff is told of it, until that price is set.
    let mut root = sign_in(&next, "root@example.com").await;
    let page = root.get("/admin/services/obedient").await.text;
    for told in ["asks for another price: 8 credits", "was set here"] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert_eq!(set_price(&mut root, "obedient", "8").await, 303);
    let page = root.get("/admin/services/obedient").await.text;
    assert!(!page.contains("asks for another price"), "{page}");
}
