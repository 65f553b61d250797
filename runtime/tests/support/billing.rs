//! Somebody who buys at the sandbox, in a browser.

use axum::http::StatusCode;
use quickscale_runtime::credits::{Owner, actions};
use quickscale_runtime::ids::UserId;
use quickscale_runtime::testing::{Answer, Client, TestApp};
use sqlx::Row as _;

use super::sign_up;

/// Somebody who buys.
pub struct Shopper<'a> {
    pub app: &'a TestApp,
    pub browser: Client,
    pub id: UserId,
}

impl<'a> Shopper<'a> {
    pub async fn sign_up(app: &'a TestApp, email: &str) -> Self {
        let browser = sign_up(app, email).await;
        let row = sqlx::query("SELECT id FROM users WHERE email = $1").bind(email);
        let row = row
            .fetch_one(app.core.db().reader())
            .await
            .expect("he has an account");
        let id: String = row.try_get(0).expect("it is text");
        Self {
            app,
            browser,
            id: id.into(),
        }
    }

    /// Sends the form of an item of the catalogue; gives where the payment page is.
    pub async fn order(&mut self, item: &str, quantity: u32) -> Answer {
        let page = self.browser.get("/billing/plans?currency=eur").await;
        let key = page.input("key").expect("there is a form").to_owned();
        self.order_with(item, quantity, &key).await
    }

    pub async fn order_with(&mut self, item: &str, quantity: u32, key: &str) -> Answer {
        let quantity = quantity.to_string();
        let fields = [
            ("price", &*format!("{item}:eur")),
            ("quantity", &*quantity),
            ("key", key),
        ];
        self.browser.post("/billing/checkout", &fields).await
    }

    /// Does something on an open payment page, and lets its events be worked off.
    pub async fn at_till(&mut self, page: &str, verb: &str) -> Answer {
        let answer = self.browser.post(page, &[("do", verb)]).await;
        self.app.work_jobs().await;
        answer
    }

    /// Does something on the sandbox's control page, and lets its events be worked off.
    pub async fn sandbox(&mut self, verb: &str, object: &str) {
        let answer = self
            .browser
            .post("/billing/sandbox", &[("do", verb), ("object", object)])
            .await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{verb}: {}",
            answer.text
        );
        self.app.work_jobs().await;
    }

    /// The first object of a kind at the sandbox, by its prefix.
    pub async fn object(&self, prefix: &str) -> String {
        let rows = sqlx::query("SELECT object FROM billing_sandbox ORDER BY object");
        let rows = rows
            .fetch_all(self.app.core.db().reader())
            .await
            .expect("the table is there");
        let objects = rows
            .iter()
            .map(|row| row.try_get::<String, _>(0).expect("it is text"));
        objects
            .into_iter()
            .find(|object| object.starts_with(prefix))
            .expect("there is one")
    }

    /// Buys one pack.
    pub async fn buy(&mut self, item: &str) {
        let answer = self.order(item, 1).await;
        let page = answer.location().to_owned();
        assert!(page.starts_with("/billing/sandbox/pay/"), "{}", answer.text);
        let answer = self.at_till(&page, "pay").await;
        assert!(
            answer
                .location()
                .contains("/billing/checkout/success?order="),
            "{}",
            answer.text
        );
    }

    /// What he has, as text.
    pub async fn balance(&self) -> String {
        let owner = Owner::User(self.id.clone());
        let balance = actions::balance(&self.app.core, &owner)
            .await
            .expect("the database answers");
        assert!(balance.debt.is_zero() || balance.available.is_zero());
        if balance.debt.is_zero() {
            balance.available.to_string()
        } else {
            format!("-{}", balance.debt)
        }
    }
}

/// Has somebody subscribe to a plan and pay.
pub async fn subscribe(shopper: &mut Shopper<'_>, plan: &str, seats: u32) {
    let answer = shopper.order(plan, seats).await;
    let page = answer.location().to_owned();
    assert!(page.starts_with("/billing/sandbox/pay/"), "{}", answer.text);
    let answer = shopper.at_till(&page, "pay").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
}
