//! A stand-in for Stripe: an HTTP server that takes only what Stripe takes, keeps state, fails when it is told to,
//! answers a repeated key with its first answer, and tells what happens by signed events. It has a payment page and a
//! billing portal, so that a browser can walk through both. A tool of tests, and no part of any application.
//! The runtime's tests take it in as a module, so that its paths are relative.

mod api;
mod fields;
mod hooks;
mod pages;
mod server;
mod shapes;
mod shop;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::net::TcpListener;

pub use fields::Refusal;
pub use hooks::{Mischief, sign};
pub use pages::till::Verb;
pub use shapes::as_before;
use shop::Shop;

/// The version of Stripe's API that it speaks.
pub const API_VERSION: &str = "2025-03-31.basil";
/// The key that it takes unless it is told another.
pub const KEY: &str = "rk_test_1";
/// 2026-01-01T00:00:00Z, when it is by the clock of a stand-in inside of a test, until the test moves it.
pub const START: i64 = 1_767_225_600;

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This status, and nothing is done.
    Refused(u16),
    /// 429, and nothing may be asked for so many seconds.
    Busy(u64),
    /// The connection breaks before anything is done.
    Reset,
    /// It is done, and the answer breaks off.
    AnswerLost,
    /// 500, which stays the answer under the key; whether it is done all the same.
    Kept { is_done: bool },
    /// It is done, and the answer comes only after so many milliseconds; until then its key is in use.
    Late(u64),
}

/// The server.
#[derive(Clone)]
pub struct StandIn(Arc<Mutex<Shop>>);

impl StandIn {
    /// Starts one for a test, at a clock that stands; gives the address to call.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("there is a free port");
        let stand_in = Self::on(&listener, KEY);
        stand_in.set_clock(START);
        tokio::spawn(server::serve(listener, stand_in.clone()));
        let address = stand_in.address();
        (stand_in, address)
    }

    /// One that will answer on `listener` and take `key`, by the real clock.
    ///
    /// # Panics
    /// When the listener has no address.
    #[must_use]
    pub fn on(listener: &TcpListener, key: &str) -> Self {
        let address = listener.local_addr().expect("it is bound");
        let shop = Shop::new(format!("http://{address}"), key);
        Self(Arc::new(Mutex::new(shop)))
    }

    /// The address to call.
    #[must_use]
    pub fn address(&self) -> String {
        self.shop().address.clone()
    }

    /// Answers until the process ends.
    pub async fn serve(self, listener: TcpListener) {
        server::serve(listener, self).await;
    }

    /// The next requests fail so, one after the other.
    pub fn fail(&self, faults: &[Fault]) {
        self.shop().faults.extend(faults);
    }

    /// There is such an object from now on.
    ///
    /// # Panics
    /// When it has no id.
    pub fn put(&self, body: Value) {
        let id = body["id"].as_str().expect("it has an id").to_owned();
        self.shop().objects.insert(id, body);
    }

    /// It is as if there had never been such an object.
    pub fn forget(&self, id: &str) {
        self.shop().objects.remove(id);
    }

    /// The objects whose id begins so, by their ids, but for those that were deleted.
    #[must_use]
    pub fn all(&self, prefix: &str) -> Vec<Value> {
        let shop = self.shop();
        let objects = shop.objects.iter();
        let objects =
            objects.filter(|(id, body)| id.starts_with(prefix) && body["deleted"] != true);
        objects.map(|(_, body)| body.clone()).collect()
    }

    /// The payment page that was made last.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn last_page(&self) -> Value {
        self.all("cs_").pop().expect("a page was made")
    }

    /// Method and path of each request since the last time, in order.
    pub fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.shop().log)
    }

    /// The keys of the requests since the last time, in order.
    pub fn keys(&self) -> Vec<String> {
        std::mem::take(&mut self.shop().keys)
    }

    /// A day and more is over: no key means anything any more.
    pub fn forget_keys(&self) {
        self.shop().answers.clear();
    }

    /// It is so many seconds after 1970, until it is told otherwise.
    pub fn set_clock(&self, secs: i64) {
        self.shop().clock = Some(secs);
    }

    /// The events since the last time, in the order in which things happened.
    pub fn events(&self) -> Vec<Value> {
        std::mem::take(&mut self.shop().events)
    }

    /// Sends its events to an endpoint from now on, signed with its secret, until the process ends.
    pub async fn tell(self, endpoint: &str, secret: &str, mischief: Mischief) {
        hooks::deliver(self, endpoint, secret, mischief).await;
    }

    /// Does what a buyer does on an open payment page.
    ///
    /// # Errors
    /// When that cannot be done there, or the card is declined.
    pub fn at_till(&self, session: &str, verb: Verb) -> Result<(), Refusal> {
        self.shop().at_till(session, verb).map(drop)
    }

    /// The same on the page that was made last; gives the page as it is then.
    ///
    /// # Errors
    /// As [`Self::at_till`].
    pub fn at_last_page(&self, verb: Verb) -> Result<Value, Refusal> {
        let session = self.last_page()["id"].as_str().map(str::to_owned);
        self.at_till(&session.unwrap_or_default(), verb)?;
        Ok(self.last_page())
    }

    /// The period of a subscription is over by the clock: it ends or begins its next one.
    ///
    /// # Errors
    /// When the period is not over.
    pub fn renew(&self, subscription: &str) -> Result<(), Refusal> {
        self.shop().renew(subscription).map(drop)
    }

    fn shop(&self) -> MutexGuard<'_, Shop> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
