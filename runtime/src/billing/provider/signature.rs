//! Whether a webhook comes from the provider: `Stripe-Signature: t=SECONDS,v1=HEX[,v1=HEX…]`, where v1 is the
//! HMAC-SHA256 of `SECONDS.BODY` with the endpoint's secret (docs.stripe.com/webhooks, "Verify manually").

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::clock::Timestamp;

/// How far its time may lie from ours.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distrust {
    Malformed,
    Stale,
    Forged,
}

/// Checks `header` against the body with each of `secrets`: during a change of the secret there are two.
///
/// # Errors
/// When none of them made it, or not now.
pub fn check(
    header: &str,
    body: &[u8],
    secrets: &[String],
    now: Timestamp,
) -> Result<(), Distrust> {
    let mut at = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => at = Some(value.parse::<i64>().map_err(|_| Distrust::Malformed)?),
            Some(("v1", value)) => signatures.extend(unhex(value)),
            // Other schemes, such as the test mode's v0.
            _ => {}
        }
    }
    let secs = at.ok_or(Distrust::Malformed)?;
    if signatures.is_empty() {
        return Err(Distrust::Malformed);
    }
    let signed_by = |secret: &String| {
        signatures
            .iter()
            .any(|signature| mac(secret, secs, body).verify_slice(signature).is_ok())
    };
    // The signature first: whoever cannot sign learns nothing of our clock.
    if !secrets.iter().any(signed_by) {
        return Err(Distrust::Forged);
    }
    let at = Timestamp::from_micros(secs.saturating_mul(1_000_000));
    if now.since(at) > TOLERANCE || at.since(now) > TOLERANCE {
        return Err(Distrust::Stale);
    }
    Ok(())
}

/// The header for a body, as the provider makes it.
pub fn sign(secret: &str, body: &[u8], secs: i64) -> String {
    let made = mac(secret, secs, body).finalize().into_bytes();
    format!("t={secs},v1={}", crate::crypto::hex(&made))
}

fn mac(secret: &str, secs: i64, body: &[u8]) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(secs.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_micros(secs * 1_000_000)
    }

    fn secrets() -> Vec<String> {
        vec!["whsec_new".into(), "whsec_old".into()]
    }

    #[test]
    fn either_secret_is_believed_while_it_changes() {
        for secret in secrets() {
            let header = sign(&secret, BODY, 1000);
            assert_eq!(check(&header, BODY, &secrets(), at(1000)), Ok(()));
            let with_more = format!("{header},v0=00,v1={}", "0".repeat(64));
            assert_eq!(check(&with_more, BODY, &secrets(), at(1300)), Ok(()));
        }
    }

    /// The header that docs.stripe.com/webhooks shows ("Verify webhook signatures manually"); its secret is not told.
    #[test]
    fn the_published_header_is_understood() {
        let header = "t=1492774577,\
            v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd,\
            v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39";
        let outcome = check(header, BODY, &secrets(), at(1_492_774_577));
        assert_eq!(outcome, Err(Distrust::Forged));
    }

    /// The example by which Stripe's own library for .NET is tested (event_test_signature.json, EventUtilityTest), whose
    /// secret is `webhook_secret`.
    #[test]
    fn the_published_signature_is_believed() {
        let body = r#"{
  "id": "evt_123",
  "object": "event",
  "account": "acct_123",
  "api_version": "2017-05-25",
  "created": 1533204620,
  "data": {
    "object": {
      "id": "ii_123",
      "object": "invoiceitem",
      "amount": 1000,
      "currency": "usd",
      "customer": "cus_123",
      "date": 1533204620,
      "description": "Test Invoice Item",
      "discountable": false,
      "invoice": "in_123",
      "livemode": false,
      "metadata": {},
      "period": {
        "start": 1533204620,
        "end": 1533204620
      },
      "plan": null,
      "proration": false,
      "quantity": null,
      "subscription": null
    }
  },
  "livemode": false,
  "pending_webhooks": 1,
  "request": {
    "id": "req_123",
    "idempotency_key": "idempotency-key-123"
  },
  "type": "invoiceitem.created"
}
"#;
        let header = "t=1533204620,\
            v1=f0bdba6d4eacbd8ad8a3bbadd7248e633ec1477f7899c124c51b39405fa36613,\
            v0=63f3a72374a733066c4be69ed7f8e5ac85c22c9f0a6a612ab9a025a9e4ee7eef";
        let secrets = ["webhook_secret".to_owned()];
        let check = |body: &str, now| check(header, body.as_bytes(), &secrets, at(now));
        assert_eq!(check(body, 1_533_204_620), Ok(()));
        assert_eq!(check(body, 1_533_204_920), Ok(()));
        assert_eq!(check(body, 1_533_204_921), Err(Distrust::Stale));
        // One byte less, which no reader of JSON would miss.
        assert_eq!(check(body.trim_end(), 1_533_204_620), Err(Distrust::Forged));
    }

    /// RFC 4231, test case 2, says that this is HMAC-SHA256; docs.stripe.com/webhooks, what it is made of.
    #[test]
    fn the_signature_is_the_published_hmac_of_time_point_and_body() {
        use hmac::{Hmac, KeyInit as _, Mac as _};
        let rfc = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
        let made = rfc.chain_update(b"what do ya want for nothing?").finalize();
        assert_eq!(
            crate::crypto::hex(&made.into_bytes()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let whole = Hmac::<Sha256>::new_from_slice(b"whsec_new").unwrap();
        let whole = whole.chain_update(br#"1000.{"id":"evt_1"}"#).finalize();
        let expected = format!("t=1000,v1={}", crate::crypto::hex(&whole.into_bytes()));
        assert_eq!(sign("whsec_new", BODY, 1000), expected);
    }

    #[test]
    fn what_is_not_signed_for_this_body_and_this_time_is_not_believed() {
        let good = sign("whsec_new", BODY, 1000);
        let moved = good.replace("t=1000", "t=1001");
        let foreign = sign("whsec_other", BODY, 1000);
        for (header, body, now, why) in [
            (&*foreign, BODY, 1000, Distrust::Forged),
            (&*moved, BODY, 1001, Distrust::Forged),
            (&*good, b"{}".as_slice(), 1000, Distrust::Forged),
            (&*good, BODY, 1301, Distrust::Stale),
            (&*good, BODY, 699, Distrust::Stale),
            ("", BODY, 1000, Distrust::Malformed),
            ("t=1000", BODY, 1000, Distrust::Malformed),
            ("t=x,v1=00", BODY, 1000, Distrust::Malformed),
            ("t=1000,v1=zz", BODY, 1000, Distrust::Malformed),
        ] {
            assert_eq!(
                check(header, body, &secrets(), at(now)),
                Err(why),
                "{header}"
            );
        }
        assert_eq!(check(&good, BODY, &[], at(1000)), Err(Distrust::Forged));
    }
}
