//! The stand-in for Stripe as a process of its own, and an application whose money it takes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::journey::Site;
use crate::project::given;

const KEY: &str = "rk_test_browser";
const SECRET: &str = "whsec_browser";

/// The process. Dropping it ends it.
pub struct Stripe(Child);

impl Stripe {
    /// Has the money of the site taken at the stand-in from now on, which is sold what the site declares.
    pub fn take_over(site: &Site, arguments: &[&str]) -> Self {
        let endpoint = format!("{}/webhooks/stripe", site.url());
        let mut process = Command::new(given("STRIPE_STANDIN"))
            .args([KEY, &endpoint, SECRET])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the stand-in can be started");
        let output = process.stdout.take().expect("it is piped");
        let mut address = String::new();
        let told = BufReader::new(output).read_line(&mut address);
        told.expect("it says where it listens");
        let stripe = Self(process);
        site.set_up(&[
            ("BILLING_PROVIDER", "stripe"),
            ("STRIPE_SECRET_KEY", KEY),
            ("STRIPE_WEBHOOK_SECRET", SECRET),
            ("STRIPE_API_BASE", address.trim()),
        ]);
        site.manage(&["billing", "push"]);
        stripe
    }
}

impl Drop for Stripe {
    fn drop(&mut self) {
        // It may have ended by itself, which the journey has told.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
