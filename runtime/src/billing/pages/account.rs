//! One's own money: subscription, orders, payments.

use serde::Serialize;

use super::{SAMPLE_TIME, payment_kinds, payment_states, plan_in_words, status_label};
use crate::billing::actions::Own;
use crate::billing::catalogue::Catalogue;
use crate::billing::entity::{Order, OrderState, Payment, PaymentState, Price};
use crate::billing::receipt::Receipt;
use crate::billing::rules::Standing;
use crate::clock::Timestamp;
use crate::pages::{Choice, Page};
use crate::times::TimeWriter;

/// A subscription as its owner sees it.
#[derive(Debug, Serialize)]
pub struct SubscriptionView {
    /// The plan's name, or what the provider calls its price.
    pub plan: String,
    /// What begins with the next period: `Starter, 2 seats`.
    pub next: Option<String>,
    pub quantity: i64,
    /// `9.00 EUR a month`; none when the price is not known any more.
    pub price: Option<String>,
    /// `500 credits`
    pub credits: Option<String>,
    /// In words: `Active`, `Trial`, …
    pub state: &'static str,
    pub is_trial: bool,
    pub is_usable: bool,
    pub is_over: bool,
    pub cancels_at_end: bool,
    pub is_paused: bool,
    pub is_failing: bool,
    pub period_end: Timestamp,
}

/// `29.00 EUR a month`
pub fn price_in_words(price: &Price) -> String {
    match &price.period {
        Some(period) => format!("{} a {period}", price.money),
        None => price.money.to_string(),
    }
}

impl SubscriptionView {
    pub fn of(own: Own, catalogue: &Catalogue) -> Self {
        let Own {
            row,
            price,
            next,
            standing,
        } = own;
        let plan = price.as_ref().map(|price| catalogue.name_of(&price.item));
        let each = |price: &Price| match row.quantity {
            1 => price.credits.in_words(),
            _ => format!("{} each", price.credits.in_words()),
        };
        Self {
            plan: plan.unwrap_or_else(|| row.price.clone()),
            next: next.map(|(price, seats)| plan_in_words(&catalogue.name_of(&price.item), seats)),
            quantity: row.quantity,
            price: price.as_ref().map(price_in_words),
            credits: price.as_ref().map(each),
            state: status_label(&row),
            is_trial: row.status == "trialing",
            is_usable: standing == Standing::Usable,
            is_over: standing == Standing::Over,
            cancels_at_end: row.cancels_at_end,
            is_paused: row.is_paused,
            is_failing: row.status == "past_due",
            period_end: row.period.1,
        }
    }

    pub fn sample() -> Self {
        Self {
            plan: "Starter".into(),
            next: Some("Team, 3 seats".into()),
            quantity: 2,
            price: Some("9.00 EUR a month".into()),
            credits: Some("500 credits each".into()),
            state: "Active",
            is_trial: true,
            is_usable: true,
            is_over: false,
            cancels_at_end: true,
            is_paused: false,
            is_failing: true,
            period_end: SAMPLE_TIME,
        }
    }
}

/// A payment, as a row.
#[derive(Debug, Serialize)]
pub struct PaymentRow {
    pub id: String,
    pub description: String,
    pub amount: String,
    pub state: PaymentState,
    pub state_label: &'static str,
    pub at: Timestamp,
}

impl From<Payment> for PaymentRow {
    fn from(payment: Payment) -> Self {
        Self {
            id: payment.id.to_string(),
            description: payment.description,
            amount: payment.money.to_string(),
            state: payment.state,
            state_label: payment.state.label(),
            at: payment.paid_at.unwrap_or(payment.created_at),
        }
    }
}

impl PaymentRow {
    pub fn sample() -> Self {
        Self {
            id: "019a0000-0000-7000-8000-000000000000".into(),
            description: "starter: <renewal>".into(),
            amount: "9.00 EUR".into(),
            state: PaymentState::Paid,
            state_label: PaymentState::Paid.label(),
            at: SAMPLE_TIME,
        }
    }
}

/// One's own money at a glance.
#[derive(Debug, Serialize)]
pub struct OverviewPage {
    /// Whether anything can be bought here.
    pub takes_money: bool,
    pub is_sandbox: bool,
    pub is_customer: bool,
    pub subscription: Option<SubscriptionView>,
    pub payments: Vec<PaymentRow>,
    /// For the forms on the page.
    pub key: String,
}

impl Page for OverviewPage {
    const TEMPLATE: &'static str = "billing/overview.html";

    fn sample() -> Self {
        Self {
            takes_money: true,
            is_sandbox: true,
            is_customer: true,
            subscription: Some(SubscriptionView::sample()),
            payments: vec![PaymentRow::sample()],
            key: "a-key".into(),
        }
    }
}

/// Where the provider sends somebody back to. It only reads.
#[derive(Debug, Serialize)]
pub struct OrderPage {
    pub id: String,
    pub item: String,
    pub amount: String,
    pub credits: String,
    pub is_plan: bool,
    pub state: OrderState,
    pub state_label: &'static str,
    /// Whether the provider sent its buyer back with the payment done, as far as it told the browser.
    pub is_done: bool,
    /// Where it can still be paid.
    pub url: Option<String>,
}

impl OrderPage {
    pub fn of(order: Order, name: String, is_done: bool) -> Self {
        Self {
            id: order.id.to_string(),
            item: name,
            is_done,
            amount: order.money.to_string(),
            credits: order.credits.in_words(),
            is_plan: order.is_plan,
            state: order.state,
            state_label: order.state.label(),
            url: order.url.filter(|_| order.state == OrderState::Open),
        }
    }
}

impl Page for OrderPage {
    const TEMPLATE: &'static str = "billing/order.html";

    fn sample() -> Self {
        Self {
            id: "019a0000-0000-7000-8000-000000000000".into(),
            item: "Small <pack>".into(),
            amount: "5.00 EUR".into(),
            credits: "100 credits".into(),
            is_plan: false,
            state: OrderState::Open,
            state_label: OrderState::Open.label(),
            is_done: false,
            url: Some("https://pay.example/c/1".into()),
        }
    }
}

/// How one's own payments are narrowed down, as it was typed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HistoryForm {
    pub kind: String,
    pub state: String,
    pub from: String,
    pub until: String,
}

/// One's own payments.
#[derive(Debug, Serialize)]
pub struct PaymentsPage {
    pub form: HistoryForm,
    pub kinds: Vec<Choice>,
    pub states: Vec<Choice>,
    pub payments: Vec<PaymentRow>,
    /// The address of the next page.
    pub next: Option<String>,
    pub is_continued: bool,
}

impl Page for PaymentsPage {
    const TEMPLATE: &'static str = "billing/payments.html";

    fn sample() -> Self {
        Self {
            form: HistoryForm::default(),
            kinds: payment_kinds(),
            states: payment_states(),
            payments: vec![PaymentRow::sample()],
            next: Some("/billing/payments?before=019a0000-0000-7000-8000-000000000000".into()),
            is_continued: true,
        }
    }
}

/// One payment with what it is needed for in books: a receipt.
#[derive(Debug, Serialize)]
pub struct PaymentPage {
    pub payment: PaymentRow,
    /// The name and the address of whoever paid.
    pub to: String,
    pub kind: &'static str,
    pub number: String,
    pub refunded: Option<String>,
    pub disputed: Option<String>,
    pub is_paid: bool,
}

impl PaymentPage {
    pub fn of(payment: Payment, to: String) -> Self {
        let some = |minor: i64| {
            let money = crate::billing::Money::new(minor, payment.currency());
            (minor > 0).then(|| money.to_string())
        };
        Self {
            to,
            kind: payment.kind.label(),
            number: if payment.number.is_empty() {
                payment.id.to_string()
            } else {
                payment.number.clone()
            },
            refunded: some(payment.refunded),
            disputed: some(payment.disputed),
            is_paid: payment.paid_at.is_some(),
            payment: payment.into(),
        }
    }
}

impl PaymentPage {
    /// The same for a file, whose instants `times` writes. `seller` is a name and an address.
    pub fn receipt(&self, (seller, address): (&str, &str), times: &TimeWriter) -> Receipt {
        let row = |label: &str, value: &str| (label.to_owned(), value.to_owned());
        let mut rows = vec![
            row("From", &format!("{seller} ({address})")),
            row("To", &self.to),
            row("Number", &self.number),
            row("What", &self.payment.description),
            row("When", &times.human(self.payment.at)),
            row("Amount", &self.payment.amount),
        ];
        for (label, amount) in [("Refunded", &self.refunded), ("Disputed", &self.disputed)] {
            rows.extend(amount.as_ref().map(|amount| row(label, amount)));
        }
        rows.push(row("State", self.payment.state_label));
        Receipt {
            title: "Receipt".into(),
            rows,
        }
    }
}

impl Page for PaymentPage {
    const TEMPLATE: &'static str = "billing/payment.html";

    fn sample() -> Self {
        Self {
            payment: PaymentRow::sample(),
            to: "Ada (ada@example.com)".into(),
            kind: "Subscription",
            number: "A-0001".into(),
            refunded: Some("4.50 EUR".into()),
            disputed: Some("4.50 EUR".into()),
            is_paid: true,
        }
    }
}
