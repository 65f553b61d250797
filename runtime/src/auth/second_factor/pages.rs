//! What the pages of the second factor are rendered with.

use serde::Serialize;

use super::{Offer, owing, qr, status, totp};
use crate::error::{FieldErrors, Result};
use crate::http::{Principal, Visit, VisitCookie};
use crate::module::{Panel, PanelPlace};
use crate::pages::{Page, Sample};

pub(in crate::auth) fn samples() -> Vec<Sample> {
    vec![
        Sample::of::<SetUpPage>(),
        Sample::of::<CodesPage>(),
        Sample::of::<CodePage>(),
    ]
}

/// Shows the secret to an authenticator app and asks for a code in return.
#[derive(Debug, Serialize)]
pub(super) struct SetUpPage {
    /// An SVG element.
    picture: String,
    /// For apps without a camera, in groups of four.
    secret: String,
    /// The address that apps understand.
    app_link: String,
    sealed: String,
    pub errors: FieldErrors,
}

impl SetUpPage {
    pub fn new(visit: &Visit, principal: &Principal, offer: &Offer) -> Result<Self> {
        let site = visit.core().name();
        let secret = totp::base32(&offer.secret);
        let query = [
            ("secret", &*secret),
            ("issuer", site),
            ("algorithm", "SHA1"),
            ("digits", "6"),
            ("period", "30"),
        ];
        // Apps read %20 where forms write +.
        let encode = |pairs: &[(&str, &str)]| {
            let text = serde_urlencoded::to_string(pairs).unwrap_or_default();
            text.replace('+', "%20")
        };
        let label = encode(&[("", &format!("{site}:{}", principal.email))]);
        let link = format!("otpauth://totp/{}?{}", &label[1..], encode(&query));
        let groups: Vec<_> = secret
            .as_bytes()
            .chunks(4)
            .map(String::from_utf8_lossy)
            .collect();
        Ok(Self {
            picture: qr::svg(&link)?,
            secret: groups.join(" "),
            app_link: link,
            sealed: offer.sealed.clone(),
            errors: FieldErrors::default(),
        })
    }
}

impl Page for SetUpPage {
    const TEMPLATE: &'static str = "auth/second_factor.html";

    fn sample() -> Self {
        Self {
            picture: qr::svg("otpauth://totp/sample").unwrap_or_default(),
            secret: "MZXW 6YTB".into(),
            app_link: "otpauth://totp/My%20Shop:ada%40example.com?secret=MZXW6YTB".into(),
            sealed: "sealed".into(),
            errors: FieldErrors::one("code", "This is not the code that the app shows now."),
        }
    }
}

/// Shows recovery codes, for the only time.
#[derive(Debug, Serialize)]
pub(super) struct CodesPage {
    pub codes: Vec<String>,
}

impl Page for CodesPage {
    const TEMPLATE: &'static str = "auth/recovery_codes.html";

    fn sample() -> Self {
        Self {
            codes: vec!["abcd-efgh-ijkl-mnop".into(); 10],
        }
    }
}

/// Asks for a code after the right password.
#[derive(Debug, Serialize)]
pub(super) struct CodePage {
    /// Where to go afterwards.
    pub next: String,
    /// Whether an app gives him codes; else he has recovery codes alone.
    pub has_app: bool,
    /// What modules take in the code's place.
    pub ways: Vec<Panel>,
    pub errors: FieldErrors,
}

impl CodePage {
    pub async fn new(visit: &Visit, next: String, errors: FieldErrors) -> Result<Self> {
        let place = PanelPlace::SecondFactor { next: next.clone() };
        let owing = match visit.cookie(VisitCookie::Challenge) {
            Some(token) => owing(visit.core(), &token).await?,
            None => None,
        };
        let has_app = match owing {
            Some(user) => status(visit.core(), &user).await?.is_on,
            None => true,
        };
        Ok(Self {
            has_app,
            ways: visit.core().panels(visit, &place).await?,
            next,
            errors,
        })
    }
}

impl Page for CodePage {
    const TEMPLATE: &'static str = "auth/code.html";

    fn sample() -> Self {
        Self {
            next: "/services?a=1&b=2".into(),
            has_app: true,
            ways: Vec::new(),
            errors: FieldErrors::one("code", "This code is not right, or was used before."),
        }
    }
}
