//! Questions and answers of WebAuthn (level 3): what a device is to sign, kept until it has, and whether it did.

use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use webauthn_rs::prelude::{
    CredentialID, DiscoverableAuthentication, Passkey as Key, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use super::rules::Name;
use super::store::{self, Passkey, PasskeyId, Question};
use crate::app::Core;
use crate::config::{Config, Fault, Faults};
use crate::crypto::random_token;
use crate::error::{Error, Result};
use crate::http::Principal;
use crate::ids::UserId;
use crate::in_transaction;

/// How long a question waits for its answer.
const LIFE: Duration = Duration::from_secs(10 * 60);

/// The site that passkeys are of. None while people reach it by a number alone, which browsers know no passkeys for.
pub(super) struct RelyingParty(Option<Webauthn>);

impl RelyingParty {
    /// The host of `APP_URL`, which alone may ask for its passkeys.
    ///
    /// # Errors
    /// When `APP_URL` has no name in production.
    pub fn read(config: &Config) -> Result<Self, Faults> {
        let party = Self::of(config);
        if party.is_none() && config.environment.is_production() {
            let problem = "has a number in the place of a name, and passkeys need a name; set APP_URL to https://NAME";
            return Err(Faults(vec![Fault {
                variable: "APP_URL".into(),
                problem: problem.into(),
            }]));
        }
        Ok(Self(party))
    }

    fn of(config: &Config) -> Option<Webauthn> {
        let origin = Url::parse(config.origin()).ok()?;
        let builder = WebauthnBuilder::new(origin.domain()?, &origin).ok()?;
        builder.timeout(LIFE).build().ok()
    }

    pub fn is_there(&self) -> bool {
        self.0.is_some()
    }

    fn get(&self) -> Result<&Webauthn> {
        self.0.as_ref().ok_or_else(Error::not_found)
    }
}

/// What somebody answers a question for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose<'a> {
    SignIn,
    /// This user gave a password, or the like.
    SecondFactor(&'a UserId),
    /// This user shows once more that it is he.
    Confirm(&'a UserId),
    /// This user adds a passkey.
    Add(&'a UserId),
}

impl<'a> Purpose<'a> {
    fn question(self, digest: &'a str) -> Question<'a> {
        let (purpose, user) = match self {
            Self::SignIn => ("sign_in", None),
            Self::SecondFactor(user) => ("second_factor", Some(user)),
            Self::Confirm(user) => ("confirm", Some(user)),
            Self::Add(user) => ("add", Some(user)),
        };
        Question {
            digest,
            purpose,
            user,
        }
    }

    pub fn user(self) -> Option<&'a UserId> {
        match self {
            Self::SignIn => None,
            Self::SecondFactor(user) | Self::Confirm(user) | Self::Add(user) => Some(user),
        }
    }
}

fn digest(core: &Core, ticket: &str) -> String {
    core.config().key("passkey question").sign(ticket)
}

/// Keeps what an answer is checked against. The browser gets the ticket for it, and what it is to ask the device.
async fn keep(
    core: &Core,
    purpose: Purpose<'_>,
    (state, options): (&impl Serialize, &impl Serialize),
) -> Result<Value> {
    let ticket = random_token();
    let digest = digest(core, &ticket);
    let state = serde_json::to_string(state).map_err(Error::internal)?;
    let end = core.now().plus(LIFE);
    in_transaction!(core.db(), tx => {
        store::ask(tx, &purpose.question(&digest), &state, end).await
    })?;
    Ok(json!({ "ticket": ticket, "publicKey": options }))
}

/// What an answer is checked against; it is not there any more. None when it is too late, or not this one's.
async fn take<S: DeserializeOwned>(
    core: &Core,
    purpose: Purpose<'_>,
    ticket: &str,
) -> Result<Option<S>> {
    let digest = digest(core, ticket);
    let state = in_transaction!(core.db(), tx => {
        store::take(tx, &purpose.question(&digest), core.now()).await
    })?;
    let state = state.map(|state| serde_json::from_str(&state)).transpose();
    state.map_err(Error::internal)
}

/// A device's identifiers of somebody's passkeys.
fn credentials(all: &[Passkey]) -> Vec<CredentialID> {
    all.iter()
        .filter_map(|one| URL_SAFE_NO_PAD.decode(&one.credential_id).ok())
        .collect()
}

/// What a browser asks a device to make a passkey with.
pub(super) async fn ask_to_add(core: &Core, principal: &Principal) -> Result<Value> {
    let party = core.state::<RelyingParty>()?;
    let user = &principal.id;
    let known = store::of(core.db(), user).await?;
    let handle = Uuid::try_parse(user.as_str()).map_err(Error::internal)?;
    let shown = match &*principal.name {
        "" => &*principal.email,
        name => name,
    };
    let (options, state) = party
        .get()?
        .start_passkey_registration(handle, &principal.email, shown, Some(credentials(&known)))
        .map_err(Error::internal)?;
    let mut options = serde_json::to_value(options.public_key).map_err(Error::internal)?;
    options["rp"]["name"] = core.name().into();
    // It is to be found by whoever has not said who he is.
    options["authenticatorSelection"]["residentKey"] = "required".into();
    options["authenticatorSelection"]["requireResidentKey"] = true.into();
    keep(core, Purpose::Add(user), (&state, &options)).await
}

/// What a browser asks a device to sign. Where it is known whom is asked, his passkeys are named.
pub(super) async fn ask_to_sign(core: &Core, purpose: Purpose<'_>) -> Result<Value> {
    let party = core.state::<RelyingParty>()?;
    let known = match purpose.user() {
        Some(user) => store::of(core.db(), user).await?,
        None => Vec::new(),
    };
    let (options, state) = party
        .get()?
        .start_discoverable_authentication()
        .map_err(Error::internal)?;
    let mut options = serde_json::to_value(options.public_key).map_err(Error::internal)?;
    let named = known
        .iter()
        .map(|one| json!({ "type": "public-key", "id": one.credential_id }));
    options["allowCredentials"] = named.collect();
    keep(core, purpose, (&state, &options)).await
}

/// How an answer was taken.
pub(super) enum Answer<T> {
    Right(T),
    /// The question was answered before, or is too old, or was never put to him.
    Late,
    /// The answer is not one to this question, or not by a passkey that counts.
    Wrong,
}

/// A passkey that a device has just made.
pub(super) async fn added(
    core: &Core,
    principal: &Principal,
    (ticket, answer, name): (&str, &str, &Name),
) -> Result<Answer<Passkey>> {
    let party = core.state::<RelyingParty>()?;
    let purpose = Purpose::Add(&principal.id);
    let Some(state) = take::<PasskeyRegistration>(core, purpose, ticket).await? else {
        return Ok(Answer::Late);
    };
    let Ok(answer) = serde_json::from_str::<RegisterPublicKeyCredential>(answer) else {
        return Ok(Answer::Wrong);
    };
    let key = match party.get()?.finish_passkey_registration(&answer, &state) {
        Ok(key) => key,
        Err(error) => {
            tracing::warn!(%error, "a passkey was not taken");
            return Ok(Answer::Wrong);
        }
    };
    let now = core.now();
    Ok(Answer::Right(Passkey {
        id: PasskeyId::new(now),
        user: principal.id.clone(),
        credential_id: URL_SAFE_NO_PAD.encode(key.cred_id()),
        name: name.as_str().to_owned(),
        credential: serde_json::to_string(&key).map_err(Error::internal)?,
        created_at: now,
        used_at: None,
    }))
}

/// A passkey with which a question was signed, and what is known of it since.
pub(super) struct Signed {
    pub passkey: Passkey,
    pub credential: String,
}

/// Whose passkey an answer was signed with.
pub(super) async fn signed(
    core: &Core,
    purpose: Purpose<'_>,
    (ticket, answer): (&str, &str),
) -> Result<Answer<Signed>> {
    let party = core.state::<RelyingParty>()?;
    let Some(state) = take::<DiscoverableAuthentication>(core, purpose, ticket).await? else {
        return Ok(Answer::Late);
    };
    let Ok(answer) = serde_json::from_str::<PublicKeyCredential>(answer) else {
        return Ok(Answer::Wrong);
    };
    let credential_id = URL_SAFE_NO_PAD.encode(&answer.raw_id);
    let Some(passkey) = store::by_credential(core.db(), &credential_id).await? else {
        return Ok(Answer::Wrong);
    };
    if !is_his(&passkey, purpose, &answer) {
        return Ok(Answer::Wrong);
    }
    match check(party.get()?, (answer, state), &passkey) {
        Ok(credential) => Ok(Answer::Right(Signed {
            passkey,
            credential,
        })),
        Err(error) => {
            let (error, passkey) = (format!("{error:#}"), passkey.id.as_str());
            tracing::warn!(passkey, error, "a passkey was refused");
            Ok(Answer::Wrong)
        }
    }
}

/// Whether a passkey is of whoever was asked, and the device says the same of whom it is. At sign-in it has to say so.
fn is_his(passkey: &Passkey, purpose: Purpose<'_>, answer: &PublicKeyCredential) -> bool {
    let handle = Uuid::try_parse(passkey.user.as_str());
    let handle = handle.as_ref().map(Uuid::as_bytes);
    let is_asked = purpose.user().is_none_or(|user| *user == passkey.user);
    is_asked
        && match answer.get_user_unique_id() {
            Some(said) => handle.is_ok_and(|handle| handle == said),
            None => purpose.user().is_some(),
        }
}

/// Checks a signature and the device's count. The answer is what is known of the passkey from now on.
fn check(
    party: &Webauthn,
    (answer, state): (PublicKeyCredential, DiscoverableAuthentication),
    passkey: &Passkey,
) -> anyhow::Result<String> {
    let mut key: Key = serde_json::from_str(&passkey.credential)?;
    let result = party.finish_discoverable_authentication_v2(&answer, state, &key)?;
    key.update_credential(&result)
        .context("the answer is of another passkey")?;
    Ok(serde_json::to_string(&key)?)
}
