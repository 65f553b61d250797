//! Forms that are made from types: what they ask for, what they refuse, what they keep.

use axum::http::StatusCode;
use quickscale_runtime::services::{self, Service, ServiceContext, ServiceError};
use quickscale_runtime::testing::TestApp;

use crate::browser::{fill_in, run, upload};
use crate::offered::{Curious, Strings, app_with, offering};
use crate::support::ledger::count;
use crate::support::{sign_up, themed};
use quickscale_runtime::credits::Credits;

const CURIOUS: &str = "/services/curious";
const GOOD: [(&str, &str); 4] = [
    ("name", "Ada"),
    ("count", "3"),
    ("mood", "middling"),
    ("weight", "0.25"),
];

/// The opening tag of the control called `name`.
fn control<'a>(page: &'a str, name: &str) -> &'a str {
    let at = page
        .find(&format!("name=\"{name}\""))
        .unwrap_or_else(|| panic!("{name}: {page}"));
    let start = page[..at].rfind('<').unwrap();
    page[start..].split('>').next().unwrap()
}

#[tokio::test]
async fn each_kind_of_field_has_its_control() {
    let (app, _) = offering(0, 1).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let page = ada.get(CURIOUS).await.text;
    for (name, parts) in [
        ("name", &["<input", "type=\"text\"", "required"][..]),
        ("text", &["<textarea"]),
        (
            "count",
            &[
                "type=\"number\"",
                "min=\"1\"",
                "max=\"10\"",
                "step=\"1\"",
                "required",
            ],
        ),
        (
            "weight",
            &[
                "type=\"number\"",
                "min=\"-1.5\"",
                "max=\"1.5\"",
                "step=\"any\"",
                "value=\"0.5\"",
            ],
        ),
        ("mood", &["<select", "required"]),
        ("second_mood", &["<select"]),
        ("strict", &["type=\"checkbox\""]),
        ("file", &["type=\"file\"", "accept=\".pdf,.png\""]),
    ] {
        let tag = control(&page, name);
        for part in parts {
            assert!(tag.contains(part), "{name}: {part}: {tag}");
        }
        let optional = matches!(name, "text" | "weight" | "second_mood" | "strict" | "file");
        assert_eq!(tag.contains(" required"), !optional, "{tag}");
    }
    for text in [
        "enctype=\"multipart/form-data\"",
        "Several lines.",
        "Story",
        "<option value=\"very_good\">Very good</option>",
        "<option value=\"middling\">So-so</option>",
        "PDF, PNG, up to 2 KB.",
        "Curious &lt;b&gt;&amp;&lt;/b&gt;",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let order = [
        "name",
        "text",
        "count",
        "weight",
        "mood",
        "second_mood",
        "strict",
        "file",
    ];
    let places: Vec<_> = order
        .map(|name| page.find(&format!("id=\"{name}\"")).unwrap())
        .into();
    assert!(places.is_sorted(), "fields stand in the order of the type");
}

#[tokio::test]
async fn a_good_form_runs_with_typed_values() {
    let (app, _) = offering(0, 1).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let mut fields = GOOD.to_vec();
    fields.extend([("strict", "true"), ("second_mood", ""), ("text", "a\r\nb")]);
    let page = run(&mut ada, CURIOUS, &fields).await;
    let expected = "Ada Some(&quot;a\\nb&quot;) 3 0.25 Middling None true None";
    assert!(page.text.contains(expected), "{}", page.text);
    let page = run(&mut ada, CURIOUS, &GOOD[..3]).await;
    assert!(
        page.text
            .contains("Ada None 3 0.5 Middling None false None"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn every_fault_is_told_beside_its_field_and_what_was_typed_is_kept() {
    let (app, _) = offering(0, 1).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let fields = [
        ("name", "A"),
        ("text", "<script>"),
        ("count", "eleven"),
        ("weight", "9"),
        ("mood", "furious"),
        ("strict", "true"),
    ];
    let page = fill_in(&mut ada, CURIOUS, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = page.text;
    for text in [
        "4 things need your attention",
        "“Name” must have at least 2 characters; it has 1.",
        "Enter a whole number under “Count”.",
        "“Weight” must be at most 1.5.",
        "Choose one of the options under “Mood”.",
        "&lt;script&gt;",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(control(&page, "name").contains("value=\"A\""));
    assert!(control(&page, "count").contains("value=\"eleven\""));
    assert!(control(&page, "weight").contains("value=\"9\""));
    assert!(control(&page, "strict").contains("checked"));
    assert!(control(&page, "name").contains("aria-invalid=\"true\""));
    assert_eq!(count(&app.core, "service_runs").await, 0);

    let empty = fill_in(&mut ada, CURIOUS, &[]).await.text;
    assert!(
        empty.contains("Fill in “Name”.") && empty.contains("Fill in “Count”."),
        "{empty}"
    );
    let shouting = [("name", "ADA"), ("count", "3"), ("mood", "middling")];
    let page = fill_in(&mut ada, CURIOUS, &shouting).await;
    assert!(page.text.contains("Do not shout."), "{}", page.text);
}

#[tokio::test]
async fn odd_numbers_are_refused() {
    let (app, _) = offering(0, 1).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    for (name, value) in [
        ("count", "0"),
        ("count", "11"),
        ("count", "256"),
        ("count", "-1"),
        ("count", "1.5"),
        ("count", "99999999999999999999999"),
        ("count", "0x1"),
        ("weight", "NaN"),
        ("weight", "inf"),
        ("weight", "1e400"),
        ("weight", "1,5"),
    ] {
        let mut fields: Vec<_> = GOOD
            .into_iter()
            .filter(|(field, _)| *field != name)
            .collect();
        fields.push((name, value));
        let page = fill_in(&mut ada, CURIOUS, &fields).await;
        assert_eq!(
            page.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{name} {value}"
        );
        assert!(
            page.text.contains(&format!("href=\"#{name}\"")),
            "{value}: {}",
            page.text
        );
    }
}

#[tokio::test]
async fn a_file_is_judged_by_its_content_and_its_size() {
    let (app, _) = offering(0, 1).await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    let pdf = b"%PDF-1.7 and so on";
    let sent = upload(&mut ada, CURIOUS, &GOOD, ("file", "a.txt", pdf)).await;
    let page = ada.get(sent.location()).await;
    assert!(
        page.text.contains("Some((&quot;a.txt&quot;, 18))"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("JVBERi0"), "the content is not kept");

    let text = upload(&mut ada, CURIOUS, &GOOD, ("file", "<b>.pdf", b"only text")).await;
    assert_eq!(text.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        text.text
            .contains("“&lt;b&gt;.pdf” is none of these: PDF, PNG."),
        "{}",
        text.text
    );
    let mut large = b"%PDF-1.7".to_vec();
    large.resize(2049, b' ');
    let large = upload(&mut ada, CURIOUS, &GOOD, ("file", "a.pdf", &large)).await;
    assert!(
        large.text.contains("at most 2 KB are taken"),
        "{}",
        large.text
    );
    let huge = vec![0; 4 * 1024 * 1024];
    let huge = upload(&mut ada, CURIOUS, &GOOD, ("file", "a.pdf", &huge)).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(count(&app.core, "service_runs").await, 1);
}

async fn fault_of(services: services::Services) -> String {
    let app = app_with(Credits::ZERO, services);
    match TestApp::builder(app).try_start().await {
        Ok(_) => panic!("it starts"),
        Err(fault) => format!("{fault:#}"),
    }
}

/// Wants a list, which no form can ask for.
struct Greedy;

#[derive(serde::Deserialize, schemars::JsonSchema, garde::Validate)]
#[garde(allow_unvalidated)]
struct Many {
    #[expect(dead_code, reason = "only its type matters")]
    texts: Vec<String>,
}

impl Service for Greedy {
    type Input = Many;
    type Output = ();

    fn title(&self) -> &str {
        "Greedy"
    }

    fn description(&self) -> &str {
        "Wants many."
    }

    fn cost(&self) -> Credits {
        Credits::ZERO
    }

    async fn run(&self, _: Many, _: &ServiceContext) -> Result<(), ServiceError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_service_that_cannot_be_offered_keeps_the_application_from_starting() {
    let none = || services::module(services::Settings::default());
    let obedient = || Strings::default().obedient(0);
    for (services, complaint) in [
        (none().service("greedy", Greedy), "field `texts`"),
        (
            none().service("a", Curious).service("a", Curious),
            "added twice",
        ),
        (none().service("runs", obedient()), "choose another name"),
        (none().service("Über", obedient()), "a name has"),
        (none().service("a/b", obedient()), "a name has"),
        (none().service("", obedient()), "a name has"),
    ] {
        let fault = fault_of(services).await;
        assert!(fault.contains(complaint), "{fault}");
    }
}

#[tokio::test]
async fn without_services_the_pages_say_so() {
    let app = app_with(
        Credits::ZERO,
        services::module(services::Settings::default()),
    );
    let app = themed(app).start().await;
    let mut ada = sign_up(&app, "ada@example.com").await;
    for path in ["/services", "/dashboard", "/pricing"] {
        let page = ada.get(path).await;
        assert!(
            page.text.contains("There is no service yet."),
            "{path}: {}",
            page.text
        );
    }
}
