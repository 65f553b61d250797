//! What the mails of this domain are written with.

use serde::Serialize;

use super::entity::{Customer, Payment};
use crate::app::Core;
use crate::db::Tx;
use crate::error::Result;
use crate::mail::{Mail, MailSample, MailTemplate, MailTopic};

pub(super) fn samples() -> Vec<MailSample> {
    vec![
        MailSample::of::<PaymentFailedMail>(),
        MailSample::of::<PurchaseFailedMail>(),
    ]
}

/// What people may do without; the page about their payments says the same.
pub(super) const PAYMENTS: MailTopic = MailTopic {
    name: "billing.payments",
    label: "A payment did not come",
    mails: &[PaymentFailedMail::NAME, PurchaseFailedMail::NAME],
};

/// Tells that a renewal could not be paid.
#[derive(Debug, Serialize)]
struct PaymentFailedMail {
    description: String,
    amount: String,
}

impl MailTemplate for PaymentFailedMail {
    const NAME: &'static str = "billing/payment_failed";

    fn sample() -> Self {
        Self {
            description: "starter: renewal".into(),
            amount: "9.00 EUR".into(),
        }
    }
}

/// Tells that the money for a purchase did not come.
#[derive(Debug, Serialize)]
struct PurchaseFailedMail {
    description: String,
    amount: String,
}

impl MailTemplate for PurchaseFailedMail {
    const NAME: &'static str = "billing/purchase_failed";

    fn sample() -> Self {
        Self {
            description: "small: 200 credits".into(),
            amount: "5.00 EUR".into(),
        }
    }
}

/// Tells a customer that what he ordered was not paid after all.
pub async fn purchase_failed(
    core: &Core,
    tx: &mut Tx,
    customer: &Customer,
    payment: &Payment,
) -> Result<()> {
    let mail = PurchaseFailedMail {
        description: payment.description.clone(),
        amount: payment.money.to_string(),
    };
    core.send_mail(tx, Mail::to(&customer.email, &mail)).await
}

/// Tells a customer that a payment failed.
pub async fn payment_failed(
    core: &Core,
    tx: &mut Tx,
    customer: &Customer,
    payment: &Payment,
) -> Result<()> {
    let mail = PaymentFailedMail {
        description: payment.description.clone(),
        amount: payment.money.to_string(),
    };
    core.send_mail(tx, Mail::to(&customer.email, &mail)).await
}
