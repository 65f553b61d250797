//! The ways of a person through the pages of services.

use axum::http::StatusCode;

use crate::browser::{fill_in, fresh_key, run, send};
use crate::offered::offering;
use crate::support::ledger::{assert_sound, count};
use crate::support::sign_up;

#[tokio::test]
async fn somebody_finds_a_service_runs_it_and_sees_what_is_left() {
    let (app, _) = offering(100, 1).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let dashboard = ada.get("/dashboard").await.text;
    assert!(
        dashboard.contains("href=\"/services/obedient\""),
        "{dashboard}"
    );
    let list = ada.get("/services").await.text;
    assert!(list.contains("href=\"/services/obedient\"") && list.contains("1 credit"));
    let form = ada.get("/services/obedient").await;
    assert!(form.text.contains("Run for 1 credit"), "{}", form.text);

    let page = run(&mut ada, "/services/obedient", &[("text", "<i>hi</i>")]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("&lt;i&gt;hi&lt;/i&gt;"), "{}", page.text);
    assert!(page.text.contains("99 credits remaining"), "{}", page.text);
    assert!(page.text.contains("The text, as it came."), "{}", page.text);

    let dashboard = ada.get("/dashboard").await;
    assert!(dashboard.text.contains("99 credits available"));
    let history = ada.get("/credits/history").await;
    assert!(history.text.contains("Obedient") && history.text.contains("-1"));
    assert_sound(&app.core, "after a run").await;
}

#[tokio::test]
async fn sending_a_form_again_shows_the_same_run_and_charges_once() {
    let (app, worked) = offering(100, 1).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let path = "/services/obedient";
    let key = fresh_key(&mut ada, path).await;
    let first = send(&mut ada, path, &key, &[("text", "hi")]).await;
    let again = send(&mut ada, path, &key, &[("text", "hi")]).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    assert_eq!(first.location(), again.location());
    for _ in 0..3 {
        let page = ada.get(first.location()).await;
        assert!(page.text.contains("99 credits remaining"));
    }
    assert_eq!(worked.load(std::sync::atomic::Ordering::SeqCst), 1);

    let other = send(&mut ada, path, &key, &[("text", "something else")]).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        other.text.contains("sent before, with other values"),
        "{}",
        other.text
    );
    assert!(
        other.text.contains("something else"),
        "what was typed is kept"
    );
    let new_key = other.input("run_key").unwrap().to_owned();
    let sent = send(&mut ada, path, &new_key, &[("text", "something else")]).await;
    assert_ne!(sent.location(), first.location());
    assert_eq!(count(&app.core, "service_runs").await, 2);
}

#[tokio::test]
async fn two_people_may_have_the_same_key() {
    let (app, _) = offering(100, 1).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let mut bob = sign_up(&app, "bob@example.com").await;
    let key = "0123456789abcdef";
    let of_ada = send(&mut ada, "/services/obedient", key, &[("text", "a")]).await;
    let of_bob = send(&mut bob, "/services/obedient", key, &[("text", "b")]).await;
    assert_ne!(of_ada.location(), of_bob.location());
    assert_eq!(
        bob.get(of_ada.location()).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(ada.get(of_ada.location()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_empty_text_is_refused_before_anything_is_charged() {
    let (app, worked) = offering(100, 1).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    for text in ["", "  \r\n "] {
        let page = fill_in(&mut ada, "/services/obedient", &[("text", text)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.text.contains("Fill in “Text”."), "{}", page.text);
        assert!(page.text.contains("href=\"#text\""), "{}", page.text);
    }
    assert_eq!(worked.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!(count(&app.core, "service_runs").await, 0);
    assert_eq!(count(&app.core, "credit_holds").await, 0);
}

#[tokio::test]
async fn without_enough_credits_a_page_says_what_is_missing() {
    let (app, worked) = offering(3, 10).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let form = ada.get("/services/obedient").await;
    assert!(
        form.text.contains("fewer credits than a run needs"),
        "{}",
        form.text
    );
    let page = fill_in(&mut ada, "/services/obedient", &[("text", "hi")]).await;
    assert_eq!(page.status, StatusCode::PAYMENT_REQUIRED);
    for text in [
        "This needs 10 credits, and 3 are available.",
        "Nothing was charged.",
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert_eq!(worked.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!(count(&app.core, "service_runs").await, 0);
    assert_eq!(count(&app.core, "credit_entries").await, 1);
    assert_sound(&app.core, "after a refusal").await;
}

#[tokio::test]
async fn a_free_service_needs_no_credits() {
    let (app, _) = offering(0, 1).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let page = run(&mut ada, "/services/free", &[("text", "hi")]).await;
    assert!(
        page.text.contains("Free") && page.text.contains("0 credits remaining"),
        "{}",
        page.text
    );
    assert_eq!(count(&app.core, "credit_holds").await, 0);
    let refused = run(&mut ada, "/services/free", &[("text", "refuse")]).await;
    assert!(
        refused.text.contains("This text is of no use."),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn ones_runs_are_listed_in_pages_and_nobody_elses() {
    let (app, _) = offering(100, 1).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    for at in 0..27 {
        app.clock.advance(std::time::Duration::from_secs(60));
        let text = if at == 26 { "refuse" } else { "hi" };
        run(&mut ada, "/services/obedient", &[("text", text)]).await;
    }
    let first = ada.get("/services/runs").await.text;
    assert_eq!(first.matches("href=\"/services/runs/").count(), 25);
    assert!(first.contains("Not charged"), "{first}");
    let (_, link) = first.split_once("href=\"/services/runs?before=").unwrap();
    let next = format!("/services/runs?before={}", link.split('"').next().unwrap());
    let second = ada.get(&next).await.text;
    assert_eq!(second.matches("href=\"/services/runs/").count(), 2);
    for (query, expected) in [
        ("?status=failed", 1),
        ("?status=succeeded&service=obedient", 25),
        ("?service=free", 0),
        ("?from=2026-01-02", 0),
        ("?until=2026-01-01&status=failed", 1),
    ] {
        let page = ada.get(&format!("/services/runs{query}")).await.text;
        let found = page.matches("href=\"/services/runs/").count();
        assert_eq!(found, expected, "{query}: {page}");
    }
    let page = ada.get("/services/runs?status=succeeded").await.text;
    let (_, link) = page
        .split_once("href=\"/services/runs?status=succeeded&amp;before=")
        .unwrap();
    let id = link.split('"').next().unwrap();
    let rest = format!("/services/runs?status=succeeded&before={id}");
    let rest = ada.get(&rest).await.text;
    assert_eq!(rest.matches("href=\"/services/runs/").count(), 1);
    assert!(rest.contains("href=\"/services/runs?status=succeeded\""));
    let mut bob = sign_up(&app, "bob@example.com").await;
    let nothing = bob.get("/services/runs").await.text;
    assert!(nothing.contains("There is nothing here yet."), "{nothing}");
}

#[tokio::test]
async fn hostile_values_are_answered_and_never_with_a_fault_of_ours() {
    let (app, _) = offering(100, 1).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    for path in [
        "/services/nothing",
        "/services/%00",
        "/services/../admin",
        "/services/OBEDIENT",
        "/services/runs/x",
        "/services/runs/%00",
        "/services/runs/01890a5d-ac96-774b-bcce-b302099a8057",
        "/services/runs?before=x",
        "/services/runs?before=%00",
        "/services/runs?service=%00",
        "/services/runs?status=odd",
        "/services/runs?from=x",
    ] {
        let status = ada.get(path).await.status;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    for key in ["", "short", "0123456789abcde'", "0123456789abcde\0"] {
        let answer = send(&mut ada, "/services/obedient", key, &[("text", "hi")]).await;
        assert!(
            answer.status.is_client_error(),
            "{key:?}: {}",
            answer.status
        );
    }
    for text in [
        "'; DROP TABLE users; --",
        "{{ 7 * 7 }}",
        "\u{202e}\u{feff}\u{1f600}",
        "\u{7f}\u{1b}[31m",
    ] {
        let page = run(&mut ada, "/services/obedient", &[("text", text)]).await;
        assert_eq!(page.status, StatusCode::OK, "{text:?}");
    }
    let long = "é".repeat(101);
    let page = fill_in(&mut ada, "/services/obedient", &[("text", &long)]).await;
    assert!(
        page.text
            .contains("may have at most 100 characters; it has 101."),
        "{}",
        page.text
    );
    let huge = "x".repeat(200_000);
    let answer = fill_in(&mut ada, "/services/obedient", &[("text", &huge)]).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::OK);
}

#[tokio::test]
async fn visitors_are_asked_to_sign_in_and_see_the_prices() {
    let (app, _) = offering(100, 10).await;
    for path in [
        "/services",
        "/services/free",
        "/services/runs",
        "/services/runs/1",
    ] {
        let answer = app.client().get(path).await;
        assert!(answer.location().starts_with("/accounts/login"), "{path}");
    }
    let pricing = app.client().get("/pricing").await;
    assert!(pricing.text.contains("10 credits") && pricing.text.contains("Free"));
}
