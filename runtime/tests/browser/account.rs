//! What somebody does with his own account, and how he leaves it.

use std::io::Cursor;
use std::time::Duration;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use quickscale_runtime::auth::{EmailVerification, Registration, Settings};

use crate::driver::Browser;
use crate::support::phone::Phone;
use crate::support::{PASSWORD, count, run, settings};
use crate::{
    ADA, Site, builder_of, follows_the_link_to_another_password, give_password, password_changed,
    sign_up,
};

const OTHER: &str = "another long one";
const ROOT: &str = "root@example.com";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
#[ignore = "needs chromedriver: `cargo xtask test browser`"]
async fn an_account_is_kept_and_given_up() {
    let site = Site::open(builder_of(settings(Registration::Open))).await;
    let browser = site.browser().await;
    has_the_mail_sent_again(&site, &browser).await;
    sees_where_he_is_signed_in(&browser).await;
    changes_the_password(&site, &browser).await;
    fills_in_the_profile(&browser).await;
    takes_the_data_along(&browser).await;
    is_gone_after_a_while(&site, &browser).await;
    browser.close().await;
}

async fn has_the_mail_sent_again(site: &Site, browser: &Browser) {
    browser.visit("/accounts/signup").await;
    browser.fill("email", ADA).await;
    browser.fill("password", PASSWORD).await;
    browser.submit().await;
    browser.is_at("/dashboard").await;
    let first = site.link("/accounts/verify/").await;
    browser.visit("/accounts/verify").await;
    browser.is_open_to_all().await;
    browser.press("/accounts/verify/resend").await;
    browser.sees("a mail with a link is on its way").await;
    let link = site.link("/accounts/verify/").await;
    assert_ne!(first, link);
    browser.visit(&link).await;
    browser.is_open_to_all().await;
    browser.submit().await;
    browser.sees("Your address is confirmed").await;
    browser.visit(&link).await;
    browser.sees("does not work").await;
    browser.is_open_to_all().await;
}

/// Two browsers are two sets of cookies.
async fn sees_where_he_is_signed_in(browser: &Browser) {
    let there = browser.cookies().await;
    browser.sign_out().await;
    give_password(browser, ADA, PASSWORD).await;
    browser.is_at("/dashboard").await;
    let here = browser.cookies().await;
    for end in ["/end", "/end-others"] {
        browser.visit("/accounts/security").await;
        browser.sees("This device").await;
        browser.rows(2).await;
        browser.press_form_to(end).await;
        browser.rows(1).await;
        browser.takes(&there).await;
        browser.visit("/accounts/security").await;
        browser.is_at("/accounts/login").await;
        if end == "/end" {
            give_password(browser, ADA, PASSWORD).await;
            browser.is_at("/dashboard").await;
        }
        browser.takes(&here).await;
    }
}

async fn changes_the_password(site: &Site, browser: &Browser) {
    browser.visit("/accounts/security").await;
    browser.follow("Change password").await;
    browser.is_at("/accounts/password/change").await;
    browser.is_open_to_all().await;
    browser.fill("current_password", OTHER).await;
    browser.fill("password", OTHER).await;
    browser.submit().await;
    browser.sees("Something needs your attention").await;
    browser.fill("current_password", PASSWORD).await;
    browser.fill("password", OTHER).await;
    browser.submit().await;
    browser.sees("Your password has been changed").await;
    // Whoever reads of it and did not do it chooses another.
    let mail = site.mail("If it was not you").await;
    assert!(mail.contains("/accounts/password/reset"), "{mail}");
    browser.sign_out().await;
    browser.visit("/accounts/password/reset").await;
    follows_the_link_to_another_password(site, browser).await;
    browser.is_open_to_all().await;
    browser.fill("password", PASSWORD).await;
    browser.submit().await;
    browser.is_at("/accounts/login").await;
    password_changed(browser, (OTHER, PASSWORD)).await;
}

async fn fills_in_the_profile(browser: &Browser) {
    browser.visit("/accounts/profile").await;
    browser.fill("name", "Countess Ada").await;
    browser
        .run("document.querySelector('#time_zone').value = 'Asia/Tokyo'")
        .await;
    browser.press("/accounts/profile").await;
    browser.sees("saved").await;
    let image = DynamicImage::from(RgbImage::from_pixel(300, 200, Rgb([20, 90, 60])));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let folder = browser.downloads();
    let file = folder.join("ada.png");
    std::fs::write(&file, bytes.into_inner()).unwrap();
    browser.fill("picture", file.to_str().unwrap()).await;
    browser.press("/accounts/picture").await;
    browser
        .until("document.querySelector('img.portrait').naturalWidth > 0")
        .await;
    browser.is_open_to_all().await;
    browser.visit("/accounts/profile").await;
    let zone = "document.querySelector('#time_zone').value === 'Asia/Tokyo'";
    browser.until(zone).await;
    let name = "document.querySelector('#name').value === 'Countess Ada'";
    browser.until(name).await;
    browser
        .until("document.querySelector('img.avatar').naturalWidth > 0")
        .await;
}

async fn takes_the_data_along(browser: &Browser) {
    browser.visit("/accounts/profile").await;
    browser.follow("Download my data").await;
    browser.is_at("/accounts/export").await;
    browser.is_open_to_all().await;
    browser.submit().await;
    let archive = browser.downloaded("my-data.zip").await;
    assert!(archive.starts_with(b"PK"), "it is no archive");
    let holds = |text: &str| {
        archive
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(holds("account.json"), "it has no account");
}

async fn is_gone_after_a_while(site: &Site, browser: &Browser) {
    browser.visit("/accounts/profile").await;
    browser.follow("Delete my account…").await;
    browser.is_at("/accounts/delete").await;
    browser.is_open_to_all().await;
    browser.fill("email", ADA).await;
    browser.submit().await;
    browser.is_at("/").await;
    site.app.clock.advance(DAY * 15);
    site.app.work_jobs().await;
    assert_eq!(count(&site.app, "sessions").await, 0);
    give_password(browser, ADA, PASSWORD).await;
    browser.sees("is not right").await;
}

#[tokio::test]
#[ignore = "needs chromedriver: `cargo xtask test browser`"]
async fn where_addresses_are_confirmed_first_their_owners_have_the_last_word() {
    let site = Site::open(builder_of(Settings {
        email_verification: EmailVerification::Mandatory,
        ..settings(Registration::Open)
    }))
    .await;
    let browser = site.browser().await;
    browser.visit("/accounts/signup").await;
    browser.fill("email", ADA).await;
    browser.fill("password", PASSWORD).await;
    browser.submit().await;
    browser.is_at("/accounts/verify/sent").await;
    browser.is_open_to_all().await;
    let first = site.link("/accounts/verify/").await;
    give_password(&browser, ADA, PASSWORD).await;
    browser.sees("Confirm your address").await;
    let link = site.link("/accounts/verify/").await;
    assert_ne!(first, link, "it is sent again");
    // It was not she who signed up.
    browser.visit(&link).await;
    browser.is_open_to_all().await;
    browser.press(&format!("{link}/password")).await;
    browser.fill("password", OTHER).await;
    browser.submit().await;
    browser.is_at("/accounts/login").await;
    give_password(&browser, ADA, PASSWORD).await;
    browser.sees("is not right").await;
    give_password(&browser, ADA, OTHER).await;
    browser.is_at("/dashboard").await;
    // Somebody signs up once more with her address: she alone is told.
    browser.sign_out().await;
    browser.visit("/accounts/signup").await;
    browser.fill("email", ADA).await;
    browser.fill("password", PASSWORD).await;
    browser.submit().await;
    browser.is_at("/accounts/verify/sent").await;
    site.mail("your account is as it was").await;
    browser.close().await;
}

#[tokio::test]
#[ignore = "needs chromedriver: `cargo xtask test browser`"]
async fn the_staff_sets_up_a_second_factor_first() {
    let site = Site::open(builder_of(Settings {
        second_factor_for_staff: true,
        ..settings(Registration::Open)
    }))
    .await;
    let browser = site.browser().await;
    sign_up(&site, &browser, ROOT).await;
    let arguments = ["--email", ROOT];
    run(&site.app, "create-admin", &arguments).await.unwrap();
    browser.visit("/admin/users").await;
    browser.is_at("/accounts/security/second-factor").await;
    browser.is_open_to_all().await;
    let secret = browser
        .run("return document.querySelector('main code').innerText")
        .await;
    let phone = Phone::of(secret.as_str().unwrap());
    browser.fill("code", &phone.code(&site.app)).await;
    browser.submit().await;
    browser.sees("Recovery codes").await;
    browser.is_open_to_all().await;
    browser.visit("/admin/users").await;
    browser.is_at("/admin/users").await;
    browser.sees(ROOT).await;
    browser.close().await;
}
