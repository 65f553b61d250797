//! One request to the provider, answered whole and in time, or not at all.

use std::time::Duration;

use anyhow::Context as _;
use axum::body::Bytes;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;

use crate::transport;

/// From the first byte of the connection to the last of the answer.
const IN_TIME: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Sends `request`, whose address is absolute.
///
/// # Errors
/// When nothing whole comes back in time. Whether it was carried out is not known then.
pub async fn send(request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
    let exchange = async {
        let mut reply = transport::send(request, IN_TIME).await?;
        Ok(Answer {
            status: reply.status,
            headers: std::mem::take(&mut reply.headers),
            body: reply.whole().await?,
        })
    };
    tokio::time::timeout(IN_TIME, exchange)
        .await
        .context("no answer in time")?
}
