//! OpenID Connect (Core 1.0, Discovery 1.0, RFC 9207): where an issuer's pages are, codes for tokens, and what is believed
//! of a token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::client;
use super::flow::Flow;
use super::jwt::ALGORITHMS;
use super::providers::{Provider, is_safe};
use super::rules::Identity;
use crate::app::Core;
use crate::auth::EmailAddress;
use crate::clock::Timestamp;

/// How long what an issuer says of itself is believed.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// How far two clocks may be apart.
const SKEW: i64 = 60;

/// What issuers say of themselves, kept for a while.
#[derive(Default)]
pub(super) struct Directory(Mutex<HashMap<String, (Timestamp, Arc<Entry>)>>);

/// One issuer.
pub(super) struct Entry {
    pub metadata: Metadata,
    keys: JwkSet,
}

/// What we use of an issuer's description.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    /// What tokens may say, where the issuer tells.
    claims_supported: Option<Vec<String>>,
    /// Whether each answer names its issuer.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Directory {
    /// # Errors
    /// When the issuer does not answer, or says of itself what cannot be.
    pub async fn find(&self, core: &Core, issuer: &str) -> anyhow::Result<Arc<Entry>> {
        let known = {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.get(issuer).cloned()
        };
        match known {
            Some((at, entry)) if core.now().since(at) < KEPT => Ok(entry),
            _ => self.read(core, issuer).await,
        }
    }

    /// Asks the issuer, whatever is known.
    async fn read(&self, core: &Core, issuer: &str) -> anyhow::Result<Arc<Entry>> {
        let base = issuer.trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let metadata: Metadata = serde_json::from_value(client::get(&url, None).await?)?;
        ensure!(
            metadata.issuer == issuer,
            "{url} is of another issuer: {:?}",
            metadata.issuer
        );
        let may_be_local = !core.config().environment.is_production();
        let userinfo = metadata.userinfo_endpoint.as_deref();
        let all = [
            Some(&*metadata.authorization_endpoint),
            Some(&*metadata.token_endpoint),
            Some(&*metadata.jwks_uri),
            userinfo,
        ];
        for endpoint in all.into_iter().flatten() {
            ensure!(is_safe(endpoint, may_be_local), "{endpoint} has no TLS");
        }
        let keys = client::get(&metadata.jwks_uri, None).await?;
        let entry = Arc::new(Entry {
            keys: key_set(&keys)?,
            metadata,
        });
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(issuer.to_owned(), (core.now(), entry.clone()));
        Ok(entry)
    }

    /// Who came back from an issuer.
    ///
    /// # Errors
    /// When anything of the answer is not as it has to be.
    pub async fn identify(
        &self,
        core: &Core,
        provider: &Provider,
        (flow, code): (&Flow, &str),
    ) -> anyhow::Result<Identity> {
        let issuer = provider.issuer();
        let mut entry = self.find(core, issuer).await?;
        let tokens = entry.exchange(core, provider, (flow, code)).await?;
        if entry.key(&tokens.id_token).is_none() {
            // Keys are exchanged now and then.
            entry = self.read(core, issuer).await?;
        }
        let now = core.now().as_micros() / 1_000_000;
        let mut claims = entry.check(&tokens.id_token, (&provider.client_id, &flow.nonce), now)?;
        ensure!(
            !flow.is_anew() || entry.is_fresh(claims.auth_time, flow.started_at()),
            "somebody was signed in there before: {:?}",
            claims.auth_time
        );
        if let (None, Some(url)) = (&claims.about.email, &entry.metadata.userinfo_endpoint) {
            let told = client::get(url, Some(&tokens.access_token)).await?;
            ensure!(
                told.get("sub").and_then(Value::as_str) == Some(&*claims.sub),
                "the user's page is of somebody else"
            );
            claims.about = serde_json::from_value(told)?;
        }
        Ok(claims.identity(issuer))
    }
}

/// The keys that can be read: one of a kind that we do not know makes the others no worse.
fn key_set(value: &Value) -> anyhow::Result<JwkSet> {
    let keys = value.get("keys").and_then(Value::as_array);
    let keys = keys.context("the issuer has no keys")?;
    let read = keys.iter().cloned().map(serde_json::from_value::<Jwk>);
    Ok(JwkSet {
        keys: read.filter_map(Result::ok).collect(),
    })
}

/// What a code is exchanged for.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: String,
}

/// What we use of a token.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    iat: i64,
    /// When somebody last showed the issuer who he is.
    auth_time: Option<i64>,
    nonce: Option<String>,
    aud: Value,
    azp: Option<String>,
    #[serde(flatten)]
    about: About,
}

/// What an issuer says of a person.
#[derive(Debug, Deserialize)]
struct About {
    email: Option<String>,
    /// Some say it as text.
    email_verified: Option<Value>,
    name: Option<String>,
}

impl Claims {
    fn identity(self, issuer: &str) -> Identity {
        let is_true = |value: &Value| *value == Value::Bool(true) || value.as_str() == Some("true");
        let email = self.about.email.as_deref();
        Identity {
            issuer: issuer.to_owned(),
            subject: self.sub,
            email: email.and_then(|email| EmailAddress::parse(email).ok()),
            is_verified: self.about.email_verified.as_ref().is_some_and(is_true),
            name: self.about.name.unwrap_or_default(),
        }
    }
}

impl Entry {
    /// Whether the answer that names an issuer names the right one (RFC 9207).
    pub fn is_issuer(&self, named: Option<&str>) -> bool {
        match named {
            Some(named) => named == self.metadata.issuer,
            None => !self.metadata.authorization_response_iss_parameter_supported,
        }
    }

    /// Whether somebody showed who he is after `started_at`. An issuer that was asked has to say (Core 1.0, section
    /// 3.1.2.1); one that says of itself that it never does, as Google, is believed to have asked.
    fn is_fresh(&self, auth_time: Option<i64>, started_at: i64) -> bool {
        let never_tells = |claims: &Vec<String>| !claims.iter().any(|one| one == "auth_time");
        match auth_time {
            Some(at) => at + SKEW >= started_at,
            None => self
                .metadata
                .claims_supported
                .as_ref()
                .is_some_and(never_tells),
        }
    }

    async fn exchange(
        &self,
        core: &Core,
        provider: &Provider,
        (flow, code): (&Flow, &str),
    ) -> anyhow::Result<Tokens> {
        let (id, secret) = (&*provider.client_id, provider.client_secret.expose_secret());
        let callback = provider.callback(core.config());
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &*callback),
            ("code_verifier", &*flow.verifier),
        ];
        let methods = &self.metadata.token_endpoint_auth_methods_supported;
        let is_basic = methods.is_empty() || methods.iter().any(|one| one == "client_secret_basic");
        let authorization = match is_basic {
            true => Some(basic(id, secret)?),
            false => {
                fields.extend([("client_id", id), ("client_secret", secret)]);
                None
            }
        };
        let answer = client::post(&self.metadata.token_endpoint, &fields, authorization).await?;
        Ok(serde_json::from_value(answer)?)
    }

    /// The key that a token says it was signed with.
    fn key(&self, token: &str) -> Option<&Jwk> {
        match decode_header(token).ok()?.kid {
            Some(kid) => self.keys.find(&kid),
            None => self.keys.keys.first().filter(|_| self.keys.keys.len() == 1),
        }
    }

    /// What a token says, if it is to be believed at `now`, in seconds since 1970.
    fn check(
        &self,
        token: &str,
        (client_id, nonce): (&str, &str),
        now: i64,
    ) -> anyhow::Result<Claims> {
        let algorithm = decode_header(token)
            .context("the token cannot be read")?
            .alg;
        ensure!(
            ALGORITHMS.contains(&algorithm),
            "the token is signed with {algorithm:?}"
        );
        let key = self
            .key(token)
            .context("the token's key is not the issuer's")?;
        let mut rules = Validation::new(algorithm);
        rules.set_issuer(&[&self.metadata.issuer]);
        rules.set_audience(&[client_id]);
        rules.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // By our clock, below.
        rules.validate_exp = false;
        let key = DecodingKey::from_jwk(key)?;
        let claims: Claims = decode(token, &key, &rules)?.claims;
        ensure!(claims.exp + SKEW > now, "the token has expired");
        ensure!(claims.iat - SKEW <= now, "the token is of the future");
        let told = claims.nonce.as_deref().unwrap_or_default();
        ensure!(
            bool::from(told.as_bytes().ct_eq(nonce.as_bytes())),
            "the token is of another sign-in"
        );
        let is_ours_alone = claims.aud.as_array().is_none_or(|all| all.len() == 1);
        match claims.azp.as_deref() {
            Some(party) if party != client_id => bail!("the token is for another party"),
            None if !is_ours_alone => bail!("the token is for several, and does not say for whom"),
            _ => Ok(claims),
        }
    }
}

/// Name and password as RFC 6749, section 2.3.1, wants them.
fn basic(id: &str, secret: &str) -> anyhow::Result<String> {
    let encode = |text: &str| -> anyhow::Result<String> {
        let pair = serde_urlencoded::to_string([("", text)])?;
        Ok(pair.trim_start_matches('=').to_owned())
    };
    let both = format!("{}:{}", encode(id)?, encode(secret)?);
    Ok(format!("Basic {}", STANDARD.encode(both)))
}
