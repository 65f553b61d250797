//! Webhooks: how an event is signed, and how events reach an endpoint, in order or not.

use std::collections::VecDeque;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::StandIn;
use super::shop::text;

/// How long it waits for something to happen, and after a delivery that failed.
const PAUSE: Duration = Duration::from_millis(50);
/// How often one event is sent to an endpoint that does not take it.
const ATTEMPTS: u32 = 600;

/// What happens to events on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mischief {
    /// They come as things happened, once.
    None,
    /// What happened together comes in reverse, each event twice and a third time under another name.
    Confused,
}

/// The header of a webhook: `t=SECONDS,v1=HEX`, where v1 is the HMAC-SHA256 of `SECONDS.BODY`.
///
/// # Panics
/// Never: HMAC takes keys of any length.
#[must_use]
pub fn sign(secret: &str, body: impl AsRef<[u8]>, secs: i64) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mut mac = mac.expect("HMAC takes keys of any length");
    mac.update(format!("{secs}.").as_bytes());
    mac.update(body.as_ref());
    let made = mac.finalize().into_bytes();
    let hex: String = made.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={secs},v1={hex}")
}

pub async fn deliver(stand_in: StandIn, endpoint: &str, secret: &str, mischief: Mischief) {
    loop {
        let mut events = stand_in.events();
        if events.is_empty() {
            sleep(PAUSE).await;
            continue;
        }
        if mischief == Mischief::Confused {
            events = confuse(events);
        }
        for event in events {
            let body = event.to_string();
            for _ in 0..ATTEMPTS {
                let signature = sign(secret, &body, stand_in.shop().now());
                if send(endpoint, &signature, &body)
                    .await
                    .is_ok_and(|status| status / 100 == 2)
                {
                    break;
                }
                sleep(PAUSE).await;
            }
        }
    }
}

fn confuse(events: Vec<Value>) -> Vec<Value> {
    let mut confused = VecDeque::new();
    for event in events {
        let mut twin = event.clone();
        twin["id"] = format!("{}_again", text(&event, "id")).into();
        for copy in [event.clone(), event, twin] {
            confused.push_front(copy);
        }
    }
    confused.into()
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

async fn send(endpoint: &str, signature: &str, body: &str) -> Result<u16, Fault> {
    let address: Uri = endpoint.parse()?;
    let host = address
        .authority()
        .ok_or("the endpoint has no host")?
        .as_str();
    let stream = TcpStream::connect(host).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::post(address.path())
        .header("host", host)
        .header("content-type", "application/json; charset=utf-8")
        .header("stripe-signature", signature)
        .body(Full::new(Bytes::from(body.to_owned())))?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    response.into_body().collect().await?;
    connection.abort();
    Ok(status)
}
