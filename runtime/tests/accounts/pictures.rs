//! Pictures of people: sent on the profile, written anew, shown to their owner and the staff, replaced, removed, taken
//! along and forgotten.

use std::io::Cursor;
use std::time::Duration;

use crate::support;
use crate::support::{app, column, confirm, count, sign_up, sign_up_admin, themed};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use quickscale_runtime::testing::{Answer, Client, TestApp};

const ADA: &str = "ada@example.com";
const PROFILE: &str = "/accounts/profile";

/// A file of one color.
fn file(color: [u8; 3], format: ImageFormat) -> Vec<u8> {
    let image = DynamicImage::from(RgbImage::from_pixel(300, 200, Rgb(color)));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn red() -> Vec<u8> {
    file([220, 30, 30], ImageFormat::Png)
}

/// Sends `bytes` as a file of this name.
async fn send(client: &mut Client, name: &str, bytes: &[u8]) -> Answer {
    let token = client.get("/about").await;
    let token = token.input("csrf").unwrap().to_owned();
    let part = "--line\r\nContent-Disposition: form-data; name=";
    let head = format!(
        "{part}\"csrf\"\r\n\r\n{token}\r\n{part}\"picture\"; filename=\"{name}\"\r\nContent-Type: image/png\r\n\r\n"
    );
    let body = [head.as_bytes(), bytes, b"\r\n--line--\r\n"].concat();
    let request = Request::post("/accounts/picture")
        .header("content-type", "multipart/form-data; boundary=line");
    client.send(request, Body::from(body)).await
}

/// The address of the picture that the head of a page shows.
fn shown(page: &Answer) -> Option<String> {
    let (_, rest) = page.text.split_once("<img class=\"avatar\" src=\"")?;
    Some(rest.split('"').next()?.to_owned())
}

async fn shown_to(client: &mut Client) -> Option<String> {
    shown(&client.get("/about").await)
}

#[tokio::test]
async fn a_picture_is_shown_on_every_page_and_served_as_a_picture_only() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, ADA).await;
    assert_eq!(shown_to(&mut ada).await, None);
    // Its name and its type are what somebody says; the content counts.
    let done = send(&mut ada, "../../shell.php", &red()).await;
    assert_eq!(done.location(), PROFILE, "{}", done.text);
    let address = shown_to(&mut ada).await.unwrap();
    let profile = ada.get(PROFILE).await;
    assert_eq!(
        profile.text.matches(&address).count(),
        2,
        "{}",
        profile.text
    );
    let picture = ada.get(&address).await;
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "private, max-age=31536000, immutable"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'; sandbox",
        ),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(picture.headers[name], value, "{name}");
    }
    let image = image::load_from_memory_with_format(&picture.bytes, ImageFormat::Jpeg).unwrap();
    assert_eq!((image.width(), image.height()), (256, 256));
    let [red, green, _] = image.to_rgb8().get_pixel(100, 100).0;
    assert!(red > 200 && green < 50);
}

#[tokio::test]
async fn the_address_of_a_picture_that_was_replaced_or_removed_is_nobodys() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, ADA).await;
    send(&mut ada, "a.png", &red()).await;
    let first = shown_to(&mut ada).await.unwrap();
    send(&mut ada, "a.webp", &file([0, 0, 200], ImageFormat::WebP)).await;
    let second = shown_to(&mut ada).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(ada.get(&first).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ada.get(&second).await.status, StatusCode::OK);
    assert_eq!(count(&app, "pictures").await, 1);
    for _ in 0..2 {
        let removed = ada.post("/accounts/picture/remove", &[]).await;
        assert_eq!(removed.location(), PROFILE);
    }
    assert_eq!(shown_to(&mut ada).await, None);
    assert_eq!(ada.get(&second).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_its_owner_and_the_staff_see_a_picture() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, ADA).await;
    send(&mut ada, "a.jpg", &file([9, 99, 9], ImageFormat::Jpeg)).await;
    let address = shown_to(&mut ada).await.unwrap();
    let mut eve = sign_up(&app, "eve@example.com").await;
    assert_eq!(eve.get(&address).await.status, StatusCode::NOT_FOUND);
    let nobody = app.client().get(&address).await;
    assert!(nobody.location().starts_with("/accounts/login"));
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let id = column(
        &app,
        "SELECT id FROM users WHERE role = 'user' AND email LIKE 'ada%'",
    )
    .await;
    let path = format!("/admin/users/{}", id[0]);
    let page = root.get(&path).await;
    assert!(page.text.contains(&address), "{}", page.text);
    assert_eq!(root.get(&address).await.status, StatusCode::OK);
    let removal = format!("{path}/picture/remove");
    assert!(page.text.contains(&removal));
    assert_eq!(eve.post(&removal, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(root.post(&removal, &[]).await.location(), path);
    assert_eq!(root.post(&removal, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(root.get(&address).await.status, StatusCode::NOT_FOUND);
    assert_eq!(shown_to(&mut ada).await, None);
    let acts =
        "SELECT action FROM audit_entries WHERE target_kind = 'user' AND action LIKE '%picture%'";
    assert_eq!(column(&app, acts).await, ["user.picture_removed"]);
}

#[tokio::test]
async fn what_is_no_picture_changes_nothing_and_is_told_beside_the_field() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, ADA).await;
    send(&mut ada, "a.png", &red()).await;
    let before = shown_to(&mut ada).await.unwrap();
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
    let png = red();
    for (name, bytes, why) in [
        ("a.svg", &svg[..], "of the type JPEG, PNG or WebP"),
        ("a.png", svg, "of the type JPEG, PNG or WebP"),
        (
            "a.gif",
            b"GIF89a\x01\0\x01\0\0\0\0;",
            "of the type JPEG, PNG or WebP",
        ),
        ("a.png", b"", "Choose a picture."),
        ("a.png", &png[..png.len() / 2], "cannot be read"),
    ] {
        let answer = send(&mut ada, name, bytes).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(answer.text.contains(why), "{name}: {}", answer.text);
        assert!(answer.text.contains("aria-describedby=\"picture-error"));
    }
    let without = ada.post("/accounts/picture", &[("picture", "text")]).await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    let huge = vec![0; 21 * 1024 * 1024];
    let refused = send(&mut ada, "a.png", &huge).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(shown_to(&mut ada).await, Some(before));
}

#[tokio::test]
async fn of_many_at_once_one_is_kept() {
    let app = themed(app()).start().await;
    let ada = sign_up(&app, ADA).await;
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let mut ada = ada.clone();
            let bytes = file([number * 30, 0, 0], ImageFormat::Png);
            tokio::spawn(async move { send(&mut ada, "a.png", &bytes).await.status })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), StatusCode::SEE_OTHER);
    }
    assert_eq!(count(&app, "pictures").await, 1);
    let mut ada = ada;
    let address = shown_to(&mut ada).await.unwrap();
    assert_eq!(ada.get(&address).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_picture_is_taken_along_and_goes_with_its_person() {
    let app = themed(app()).start().await;
    let mut ada = sign_up(&app, ADA).await;
    send(&mut ada, "a.png", &red()).await;
    let address = shown_to(&mut ada).await.unwrap();
    let picture = ada.get(&address).await.bytes;
    // The archive stores files as they are.
    let export = ada.post("/accounts/export", &[]).await.bytes;
    let holds = |part: &[u8]| export.windows(part.len()).any(|bytes| bytes == part);
    assert!(holds(b"pictures/picture.jpg") && holds(&picture));
    confirm(&mut ada).await;
    let left = ada.post("/accounts/delete", &[("email", ADA)]).await;
    assert_eq!(left.location(), "/", "{}", left.text);
    assert_eq!(count(&app, "pictures").await, 1, "he may come back");
    let month = Duration::from_secs(30 * 24 * 60 * 60);
    for wait in [month, Duration::from_secs(60 * 60)] {
        app.clock.advance(wait);
        app.work_jobs().await;
    }
    assert_eq!(count(&app, "pictures").await, 0);
}

/// Whoever signs up with a stranger's address leaves nothing behind when its owner proves that it is his.
#[tokio::test]
async fn a_picture_of_whoever_had_an_address_before_its_owner_goes() {
    let app = themed(app()).start().await;
    let mut thief: Client = support::sign_up_unconfirmed(&app, ADA).await;
    send(&mut thief, "a.png", &red()).await;
    assert_eq!(count(&app, "pictures").await, 1);
    take_back(&app).await;
    assert_eq!(count(&app, "pictures").await, 0);
}

/// The owner of the address asks for a new password, which proves that it is his.
async fn take_back(app: &TestApp) {
    let mut owner = app.client();
    let asked = [("email", ADA)];
    owner.post("/accounts/password/reset", &asked).await;
    let mails = app.mails().await;
    let link = mails
        .iter()
        .find_map(|mail| mail.link("/accounts/password/reset/"));
    let fields = [("password", "another good password")];
    let done = owner.post(link.unwrap(), &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
}
