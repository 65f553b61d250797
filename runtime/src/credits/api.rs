//! What programs see of credits.

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::actions::{self, Cursor};
use super::amount::Change;
use super::entity::{Entry, EntryKind, Owner};
use crate::error::Result;
use crate::http::{
    About, Answer, Call, Endpoint, Member, MemberValue, Parameter, Place, Refusal, Scope,
};

static READ: Scope = Scope {
    name: "credits:read",
    summary: "see your balance and what became of your credits",
};

/// 402: what is asked for costs more than there is.
pub static INSUFFICIENT: Refusal = Refusal {
    status: StatusCode::PAYMENT_REQUIRED,
    code: "insufficient_credits",
    detail: "This needs 10 credits, and 0.5 are available.",
    members: &[
        Member {
            name: "required",
            description: "How many credits it needs.",
            is_required: true,
            value: MemberValue::Text("10"),
        },
        Member {
            name: "available",
            description: "How many credits there are.",
            is_required: true,
            value: MemberValue::Text("0.5"),
        },
    ],
};

const GROUP: &str = "Credits";
const MOST: usize = 100;
const USUAL: usize = 50;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let about = |id, summary, description| About {
        id,
        group: GROUP,
        summary,
        description,
        scope: &READ,
    };
    let balance_about = about(
        "get_credit_balance",
        "Balance",
        "What can be spent now, and what is set aside for work under way.",
    );
    let entries_about = about(
        "list_credit_entries",
        "History",
        "What became of the account's credits, the newest entry first, in pages.",
    );
    vec![
        Endpoint::get("/api/v1/credits/balance", balance_about, balance),
        Endpoint::get("/api/v1/credits/entries", entries_about, entries)
            .parameter(Parameter {
                name: "cursor",
                place: Place::Query,
                description: "Where the page begins: the `next_cursor` of the page before.",
                schema: json!({ "type": "string", "pattern": "^[1-9][0-9]{0,17}$" }),
                example: json!("4711"),
            })
            .parameter(Parameter {
                name: "limit",
                place: Place::Query,
                description: "How many entries a page has at most.",
                schema: json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL }),
                example: json!(USUAL),
            }),
    ]
}

/// What an account has. Amounts are decimal texts, exact to a thousandth.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CreditBalance", extend("additionalProperties" = false))]
struct BalanceView {
    /// What can be spent now.
    #[schemars(regex(pattern = r"^\d+(\.\d{1,3})?$"))]
    available: String,
    /// What is set aside for work under way.
    #[schemars(regex(pattern = r"^\d+(\.\d{1,3})?$"))]
    held: String,
    /// What was taken back after it had been spent; whatever is put in pays it first.
    #[schemars(regex(pattern = r"^\d+(\.\d{1,3})?$"))]
    debt: String,
}

impl Answer for BalanceView {
    fn example() -> Self {
        Self {
            available: "99.5".into(),
            held: "0".into(),
            debt: "0".into(),
        }
    }
}

/// A page of the history.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CreditEntryPage", extend("additionalProperties" = false))]
struct EntriesView {
    data: Vec<EntryView>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

/// One change of the balance.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CreditEntry", extend("additionalProperties" = false))]
struct EntryView {
    /// 1, 2, 3, … within the account.
    number: i64,
    kind: EntryKind,
    /// How much more there is; below zero for less.
    #[schemars(regex(pattern = r"^-?\d+(\.\d{1,3})?$"))]
    amount: String,
    /// What the account came to after it: held credits included, what is owed taken off.
    #[schemars(regex(pattern = r"^-?\d+(\.\d{1,3})?$"))]
    balance_after: String,
    /// Why, for people.
    reason: String,
    /// What it was for: `run:` and the identifier of a run; null where it was for nothing in particular.
    reference: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
}

impl Answer for EntriesView {
    fn example() -> Self {
        Self {
            data: vec![EntryView {
                number: 4711,
                kind: EntryKind::Spend,
                amount: "-1".into(),
                balance_after: "99.5".into(),
                reason: "Sentiment of a text".into(),
                reference: Some("run:019ab3f0-5c1e-7c3a-9a51-2f4b8c6d7e80".into()),
                created_at: "2026-11-21T09:05:00Z".into(),
            }],
            next_cursor: Some("4711".into()),
        }
    }
}

impl EntryView {
    fn new(entry: Entry) -> Self {
        Self {
            number: entry.seq,
            kind: entry.kind,
            amount: match entry.change {
                Change::Up(amount) => amount.to_string(),
                Change::Down(amount) => format!("-{amount}"),
            },
            balance_after: entry.balance_after.to_string(),
            reason: entry.reason,
            reference: entry.reference,
            created_at: entry.created_at.rfc3339(),
        }
    }
}

async fn balance(call: Call) -> Result<BalanceView> {
    let owner = Owner::User(call.caller.id.clone());
    let balance = actions::balance(call.core(), &owner).await?;
    Ok(BalanceView {
        available: balance.available.to_string(),
        held: balance.held.to_string(),
        debt: balance.debt.to_string(),
    })
}

async fn entries(call: Call) -> Result<EntriesView> {
    let from = call.parsed("cursor", "the `next_cursor` of a page", Cursor::parse)?;
    let limit = call.parsed("limit", "a whole number from 1 to 100", |text| {
        let number = text.parse().ok()?;
        (1..=MOST).contains(&number).then_some(number)
    })?;
    let owner = Owner::User(call.caller.id.clone());
    let (from, limit) = (from.unwrap_or(Cursor::START), limit.unwrap_or(USUAL));
    let page = actions::history(call.core(), &owner, from, limit).await?;
    Ok(EntriesView {
        data: page.entries.into_iter().map(EntryView::new).collect(),
        next_cursor: page.next.map(|cursor| cursor.to_string()),
    })
}
