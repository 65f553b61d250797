//! What holds for every page of the theme, whoever looks at it: it renders, it can be used without a mouse,
//! and nothing in it goes against the Content-Security-Policy.

use std::collections::BTreeMap;

use crate::support;
use crate::support::{app, sign_up, themed};
use axum::http::StatusCode;
use quickscale_runtime::testing::{Client, SamplePages, TestApp};

/// Every sample as a visitor and as somebody who has signed in sees it: whose, template, page.
async fn all_pages() -> Vec<(String, String)> {
    let app = themed(app().module(SamplePages)).start().await;
    let visitor = app.client();
    let user = sign_up(&app, "ada@example.com").await;
    let mut pages = Vec::new();
    for (who, mut client) in [("visitor", visitor), ("user", user)] {
        for (template, path) in SamplePages::of(&app.core) {
            let answer = client.get(&path).await;
            let name = format!("{template} as {who}");
            assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text);
            pages.push((name, answer.text));
        }
    }
    pages
}

/// The opening tags of a page, without their angle brackets.
fn tags(page: &str) -> impl Iterator<Item = &str> {
    let starts = page.split('<').skip(1);
    starts
        .filter(|tag| tag.starts_with(|first: char| first.is_ascii_alphabetic()))
        .filter_map(|tag| tag.split('>').next())
}

/// The value of an attribute that stands in double quotes.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

fn between<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = page.split_once(start).unwrap_or_default();
    rest.split(end).next().unwrap_or_default().trim()
}

#[tokio::test]
async fn every_page_has_one_heading_and_a_title_of_its_own() {
    let mut titles = BTreeMap::new();
    for (name, page) in all_pages().await {
        assert_eq!(page.matches("<h1").count(), 1, "{name}");
        let title = between(&page, "<title>", "</title>").to_owned();
        let template = name.split(' ').next().unwrap().to_owned();
        assert!(title.ends_with(support::SITE), "{name}: {title}");
        let other = titles.insert(title.clone(), template.clone());
        assert!(
            other.as_ref().is_none_or(|other| *other == template),
            "{title}: {other:?}, {template}"
        );
    }
}

#[tokio::test]
async fn no_page_needs_an_exception_from_the_content_security_policy() {
    for (name, page) in all_pages().await {
        assert!(!page.contains("<style"), "{name}");
        for tag in tags(&page) {
            let inline = |attribute: &str| {
                attribute.starts_with("style=")
                    || attribute.starts_with("hx-on")
                    || (attribute.starts_with("on") && attribute.contains('='))
            };
            assert!(!tag.split_whitespace().any(inline), "{name}: <{tag}>");
            if tag.starts_with("script") {
                let source = attribute(tag, "src").unwrap_or_default();
                assert!(source.starts_with("/static/"), "{name}: <{tag}>");
            }
        }
    }
}

#[tokio::test]
async fn every_control_has_a_label_and_every_reference_an_end() {
    for (name, page) in all_pages().await {
        let ids: Vec<_> = tags(&page).filter_map(|tag| attribute(tag, "id")).collect();
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(id), "{name}: {id} stands twice");
        }
        for tag in tags(&page) {
            for reference in ["aria-describedby", "aria-labelledby", "for"] {
                for id in attribute(tag, reference)
                    .unwrap_or_default()
                    .split_whitespace()
                {
                    assert!(ids.contains(&id), "{name}: <{tag}>");
                }
            }
            for reference in ["href", "hx-target", "hx-select"] {
                let id = attribute(tag, reference).and_then(|value| value.strip_prefix('#'));
                assert!(id.is_none_or(|id| ids.contains(&id)), "{name}: <{tag}>");
            }
            let is_control = ["input", "select", "textarea"]
                .iter()
                .any(|control| tag.split_whitespace().next() == Some(control));
            if is_control && attribute(tag, "type") != Some("hidden") {
                let label = format!("for=\"{}\"", attribute(tag, "id").unwrap_or("?"));
                assert!(page.contains(&label), "{name}: <{tag}>");
            }
        }
    }
}

#[tokio::test]
async fn public_pages_describe_themselves_to_search_engines() {
    let app = themed(app()).start().await;
    for path in ["/", "/about", "/pricing", "/contact"] {
        let page = app.client().get(path).await;
        let description = between(&page.text, "<meta name=\"description\" content=\"", "\"");
        assert!(description.len() > 40, "{path}: {description}");
    }
}

#[tokio::test]
async fn faults_of_a_form_are_tied_to_their_fields() {
    let app = themed(app()).start().await;
    let fields = [("name", "<Ada>"), ("email", "ada"), ("message", "")];
    let answer = app.client().post("/contact", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = &answer.text;
    assert!(page.contains("2 things need your attention"), "{page}");
    assert!(page.contains("<a href=\"#email\">"), "{page}");
    assert!(page.contains("value=\"&lt;Ada&gt;\""), "{page}");
    let email = tags(page)
        .find(|tag| attribute(tag, "id") == Some("email"))
        .unwrap();
    assert_eq!(attribute(email, "aria-invalid"), Some("true"));
    assert_eq!(
        attribute(email, "aria-describedby"),
        Some("email-error email-help")
    );
    let name = tags(page)
        .find(|tag| attribute(tag, "id") == Some("name"))
        .unwrap();
    assert_eq!(attribute(name, "aria-invalid"), None);
}

async fn scheme(client: &mut Client) -> Option<String> {
    let page = client.get("/about").await.text;
    attribute(tags(&page).next().unwrap(), "data-theme").map(str::to_owned)
}

#[tokio::test]
async fn light_and_dark_are_chosen_without_scripts_and_stay() {
    let app: TestApp = themed(app()).start().await;
    let mut client = app.client();
    assert_eq!(scheme(&mut client).await, None);
    for chosen in ["dark", "light"] {
        let fields = [("scheme", chosen), ("next", "/pricing?a=b")];
        let answer = client.post("/preferences/color-scheme", &fields).await;
        assert_eq!(answer.location(), "/pricing?a=b");
        assert_eq!(scheme(&mut client).await.as_deref(), Some(chosen));
    }
    let fields = [("scheme", "system"), ("next", "https://evil.example")];
    let answer = client.post("/preferences/color-scheme", &fields).await;
    assert_eq!(answer.location(), "/");
    assert_eq!(scheme(&mut client).await, None);
}
