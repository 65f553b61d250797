//! How passkeys are added, renamed and removed, and what becomes of them when their owner leaves or changes.

use super::device::Device;
use super::*;
use crate::support::{run, sign_up_unconfirmed};

async fn ids(app: &TestApp) -> Vec<String> {
    column(app, "SELECT id FROM passkeys ORDER BY created_at, id").await
}

async fn record(app: &TestApp) -> Vec<String> {
    let sql = "SELECT action FROM audit_entries WHERE action LIKE 'passkey.%' ORDER BY id";
    column(app, sql).await
}

#[tokio::test]
async fn several_are_added_renamed_and_removed_and_the_owner_is_told() {
    let app = start().await;
    let (mut ada, phone, _) = with_passkey(&app, ADA).await;
    app.clock.advance(MINUTE);
    let mut key = Device::new();
    let added = add(&mut ada, &mut key, " A <key> ").await;
    assert_eq!(added.location(), "/accounts/security", "{}", added.text);
    let mails = app.mails().await;
    let told = mails
        .iter()
        .filter(|mail| mail.subject.contains("passkey was added"));
    assert_eq!(told.count(), 2);
    let all = ids(&app).await;
    let path = format!("/accounts/passkeys/{}", all[1]);
    let page = ada.get(&path).await;
    assert!(page.text.contains("A &lt;key&gt;"), "{}", page.text);
    let empty = ada.post(&path, &[("name", " ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    app.clock.advance(MINUTE);
    ada.post(&path, &[("name", "Drawer")]).await;
    let page = ada.get("/accounts/security").await;
    assert!(page.text.contains("Drawer") && page.text.contains("My phone"));

    let mut bob = sign_up(&app, "bob@example.com").await;
    for (path, fields) in [
        (path.clone(), vec![("name", "Mine")]),
        (format!("{path}/remove"), vec![]),
    ] {
        assert_eq!(bob.post(&path, &fields).await.status, StatusCode::NOT_FOUND);
    }
    app.clock.advance(MINUTE);
    let removed = ada.post(&format!("{path}/remove"), &[]).await;
    assert_eq!(removed.location(), "/accounts/security");
    let mails = app.mails().await;
    assert!(mails.last().unwrap().text.contains("“Drawer” was removed"));
    let mut client = app.client();
    assert_eq!(
        go(&mut client, LOGIN, &key).await.location(),
        "/accounts/login?next=%2Faccounts%2Fsecurity%3Fa%3D1"
    );
    go(&mut client, LOGIN, &phone).await;
    assert!(is_in(&mut client).await);
    let expected = [
        "passkey.added",
        "passkey.added",
        "passkey.renamed",
        "passkey.removed",
    ];
    assert_eq!(record(&app).await, expected);
}

#[tokio::test]
async fn without_the_last_one_the_password_is_enough_again() {
    let app = start().await;
    let (mut ada, _, _) = with_passkey(&app, ADA).await;
    let path = format!("/accounts/passkeys/{}/remove", ids(&app).await[0]);
    ada.post(&path, &[]).await;
    assert_eq!(count(&app, "recovery_codes").await, 0);
    sign_in(&app, ADA).await;
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let app = start().await;
    let (mut ada, _, _) = with_passkey(&app, ADA).await;
    change(&app, "UPDATE users SET has_password = 0").await;
    let path = format!("/accounts/passkeys/{}/remove", ids(&app).await[0]);
    ada.post(&path, &[]).await;
    let page = ada.get("/accounts/security").await;
    assert!(
        page.text.contains("your only way to sign in"),
        "{}",
        page.text
    );
    add(&mut ada, &mut Device::new(), "Second").await;
    ada.post(&path, &[]).await;
    assert_eq!(count(&app, "passkeys").await, 1);
}

#[tokio::test]
async fn nobody_adds_one_before_his_address_is_confirmed() {
    let app = start().await;
    let mut thief = sign_up_unconfirmed(&app, ADA).await;
    assert_eq!(thief.get(NEW).await.location(), "/accounts/verify");
    let refused = add(&mut thief, &mut Device::new(), "Mine").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("Confirm your address first"));
    assert_eq!(count(&app, "passkeys").await, 0);
}

#[tokio::test]
async fn there_are_twenty_at_most_and_each_is_of_one_account() {
    let app = start().await;
    let (mut ada, mut device, _) = with_passkey(&app, ADA).await;
    let mut bob = sign_up(&app, "bob@example.com").await;
    let taken = add(&mut bob, &mut device, "Mine").await;
    assert!(
        taken.text.contains("somebody&#x27;s already"),
        "{}",
        taken.text
    );
    let more = "INSERT INTO passkeys (id, user_id, credential_id, name, credential, created_at)
         SELECT t.n, user_id, t.n, name, credential, created_at FROM passkeys CROSS JOIN (
             SELECT '1' AS n UNION SELECT '2' UNION SELECT '3' UNION SELECT '4' UNION SELECT '5' UNION SELECT '6'
             UNION SELECT '7' UNION SELECT '8' UNION SELECT '9' UNION SELECT 'a' UNION SELECT 'b' UNION SELECT 'c'
             UNION SELECT 'd' UNION SELECT 'e' UNION SELECT 'f' UNION SELECT 'g' UNION SELECT 'h' UNION SELECT 'i') t";
    change(&app, more).await;
    let last = add(&mut ada, &mut Device::new(), "Last").await;
    assert_eq!(last.location(), "/accounts/security", "{}", last.text);
    let refused = add(&mut ada, &mut Device::new(), "One more").await;
    assert!(
        refused.text.contains("as many passkeys as there may be"),
        "{}",
        refused.text
    );
    assert_eq!(count(&app, "passkeys").await, 20);
}

#[tokio::test]
async fn an_operator_helps_whoever_lost_all_of_them() {
    let app = start().await;
    with_passkey(&app, ADA).await;
    let arguments = ["reset-second-factor", ADA];
    run(&app, "users", &arguments).await.unwrap();
    assert_eq!(count(&app, "passkeys").await, 0);
    sign_in(&app, ADA).await;
}

/// Whoever signed up with an address that is not his, before its owner came.
#[tokio::test]
async fn what_a_stranger_set_up_gives_him_no_way_in_once_the_owner_has_come() {
    let app = builder(|settings| settings.magic_links = true)
        .start()
        .await;
    let (_, device, _) = with_passkey(&app, ADA).await;
    change(&app, "UPDATE users SET email_verified_at = NULL").await;
    let key =
        "INSERT INTO api_keys (id, user_id, handle, digest, name, scopes, form_key, created_at)
         SELECT 'k', id, 'h', 'd', 'n', '', 'f', 0 FROM users";
    change(&app, key).await;
    let mut owner = app.client();
    owner
        .post("/accounts/password/reset", &[("email", ADA)])
        .await;
    let mails = app.mails().await;
    let mail = mails
        .iter()
        .find(|mail| mail.text.contains("/password/reset/"));
    let text = &mail.unwrap().text;
    let link = text
        .split_whitespace()
        .find(|word| word.contains("/password/reset/"));
    let link = link.unwrap().strip_prefix("http://app.test").unwrap();
    owner.post(link, &[("password", "another long one")]).await;
    let live = "SELECT id FROM api_keys WHERE revoked_at IS NULL";
    assert_eq!(column(&app, live).await, [""; 0]);
    let mut stranger = app.client();
    go(&mut stranger, LOGIN, &device).await;
    assert!(!is_in(&mut stranger).await);
    let fields = [("email", ADA), ("password", "another long one")];
    let answer = owner.post("/accounts/login", &fields).await;
    assert_eq!(
        answer.location(),
        "/dashboard",
        "no second factor is asked for"
    );
}

#[tokio::test]
async fn they_are_taken_along_and_forgotten_with_their_owner() {
    let app = start().await;
    let (mut ada, _, _) = with_passkey(&app, ADA).await;
    let page = ada.get("/accounts/export").await;
    let token = page.input("csrf").unwrap().to_owned();
    let request = Request::post("/accounts/export").header("x-csrf-token", token);
    let archive = ada.send(request, Body::empty()).await;
    let name = b"passkeys/passkeys.json";
    assert!(archive.bytes.windows(name.len()).any(|part| part == name));
    let left = ada.post("/accounts/delete", &[("email", ADA)]).await;
    assert_eq!(left.location(), "/", "{}", left.text);
    app.work_jobs().await;
    app.clock.advance(15 * 24 * 60 * MINUTE);
    app.work_jobs().await;
    assert_eq!(count(&app, "passkeys").await, 0);
    assert_eq!(count(&app, "other_factors").await, 0);
}

/// A project without the module any more: the password is enough, as there is nothing to ask for.
#[tokio::test]
async fn without_the_module_nobody_is_kept_out() {
    let app = start().await;
    with_passkey(&app, ADA).await;
    let without =
        App::builder(SITE, Environment::Test).module(auth::module(settings(Registration::Open)));
    let without = themed(without).replica_of(&app).await;
    sign_in(&without, ADA).await;
}
