//! An app that makes codes for the second factor.

use axum::http::StatusCode;
use hmac::{Hmac, KeyInit as _, Mac as _};
use quickscale_runtime::testing::{Answer, Client, TestApp};

/// Where one is set up.
pub const SET_UP: &str = "/accounts/security/second-factor";

/// An authenticator app, with the secret that it was given.
pub struct Phone(pub Vec<u8>);

impl Phone {
    /// Takes the secret as a page spells it.
    pub fn of(spelled: &str) -> Self {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let value = |letter: char| alphabet.find(letter).expect("it is base 32") as u128;
        let eight = |letters: &[char]| {
            let bits = letters
                .iter()
                .fold(0, |bits, letter| bits << 5 | value(*letter));
            bits.to_be_bytes()[11..].to_vec()
        };
        let letters: Vec<char> = spelled.chars().filter(|letter| *letter != ' ').collect();
        Self(letters.chunks(8).flat_map(eight).collect())
    }

    /// Takes the secret from the page that offers it.
    pub fn scan(page: &Answer) -> Self {
        let text = &page.text;
        assert!(text.contains("<svg class=\"qr-code\""), "{text}");
        let (_, rest) = text.split_once("<code>").expect("the page spells it");
        let spelled = rest.split('<').next().unwrap_or_default().replace(' ', "");
        assert!(
            text.contains(&format!("secret={spelled}&amp;issuer=My%20Test%20Shop")),
            "{text}"
        );
        Self::of(&spelled)
    }

    pub fn code(&self, app: &TestApp) -> String {
        let step = (app.core.now().as_micros() / 30_000_000).to_be_bytes();
        let mac = Hmac::<sha1::Sha1>::new_from_slice(&self.0);
        let mut mac = mac.expect("keys of every length are taken");
        mac.update(&step);
        let digest = mac.finalize().into_bytes();
        let at = usize::from(digest[19] & 15);
        let number = digest[at..at + 4].iter();
        let number = number.fold(0, |number, byte| number << 8 | u32::from(*byte));
        format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
    }
}

/// Turns the second factor on; the page with its recovery codes is the answer.
pub async fn turn_on(app: &TestApp, client: &mut Client) -> (Phone, Answer) {
    let page = client.get(SET_UP).await;
    let phone = Phone::scan(&page);
    let sealed = page.input("sealed").expect("the form has it");
    let fields = [("sealed", sealed), ("code", &phone.code(app))];
    let done = client.post(SET_UP, &fields).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    (phone, done)
}
