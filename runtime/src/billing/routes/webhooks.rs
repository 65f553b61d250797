//! The door that the provider knocks at. What is stored is answered 2xx; what is not believed leaves nothing behind.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::app::Core;
use crate::billing::inbox;
use crate::billing::objects::Event;
use crate::billing::provider::signature;
use crate::billing::setup::Billing;
use crate::error::{Error, Result};
use crate::in_transaction;

fn refused() -> Error {
    Error::new(
        StatusCode::BAD_REQUEST,
        "not_believed",
        "This is no message of the payment provider.",
    )
}

pub(super) async fn receive(
    State(core): State<Core>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    let billing = core.state::<Billing>()?;
    let signature = headers
        .get("stripe-signature")
        .and_then(|value| value.to_str().ok());
    let signature = signature.ok_or_else(refused)?;
    signature::check(signature, &body, &billing.webhook_secrets, core.now()).map_err(|why| {
        tracing::warn!(?why, "a webhook was not believed");
        refused()
    })?;
    let value: Value = serde_json::from_slice(&body).map_err(|_| refused())?;
    Event::read(&value).map_err(|_| refused())?;
    in_transaction!(core.db(), tx => inbox::receive(&core, tx, "stripe", &value).await)?;
    Ok(StatusCode::OK)
}
