//! GitHub, which speaks OAuth and has an API of its own for who somebody is.

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::client;
use super::flow::Flow;
use super::providers::Provider;
use super::rules::Identity;
use crate::app::Core;
use crate::auth::EmailAddress;

/// What we want to be told.
pub(super) const SCOPE: &str = "read:user user:email";

/// The page of a GitHub on which people agree.
pub(super) fn page(site: &str) -> String {
    format!("{}/login/oauth/authorize", site.trim_end_matches('/'))
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct User {
    id: u64,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

/// Who came back from GitHub.
///
/// # Errors
/// When anything of the answer is not as it has to be.
pub(super) async fn identify(
    core: &Core,
    provider: &Provider,
    (site, api): (&str, &str),
    (flow, code): (&Flow, &str),
) -> anyhow::Result<Identity> {
    let callback = provider.callback(core.config());
    let fields = [
        ("client_id", &*provider.client_id),
        ("client_secret", provider.client_secret.expose_secret()),
        ("code", code),
        ("redirect_uri", &callback),
        ("code_verifier", &flow.verifier),
    ];
    let url = format!("{}/login/oauth/access_token", site.trim_end_matches('/'));
    let token: Token = serde_json::from_value(client::post(&url, &fields, None).await?)?;
    let api = api.trim_end_matches('/');
    let token = Some(token.access_token.as_str());
    let user: User = serde_json::from_value(client::get(&format!("{api}/user"), token).await?)?;
    let addresses = client::get(&format!("{api}/user/emails"), token).await?;
    let addresses: Vec<Address> =
        serde_json::from_value(addresses).context("GitHub's list of addresses")?;
    let main = addresses.into_iter().find(|address| address.primary);
    let email = main.as_ref().map(|main| EmailAddress::parse(&main.email));
    Ok(Identity {
        issuer: provider.issuer().to_owned(),
        subject: user.id.to_string(),
        email: email.and_then(Result::ok),
        is_verified: main.is_some_and(|main| main.verified),
        name: user.name.unwrap_or_default(),
    })
}
