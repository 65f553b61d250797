//! The options of `services`.

use std::time::Duration;

use garde::Validate;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::credits::{self, Credits};
use quickscale_runtime::services::{self, Service, ServiceContext, ServiceError, Settings};
use quickscale_runtime::testing::TestApp;
use quickscale_runtime::{App, Environment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::support::ledger::{assert_sound, number};
use crate::support::{SITE, settings, sign_up, themed};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Says what it was told.
struct Echo {
    is_in_background: bool,
}

#[derive(Debug, Deserialize, JsonSchema, Validate)]
struct Words {
    #[garde(length(chars, max = 100))]
    text: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Said {
    said: String,
}

impl Service for Echo {
    type Input = Words;
    type Output = Said;

    fn title(&self) -> &str {
        "Echo"
    }

    fn description(&self) -> &str {
        "Says what it was told."
    }

    fn cost(&self) -> Credits {
        Credits::whole(3)
    }

    fn background(&self) -> bool {
        self.is_in_background
    }

    async fn run(&self, input: Words, context: &ServiceContext) -> Result<Said, ServiceError> {
        context.emit("partly");
        Ok(Said {
            said: format!("{}, indeed", input.text),
        })
    }
}

async fn start(result_days: u32) -> TestApp {
    let [later, now] = [true, false].map(|is_in_background| Echo { is_in_background });
    let app = App::builder(SITE, Environment::Test)
        .module(auth::module(settings(Registration::Open)))
        .module(credits::module(credits::Settings::default()))
        .module(
            services::module(Settings { result_days })
                .service("later", later)
                .service("now", now),
        );
    themed(app).start().await
}

#[tokio::test(flavor = "multi_thread")]
pub async fn result_days() {
    for days in [1, 40] {
        let app = start(days).await;
        let mut ada = sign_up(&app, "ada@example.com").await;
        let mut pages = Vec::new();
        for path in ["/services/now", "/services/later"] {
            let form = ada.get(path).await;
            let key = form.input("run_key").unwrap().to_owned();
            let sent = ada.post(path, &[("run_key", &key), ("text", "Rain")]).await;
            pages.push(sent.location().to_owned());
        }
        app.work_jobs().await;
        let left = "SELECT COUNT(*) FROM service_runs WHERE output IS NOT NULL";
        for (wait, is_kept) in [(DAY * days - 2 * HOUR, true), (4 * HOUR, false)] {
            app.clock.advance(wait);
            app.work_jobs().await;
            let [now, later] = [ada.get(&pages[0]).await.text, ada.get(&pages[1]).await.text];
            // Long after a sign-in people may have to sign in again: the database tells it, too.
            assert_eq!(
                number(&app.core, left).await,
                1 + i64::from(is_kept),
                "{days}"
            );
            if days == 1 {
                assert!(now.contains("Rain, indeed"), "{now}");
                assert_eq!(later.contains("Rain, indeed"), is_kept, "{later}");
                assert_eq!(later.contains("has been removed"), !is_kept, "{later}");
                assert!(later.contains("94 credits remaining"), "{later}");
            }
        }
        let said = "SELECT COUNT(*) FROM service_run_events";
        assert_eq!(number(&app.core, said).await, 1);
        assert_sound(&app.core, "after results were removed").await;
    }
}

const HOUR: Duration = Duration::from_secs(60 * 60);
