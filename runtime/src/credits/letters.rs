//! What the mails of this domain are written with.

use serde::Serialize;

use super::amount::Credits;
use crate::mail::{MailSample, MailTemplate, MailTopic};

pub(super) fn samples() -> Vec<MailSample> {
    vec![MailSample::of::<LowBalanceMail>()]
}

/// What people may do without.
pub(super) const LOW_BALANCE: MailTopic = MailTopic {
    name: "credits.low_balance",
    label: "My credits run low, or are used up",
    mails: &[LowBalanceMail::NAME],
};

/// Warns whoever runs out of credits.
#[derive(Debug, Serialize)]
pub(super) struct LowBalanceMail {
    /// `20 credits`.
    pub left: String,
    pub is_empty: bool,
}

impl LowBalanceMail {
    pub fn new(left: Credits) -> Self {
        Self {
            left: left.in_words(),
            is_empty: left.is_zero(),
        }
    }
}

impl MailTemplate for LowBalanceMail {
    const NAME: &'static str = "credits/low_balance";

    fn sample() -> Self {
        Self::new(Credits::whole(20))
    }
}
