//! Runs that are watched and stopped while they are under way.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::testing::{Client, TestApp};

use crate::browser::fill_in;
use crate::charging::balance;
use crate::offered::{Strings, builder};
use crate::support::ledger::{assert_sound, count, number};
use crate::support::{sign_up, until};

const ADA: &str = "ada@example.com";

async fn start() -> (TestApp, Strings, Client) {
    let strings = Strings::default();
    let app = builder(&strings, 100, 7).start().await;
    let ada = sign_up(&app, ADA).await;
    (app, strings, ada)
}

/// Starts a run that says something at once, and gives the address of its page.
async fn begin(ada: &mut Client, order: &str) -> String {
    let sent = fill_in(ada, "/services/obedient", &[("text", order)]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    sent.location().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_what_a_run_says_while_it_works() {
    let (app, strings, mut ada) = start().await;
    let page = begin(&mut ada, "talk").await;
    let early = ada.get(&page).await;
    for part in [
        "Under way",
        "half &lt;i&gt;way&lt;/i&gt;",
        "value=\"25\"",
        ">Hello &lt;b&gt;\n</div>",
        "<noscript><meta http-equiv=\"refresh\"",
        "hx-sse:close=\"end\"",
    ] {
        assert!(early.text.contains(part), "{part}: {}", early.text);
    }
    let events = early.text;
    let (_, events) = events.split_once("hx-sse:connect=\"").unwrap();
    let events = events.split('"').next().unwrap().to_owned();
    assert_eq!(balance(&app, ADA).await.held, Credits::whole(7));

    let mut watching = ada.clone();
    let rest = tokio::spawn(async move { watching.get(&events).await });
    strings.gate.add_permits(1);
    let rest = rest.await.unwrap();
    assert_eq!(rest.headers["content-type"], "text/event-stream");
    assert_eq!(rest.headers["cache-control"], "no-store");
    let part = "<hx-partial hx-target=\"#run-output\" hx-swap=\"beforeend\"> world</hx-partial>";
    assert!(rest.text.contains(part), "{}", rest.text);
    assert!(!rest.text.contains("Hello"), "it is on the page already");
    assert!(
        rest.text.ends_with("event: end\ndata: over\n\n"),
        "{}",
        rest.text
    );

    let late = ada.get(&page).await.text;
    assert!(late.contains("talked") && late.contains("93 credits remaining"));
    assert!(
        !late.contains("refresh") && !late.contains("hx-sse"),
        "{late}"
    );
    assert_sound(&app.core, "after a run that was watched").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_cut_off_goes_on_where_that_was() {
    let (_app, strings, mut ada) = start().await;
    strings.gate.add_permits(1);
    let page = begin(&mut ada, "talk").await;
    let events = format!("{page}/events");
    let all = ada.get(&events).await.text;
    assert!(all.contains("Hello") && all.contains("world"), "{all}");
    let ids: Vec<_> = all
        .lines()
        .filter_map(|line| line.strip_prefix("id: "))
        .collect();
    let last = ids.last().unwrap();
    for (path, header) in [
        (events.clone(), *last),
        (format!("{events}?after={last}"), ""),
        (format!("{events}?after=0"), *last),
    ] {
        let request = axum::http::Request::get(path).header("last-event-id", header);
        let rest = ada.send(request, axum::body::Body::empty()).await.text;
        assert_eq!(rest, "event: end\ndata: over\n\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_watched_and_stopped_in_another_process_too() {
    let (app, strings, mut ada) = start().await;
    let other = builder(&strings, 100, 7).replica_of(&app).await;
    let page = begin(&mut ada, "heed").await;
    let mut elsewhere = crate::support::sign_in(&other, ADA).await;
    let shown = elsewhere.get(&page).await;
    assert!(shown.text.contains("begun"), "{}", shown.text);
    let (events, mut watching) = (format!("{page}/events"), elsewhere.clone());
    let all = tokio::spawn(async move { watching.get(&events).await.text });
    elsewhere.post(&format!("{page}/cancel"), &[]).await;
    assert!(all.await.unwrap().ends_with("data: over\n\n"));
    let late = elsewhere.get(&page).await.text;
    assert!(late.contains("as far as I came"), "{late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_costs_what_it_gave() {
    for (order, shown, left) in [
        ("heed", "as far as I came", 98),
        ("object", "because you asked for it", 100),
        ("ignore", "because you asked for it", 100),
    ] {
        let (app, _, mut ada) = start().await;
        let page = begin(&mut ada, order).await;
        let asked = ada.post(&format!("{page}/cancel"), &[]).await;
        assert_eq!(asked.location(), page);
        let over = async |client: &Client| {
            let text = client.clone().get(&page).await.text;
            !text.contains("id=\"run-output\"")
        };
        until("the run ends", async || over(&ada).await).await;
        let late = ada.get(&page).await.text;
        assert!(late.contains(shown), "{order}: {late}");
        assert_eq!(late.contains("What there was until then"), left == 100);
        let balance = balance(&app, ADA).await;
        assert_eq!(balance.available, Credits::whole(left), "{order}");
        assert_eq!(balance.held, Credits::ZERO, "{order}");
        assert_sound(&app.core, order).await;
        // Once more changes nothing.
        ada.post(&format!("{page}/cancel"), &[]).await;
        assert!(ada.get(&page).await.text.contains(shown));
        let list = ada.get("/services/runs").await.text;
        let tag = "<span class=\"tag\">Stopped</span>";
        assert_eq!(list.contains(tag), left == 100, "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_watches_or_stops_the_runs_of_others() {
    let (app, strings, mut ada) = start().await;
    let mut bob = sign_up(&app, "bob@example.com").await;
    let page = begin(&mut ada, "talk").await;
    let watched = bob.get(&format!("{page}/events")).await.status;
    let stopped = bob.post(&format!("{page}/cancel"), &[]).await.status;
    assert_eq!(
        (watched, stopped),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
    );
    let asked = "SELECT COUNT(*) FROM service_runs WHERE cancel_asked_at IS NOT NULL";
    assert_eq!(number(&app.core, asked).await, 0);
    strings.gate.add_permits(1);
    assert!(
        ada.get(&format!("{page}/events"))
            .await
            .text
            .contains("over")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_watches_so_many_runs_at_once_and_no_more() {
    let (_app, strings, mut ada) = start().await;
    let page = begin(&mut ada, "talk").await;
    let events = format!("{page}/events");
    let watchers: Vec<_> = (0..25)
        .map(|_| {
            let (mut client, events) = (ada.clone(), events.clone());
            tokio::spawn(async move { client.get(&events).await.status })
        })
        .collect();
    // The ones that are refused are answered while the others still watch.
    until("five are refused", async || {
        watchers.iter().filter(|one| one.is_finished()).count() == 5
    })
    .await;
    strings.gate.add_permits(1);
    let mut refused = 0;
    for watcher in watchers {
        refused += usize::from(watcher.await.unwrap() == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 5);
    assert!(
        ada.get(&events).await.text.contains("over"),
        "all have gone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_gives_back_what_was_set_aside() {
    let (app, strings, mut ada) = start().await;
    let page = begin(&mut ada, "ignore").await;
    let mut waiting = ada.clone();
    let answered = tokio::spawn(async move {
        fill_in(&mut waiting, "/services/obedient", &[("text", "wait")]).await
    });
    until("both work", async || {
        strings.worked.load(Ordering::SeqCst) == 2
    })
    .await;
    assert_eq!(balance(&app, ADA).await.held, Credits::whole(14));
    let (mut watching, events) = (ada.clone(), format!("{page}/events"));
    let watched = tokio::spawn(async move { watching.get(&events).await.text });
    app.stop().await;
    assert_eq!(balance(&app, ADA).await.available, Credits::whole(100));
    assert_eq!(balance(&app, ADA).await.held, Credits::ZERO);
    let answered = answered.await.unwrap();
    for page in [page.as_str(), answered.location()] {
        let shown = ada.get(page).await.text;
        assert!(shown.contains("interrupted before it was done"), "{shown}");
        assert!(shown.contains("Nothing was charged."), "{shown}");
    }
    // Whoever watched was let go of.
    watched.await.unwrap();
    assert_eq!(count(&app.core, "credit_entries").await, 1);
    assert_sound(&app.core, "after the end of the process").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_says_nothing_is_answered_before_its_end_all_the_same() {
    let (app, strings, mut ada) = start().await;
    let begun = std::time::Instant::now();
    let page = begin(&mut ada, "wait").await;
    assert!(
        begun.elapsed() >= Duration::from_secs(5),
        "it is waited for at first"
    );
    let told = "SELECT COUNT(*) FROM service_runs WHERE told_at IS NOT NULL";
    assert_eq!(number(&app.core, told).await, 1);
    assert!(ada.get(&page).await.text.contains("Under way"));
    strings.gate.add_permits(1);
    let watched = ada.get(&format!("{page}/events")).await.text;
    assert_eq!(watched, "event: end\ndata: over\n\n");
    assert!(ada.get(&page).await.text.contains("waited"));
}
