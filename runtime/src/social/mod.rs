//! Signing in at Google, GitHub or any OpenID Connect issuer. Invariants: an identity is an issuer's and a subject, never an
//! address; it is tied to an account only when both sides have verified the same address, or by whoever is signed in; what
//! a provider says is believed only to the browser that was sent there, once its signature, issuer, audience, nonce and
//! time were checked; nothing that a provider gives out is kept but who somebody is.

mod actions;
mod client;
mod flow;
mod github;
mod jwt;
mod letters;
mod openid;
mod pages;
mod panels;
mod personal;
mod providers;
mod routes;
mod rules;
mod store;

use crate::auth::{CountWays, TakenBack, UserRemoved};
use crate::config::{Config, Fault};
use crate::db::Migration;
use crate::http::Routes;
use crate::mail::MailSample;
use crate::module::{Install, Module};
use crate::pages::Sample;
use openid::Directory;
use providers::Provider;

/// The module's options, as `quickscale.yml` has them: none. Which providers there are says the environment.
#[derive(Debug, Clone)]
pub struct Settings {}

/// The module.
pub fn module(_: Settings) -> impl Module {
    Social
}

struct Social;

/// What this domain's handlers share.
struct Providers {
    all: Vec<Provider>,
    directory: Directory,
}

impl Providers {
    fn find(&self, name: &str) -> Option<&Provider> {
        self.all.iter().find(|provider| provider.name == name)
    }
}

impl Module for Social {
    fn name(&self) -> &'static str {
        "social"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["auth"]
    }

    fn migrations(&self) -> Vec<Migration> {
        vec![Migration::portable(
            "0001_identities",
            include_str!("migrations/0001_identities.sql"),
        )]
    }

    fn routes(&self) -> Routes {
        routes::routes()
    }

    fn samples(&self) -> Vec<Sample> {
        pages::samples()
    }

    fn mail_samples(&self) -> Vec<MailSample> {
        letters::samples()
    }

    fn weaknesses(&self, config: &Config) -> Vec<Fault> {
        match providers::read(config) {
            Ok(all) if all.is_empty() => vec![Fault {
                variable: "SOCIAL_PROVIDERS".into(),
                problem: "names nobody at whom people could sign in; name one, or take the module social out".into(),
            }],
            Ok(_) => Vec::new(),
            Err(faults) => faults.0,
        }
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        jwt::install();
        let all = providers::read(install.config()?)?;
        install.state(Providers {
            all,
            directory: Directory::default(),
        });
        install.personal_data(personal::files);
        install.on::<UserRemoved>(|_, tx, removed| Box::pin(personal::forget(tx, removed)));
        install.on::<TakenBack>(|_, tx, taken| Box::pin(store::forget(tx, &taken.user)));
        install.on::<CountWays>(|core, tx, ways| Box::pin(actions::count(core, tx, ways)));
        install.panel(0, |visit, place| Box::pin(panels::panel(visit, place)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{App, Environment};

    #[test]
    fn nobody_to_sign_in_at_is_a_weakness() {
        let app = App::builder("Shop", Environment::Production).module(module(Settings {}));
        let found = |vars: &[(&str, &str)]| {
            let found = app.weaknesses(&providers::tests::config("production", vars));
            let found = found.into_iter().map(|fault| fault.variable);
            found.collect::<Vec<_>>()
        };
        assert_eq!(found(&[]), ["SOCIAL_PROVIDERS"]);
        let github = [
            ("SOCIAL_PROVIDERS", "github"),
            ("SOCIAL_GITHUB_CLIENT_ID", "a"),
            ("SOCIAL_GITHUB_CLIENT_SECRET", "b"),
        ];
        assert_eq!(found(&github), [""; 0]);
        assert_eq!(found(&github[..1]).len(), 2);
    }
}
