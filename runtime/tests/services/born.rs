//! The services that every project starts with or can have, as they are in `service_templates/`.

use axum::http::StatusCode;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::services::{self, Services};
use quickscale_runtime::testing::{Client, TestApp};

use crate::browser::{fill_in, run, upload};
use crate::offered::app_with;
use crate::support::{sign_up, themed};

#[path = "../../../service_templates/data/src/services/NAME.rs"]
mod data;
#[path = "../../../service_templates/basic/src/services/NAME.rs"]
mod demo;
#[path = "../../../service_templates/image/src/services/NAME.rs"]
mod image;
#[path = "../../../service_templates/llm/src/services/NAME.rs"]
pub mod summary;
#[path = "../../../service_templates/text/src/services/NAME.rs"]
mod text;

/// A service of every kind.
pub fn services() -> Services {
    services::module(services::Settings::default())
        .service("demo", demo::service())
        .service("data", data::service())
        .service("text_sentiment_analysis", text::service())
        .service("image_metadata_extractor", image::service())
        .service("text_summary", summary::service())
}

async fn ada() -> (TestApp, Client) {
    let app = themed(app_with(Credits::whole(100), services()))
        .start()
        .await;
    let client = sign_up(&app, "ada@example.com").await;
    (app, client)
}

#[tokio::test]
async fn each_has_its_price() {
    let (_app, mut ada) = ada().await;
    for (name, price) in [
        ("demo", "Free"),
        ("text_sentiment_analysis", "Run for 1 credit"),
        ("image_metadata_extractor", "Run for 10 credits"),
    ] {
        let page = ada.get(&format!("/services/{name}")).await;
        assert!(page.text.contains(price), "{name}: {}", page.text);
    }
}

#[tokio::test]
async fn the_demo_counts_a_text() {
    let (_app, mut ada) = ada().await;
    let page = run(&mut ada, "/services/demo", &[("text", "One two. Three!")]).await;
    for text in [
        "Words",
        "Sentences",
        "Reading time",
        "1 s",
        "100 credits remaining",
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

#[tokio::test]
async fn sentiment_tells_praise_from_blame() {
    let (_app, mut ada) = ada().await;
    let path = "/services/text_sentiment_analysis";
    let praise = run(&mut ada, path, &[("text", "I love it!")]).await;
    assert!(praise.text.contains("Positive") && praise.text.contains("99 credits remaining"));
    let blame = run(&mut ada, path, &[("text", "I hate it.")]).await;
    assert!(blame.text.contains("Negative") && blame.text.contains("98 credits remaining"));
    let odd = [
        "\u{0}",
        "🤬🤬🤬",
        "\u{202e}",
        ":-(",
        "!!!!",
        "A",
        "ẞ",
        "\u{1F469}\u{200D}\u{1F4BB}",
    ];
    for text in odd {
        let sent = fill_in(&mut ada, path, &[("text", text)]).await;
        assert!(!sent.status.is_server_error(), "{text:?}");
    }
    let long = "word ".repeat(1001);
    let refused = fill_in(&mut ada, path, &[("text", &long)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn image_metadata_charges_only_for_pictures() {
    let (_app, mut ada) = ada().await;
    let path = "/services/image_metadata_extractor";
    let gif = b"GIF89a\x40\x01\xF0\0\0\0\0;";
    let sent = upload(&mut ada, path, &[], ("image", "a.gif", gif)).await;
    let page = ada.get(sent.location()).await;
    for text in ["GIF", "320", "240", "90 credits remaining"] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    let damaged = upload(&mut ada, path, &[], ("image", "a.gif", &gif[..8])).await;
    let page = ada.get(damaged.location()).await;
    assert!(page.text.contains("damaged") && page.text.contains("Nothing was charged."));
    assert!(page.text.contains("You have 90 credits."), "{}", page.text);
    let text = upload(&mut ada, path, &[], ("image", "a.gif", b"not a picture")).await;
    assert_eq!(text.status, StatusCode::UNPROCESSABLE_ENTITY);
    let none = fill_in(&mut ada, path, &[]).await;
    assert!(
        none.text.contains("Choose a file under “Image”."),
        "{}",
        none.text
    );
}

#[tokio::test]
async fn damaged_pictures_are_never_a_fault_of_ours() {
    let (_app, mut ada) = ada().await;
    let path = "/services/image_metadata_extractor";
    let heads: [&[u8]; 6] = [
        b"\xFF\xD8\xFF\xE1\xFF\xFFExif\0\0MM\0*\xFF\xFF\xFF\xFF",
        b"\x89PNG\r\n\x1A\n\xFF\xFF\xFF\xFFIHDR\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        b"RIFF\xFF\xFF\xFF\xFFWEBPVP8X\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        b"II*\0\x08\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        b"\0\0\0\x18ftypheic\0\0\0\0\0\0\0\x01\xFF\xFF\xFF\xFFmeta",
        b"\0\0\0\x18ftypavif\0\0\0\0\0\0\0\0meta\0\0\0\0",
    ];
    for head in heads {
        let sent = upload(&mut ada, path, &[], ("image", "x", head)).await;
        assert_eq!(
            sent.status,
            StatusCode::SEE_OTHER,
            "{head:?}: {}",
            sent.text
        );
        let page = ada.get(sent.location()).await;
        assert!(
            !page.text.contains("The service failed"),
            "{head:?}: {}",
            page.text
        );
    }
}
