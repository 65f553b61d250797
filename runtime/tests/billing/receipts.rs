//! Receipts as files, as a reader of PDF sees them (pdftotext of poppler-utils, which the tests need).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use axum::http::{StatusCode, header};

use crate::support::billing::Shopper;
use crate::support::{app, column, overlay, put, themed};
use quickscale_runtime::in_transaction;
use quickscale_runtime::testing::TestApp;

/// The typeface that projects have: as the build fetched it, else as the system has it.
fn typeface() -> Vec<u8> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("..");
    let builds = ["debug", "release"].map(|profile| target.join(profile).join("build"));
    let folders = builds
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok());
    let fetched = "out/frontend/node_modules/dejavu-fonts-ttf/ttf/DejaVuSans.ttf";
    let mut places: Vec<PathBuf> = folders
        .flatten()
        .flatten()
        .map(|build| build.path().join(fetched))
        .collect();
    places.push("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf".into());
    let found = places.iter().find_map(|place| std::fs::read(place).ok());
    found.expect("build the crate `quickscale` first, which fetches the typeface, or install fonts-dejavu-core")
}

/// What a reader finds in a file, line by line; it has nothing to complain of.
fn read(file: &[u8]) -> String {
    let mut reader = Command::new("pdftotext")
        .args(["-layout", "-enc", "UTF-8", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("install poppler-utils, or run `cargo xtask test runtime --install`");
    let mut input = reader.stdin.take().unwrap();
    input.write_all(file).unwrap();
    drop(input);
    let output = reader.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && complaints.is_empty(),
        "{complaints}"
    );
    // Marks of the direction of writing are the reader's own.
    let text = String::from_utf8(output.stdout).unwrap();
    text.replace(['\u{202a}', '\u{202b}', '\u{202c}'], "")
}

/// An application whose receipts have their typeface.
async fn with_typeface() -> TestApp {
    static PLACED: OnceLock<()> = OnceLock::new();
    PLACED.get_or_init(|| {
        let assets = overlay().assets.unwrap();
        put(&assets.join("vendor/dejavu/DejaVuSans.ttf"), &typeface());
    });
    themed(app()).start().await
}

/// Makes another of the one payment that there is.
async fn make(
    app: &TestApp,
    (currency, minor): (&str, i64),
    description: &str,
) -> quickscale_runtime::Result<()> {
    in_transaction!(app.core.db(), tx => {
        let sql = "UPDATE billing_payments SET currency = $1, amount = $2, description = $3";
        sqlx::query(sql)
            .bind(currency)
            .bind(minor)
            .bind(description)
            .execute(tx.conn())
            .await?;
        Ok(())
    })
}

/// Somebody who has bought a pack, and the identifier of the payment.
async fn who_has_paid(app: &TestApp) -> (Shopper<'_>, String) {
    let mut ada = Shopper::sign_up(app, "ada@example.com").await;
    ada.buy("small").await;
    let mut all = column(app, "SELECT id FROM billing_payments").await;
    (ada, all.swap_remove(0))
}

#[tokio::test]
async fn a_receipt_is_a_file_that_shows_every_name_and_every_currency() {
    let app = with_typeface().await;
    let (mut ada, id) = who_has_paid(&app).await;
    let path = format!("/billing/payments/{id}/receipt");
    for (name, currency, minor, amount) in [
        ("", "eur", 500, "5.00 EUR"),
        ("Ґанна Łoś", "jpy", 1500, "1500 JPY"),
        ("Ελένη Παπά", "kwd", 1250, "1.250 KWD"),
        ("Nguyễn Thị Hạnh", "krw", 9000, "9000 KRW"),
        ("山田たろう", "usd", 5, "0.05 USD"),
        ("김철수", "tnd", 10_001, "10.001 TND"),
        ("王小明", "isk", 50_000, "500.00 ISK"),
        ("שלום", "eur", 500, "5.00 EUR"),
        ("محمد", "bhd", 999, "0.999 BHD"),
    ] {
        make(&app, (currency, minor), "Small pack: 200 credits")
            .await
            .unwrap();
        let page = ada
            .browser
            .post("/accounts/profile", &[("name", name)])
            .await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
        let page = ada.browser.get(&format!("/billing/payments/{id}")).await;
        assert!(
            page.text.contains(&format!("href=\"{path}\"")),
            "{}",
            page.text
        );
        let answer = ada.browser.get(&path).await;
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/pdf");
        let text = read(&answer.bytes);
        for part in [name, "ada@example.com", "Small pack: 200 credits", amount] {
            assert!(text.contains(part), "{part}: {text}");
        }
        // A part of the typeface, not all of it.
        assert!(answer.bytes.len() < 40_000, "{}", answer.bytes.len());
    }
    let mut bob = Shopper::sign_up(&app, "bob@example.com").await;
    assert_eq!(bob.browser.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_long_goes_on_in_the_next_line_and_on_the_next_page() {
    let app = with_typeface().await;
    let (mut ada, id) = who_has_paid(&app).await;
    let long: Vec<String> = (0..600).map(|number| format!("part{number}")).collect();
    let long = long.join(" ") + " " + &"x".repeat(200);
    make(&app, ("eur", 500), &long).await.unwrap();
    let file = ada
        .browser
        .get(&format!("/billing/payments/{id}/receipt"))
        .await;
    let text = read(&file.bytes);
    let mut words = text.split_whitespace();
    for number in 0..600 {
        let part = format!("part{number}");
        assert!(words.any(|word| word == part), "{part}: {text}");
    }
    let letters: String = text.chars().filter(|c| *c == 'x').collect();
    assert!(letters.len() >= 200 && text.contains("5.00 EUR"), "{text}");
    assert!(text.matches('\u{c}').count() >= 2, "{text}");
}
