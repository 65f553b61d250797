//! Ways in and out by password, code and mail.

use std::time::Duration;

use quickscale_runtime::auth::Registration;

use crate::driver::Browser;
use crate::support::phone::Phone;
use crate::support::{PASSWORD, run};
use crate::{
    ADA, Site, builder, follows_the_link_to_another_password, give_password, password_changed,
    sign_up,
};

const OTHER: &str = "another long one";
const ROOT: &str = "root@example.com";

#[tokio::test]
#[ignore = "needs chromedriver: `cargo xtask test browser`"]
async fn each_way_in_and_out() {
    let site = Site::open(builder(Registration::Open)).await;
    let browser = site.browser().await;
    sign_up(&site, &browser, ADA).await;
    resets_the_password(&site, &browser).await;
    signs_in_by_link_and_by_code(&site, &browser).await;
    leaves_and_stays(&site, &browser).await;
    sets_up_a_second_factor(&site, &browser).await;
    changes_the_address(&site, &browser).await;
    browser.close().await;
}

async fn resets_the_password(site: &Site, browser: &Browser) {
    browser.sign_out().await;
    browser.visit("/accounts/login").await;
    browser.follow("Forgot your password?").await;
    follows_the_link_to_another_password(site, browser).await;
    browser.fill("password", "short").await;
    browser.submit().await;
    // The first fault takes the focus.
    browser.sees("Something needs your attention").await;
    browser
        .until("document.activeElement.matches('.error-summary')")
        .await;
    browser.fill("password", OTHER).await;
    browser.submit().await;
    browser.is_at("/accounts/login").await;
    password_changed(browser, (PASSWORD, OTHER)).await;
}

async fn ask_for_mail(browser: &Browser) {
    browser.sign_out().await;
    browser.visit("/accounts/login").await;
    browser.follow("Sign in by mail instead").await;
    browser.fill("email", ADA).await;
    browser.submit().await;
    browser.is_at("/accounts/login/mail/code").await;
}

async fn signs_in_by_link_and_by_code(site: &Site, browser: &Browser) {
    ask_for_mail(browser).await;
    browser.is_open_to_all().await;
    browser
        .visit(&site.link("/accounts/login/mail/").await)
        .await;
    browser.is_open_to_all().await;
    browser.submit().await;
    browser.is_at("/dashboard").await;
    site.app.clock.advance(Duration::from_secs(60));
    ask_for_mail(browser).await;
    let text = site.mail("asked for it: ").await;
    let (_, code) = text.split_once("asked for it: ").unwrap();
    browser.fill("code", &code[..6]).await;
    browser.submit().await;
    browser.is_at("/dashboard").await;
}

async fn leaves_and_stays(site: &Site, browser: &Browser) {
    browser.visit("/accounts/delete").await;
    browser.fill("email", ADA).await;
    browser.submit().await;
    browser.is_at("/").await;
    site.app
        .clock
        .advance(Duration::from_secs(13 * 24 * 60 * 60));
    give_password(browser, ADA, OTHER).await;
    browser.is_at("/dashboard").await;
    site.app
        .clock
        .advance(Duration::from_secs(2 * 24 * 60 * 60));
    site.app.work_jobs().await;
    browser.sign_out().await;
    give_password(browser, ADA, OTHER).await;
    browser.is_at("/dashboard").await;
}

async fn sets_up_a_second_factor(site: &Site, browser: &Browser) {
    browser.sign_out().await;
    give_password(browser, ADA, OTHER).await;
    browser.is_at("/dashboard").await;
    browser.visit("/accounts/security/second-factor").await;
    let secret = browser
        .run("return document.querySelector('main code').innerText")
        .await;
    let phone = Phone::of(secret.as_str().unwrap());
    browser.fill("code", &phone.code(&site.app)).await;
    browser.submit().await;
    browser.sees("Recovery codes").await;
    let recovery = browser
        .run("return document.querySelector('main li code').innerText")
        .await;
    for way in ["app", "recovery"] {
        site.app.clock.advance(Duration::from_secs(60));
        browser.sign_out().await;
        give_password(browser, ADA, OTHER).await;
        browser.is_at("/accounts/login/code").await;
        browser.is_open_to_all().await;
        let given = match way {
            "app" => phone.code(&site.app),
            _ => recovery.as_str().unwrap().to_owned(),
        };
        browser.fill("code", "000000").await;
        browser.press("/accounts/login/code").await;
        browser.sees("This code is not right").await;
        browser.fill("code", &given).await;
        browser.press("/accounts/login/code").await;
        browser.is_at("/dashboard").await;
    }
}

async fn changes_the_address(site: &Site, browser: &Browser) {
    site.app.clock.advance(Duration::from_secs(60 * 60));
    browser.visit("/accounts/email").await;
    browser.is_at("/accounts/confirm").await;
    browser.is_open_to_all().await;
    browser.fill("password", OTHER).await;
    browser.press("/accounts/confirm").await;
    browser.is_at("/accounts/email").await;
    browser.is_open_to_all().await;
    browser.fill("email", "countess@example.com").await;
    browser.submit().await;
    browser.sees("Open it to confirm").await;
    let link = site.link("/accounts/verify/").await;
    browser.visit(&link).await;
    browser.is_open_to_all().await;
    browser.submit().await;
    browser.sees("Your address is confirmed").await;
    let told = site.mail("countess@example.com").await;
    assert!(!told.contains(&link), "the old address is told: {told}");
    browser.visit("/accounts/email").await;
    browser.sees("countess@example.com").await;
}

#[tokio::test]
#[ignore = "needs chromedriver: `cargo xtask test browser`"]
async fn the_staff_invites_and_acts_as_a_user() {
    let site = Site::open(builder(Registration::Invitation)).await;
    let (staff, user) = (site.browser().await, site.browser().await);
    let arguments = ["--email", ROOT, "--password", PASSWORD];
    run(&site.app, "create-admin", &arguments).await.unwrap();
    give_password(&staff, ROOT, PASSWORD).await;
    staff.is_at("/dashboard").await;
    staff.visit("/admin/invitations").await;
    staff.fill("email", ADA).await;
    staff.press("/admin/invitations").await;
    staff.sees(ADA).await;
    staff.is_open_to_all().await;
    user.visit("/accounts/signup").await;
    user.is_open_to_all().await;
    user.visit(&site.link("/accounts/invitation/").await).await;
    user.is_open_to_all().await;
    user.fill("password", PASSWORD).await;
    user.submit().await;
    user.is_at("/dashboard").await;
    staff.visit("/admin/users").await;
    staff.follow(ADA).await;
    staff.sees("Act as this user").await;
    staff
        .run("document.querySelector(\"form[action$='/act'] button\").click()")
        .await;
    staff.sees("Be yourself again").await;
    staff.is_at("/dashboard").await;
    staff.is_open_to_all().await;
    staff.visit("/accounts/security").await;
    staff
        .until("!document.body.innerText.includes('Change password')")
        .await;
    staff.visit("/dashboard").await;
    staff.press("/accounts/acting/end").await;
    staff
        .until("!document.body.innerText.includes('Be yourself again')")
        .await;
    staff.close().await;
    user.close().await;
}
