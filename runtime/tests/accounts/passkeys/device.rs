//! A device that keeps passkeys, as browsers see one: it answers questions with ECDSA over P-256, without attestation.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The application's origin in tests.
pub const ORIGIN: &str = "http://app.test";

/// A device with one passkey, and the browser that speaks for it.
pub struct Device {
    key: EcdsaKeyPair,
    pub id: Vec<u8>,
    /// Whose passkey it is, as the site said when it was made.
    pub handle: Vec<u8>,
    /// What it counts; zero stays zero, as it does on devices that keep copies.
    pub count: AtomicU32,
    /// Whether it makes sure of its owner.
    pub verifies: bool,
    /// Where the browser is.
    pub origin: String,
    /// Of which site it believes to be.
    pub site: String,
}

impl Device {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self {
            key: EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap(),
            id: rand::random::<[u8; 16]>().to_vec(),
            handle: Vec::new(),
            count: 1.into(),
            verifies: true,
            origin: ORIGIN.into(),
            site: "app.test".into(),
        }
    }

    /// Makes the passkey that a site asks for.
    pub fn create(&mut self, question: &Value) -> String {
        let options = &question["publicKey"];
        assert_eq!(options["rp"]["id"], "app.test");
        assert_eq!(
            options["authenticatorSelection"]["userVerification"],
            "required"
        );
        assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
        self.handle = decode(&options["user"]["id"]);
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        let credential = [
            &[0; 16][..],
            &u16::try_from(self.id.len()).unwrap().to_be_bytes(),
            &self.id,
            // A map: EC2, ES256, P-256, x, y (RFC 9053, sections 2.1 and 7.1).
            b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20",
            x,
            b"\x22\x58\x20",
            y,
        ];
        let data = self.data(0x40, &credential.concat());
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let object = [
            &b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"[..],
            &length,
            &data,
        ];
        let client = self.client_data("webauthn.create", options);
        let response = json!({
            "attestationObject": URL_SAFE_NO_PAD.encode(object.concat()),
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
        });
        self.answer(response)
    }

    /// Signs what a site asks to be signed.
    pub fn sign(&self, question: &Value) -> String {
        let client = self.client_data("webauthn.get", &question["publicKey"]);
        let data = self.data(0, &[]);
        let signed = [&data[..], &Sha256::digest(&client)].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        let response = json!({
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "signature": URL_SAFE_NO_PAD.encode(signature),
            "userHandle": URL_SAFE_NO_PAD.encode(&self.handle),
        });
        self.answer(response)
    }

    fn answer(&self, response: Value) -> String {
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
    }

    /// Authenticator data (WebAuthn, section 6.1).
    fn data(&self, flags: u8, credential: &[u8]) -> Vec<u8> {
        let count = self.count.load(Ordering::Relaxed);
        let next = if count == 0 { 0 } else { count + 1 };
        self.count.store(next, Ordering::Relaxed);
        let flags = flags | 1 | if self.verifies { 4 } else { 0 };
        let site = Sha256::digest(self.site.as_bytes());
        [&site[..], &[flags], &count.to_be_bytes(), credential].concat()
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let data = json!({
            "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false,
        });
        data.to_string().into_bytes()
    }
}

fn decode(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
}
