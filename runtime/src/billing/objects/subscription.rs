//! Subscriptions, and what their schedules have for later.

use serde_json::Value;

use super::At;
use crate::clock::Timestamp;
use crate::error::Result;

/// A subscription to one plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscription {
    pub id: String,
    pub customer: String,
    pub status: String,
    /// The item of it that names the price.
    pub element: String,
    pub price: String,
    pub quantity: i64,
    pub period: (Timestamp, Timestamp),
    pub trial_end: Option<Timestamp>,
    pub cancels_at_end: bool,
    pub is_paused: bool,
    pub ended_at: Option<Timestamp>,
    pub started_at: Timestamp,
    pub latest_invoice: Option<String>,
    pub schedule: Option<String>,
    /// The price and the number that its schedule has for what comes after this period.
    pub next: Option<(String, i64)>,
}

impl Subscription {
    /// # Errors
    /// When it is no subscription, or one to nothing.
    pub fn read(value: &Value) -> Result<Self> {
        let at = At(value);
        let element = at.need("/items/data", at.list("/items/data").next())?;
        let moment = |name: &str| {
            let found = element.time(name).or_else(|| at.time(name));
            at.need(name, found)
        };
        Ok(Self {
            id: at.id()?,
            customer: at.need("/customer", at.link("/customer"))?,
            status: at.need("/status", at.text("/status"))?.to_owned(),
            element: element.id()?,
            price: at.need("/price", element.link("/price"))?,
            quantity: element.number("/quantity").unwrap_or(1),
            period: (
                moment("/current_period_start")?,
                moment("/current_period_end")?,
            ),
            trial_end: at.time("/trial_end"),
            // Newer versions say it with an instant instead of a flag.
            cancels_at_end: at.flag("/cancel_at_period_end") || at.time("/cancel_at").is_some(),
            is_paused: at.get("/pause_collection").is_some(),
            ended_at: at.time("/ended_at"),
            started_at: at.need("/created", at.time("/created"))?,
            latest_invoice: at.link("/latest_invoice"),
            schedule: at.link("/schedule"),
            next: at.get("/schedule").and_then(|schedule| next(At(schedule))),
        })
    }
}

/// What a schedule that was sent along has after the phase that it is in.
fn next(schedule: At<'_>) -> Option<(String, i64)> {
    let current = schedule.number("/current_phase/start_date")?;
    let mut later: Vec<_> = schedule
        .list("/phases")
        .filter_map(|phase| {
            let start = phase.number("/start_date")?;
            (start > current).then_some((start, phase))
        })
        .collect();
    later.sort_by_key(|(start, _)| *start);
    let (_, phase) = later.first()?;
    let element = phase.list("/items").next()?;
    Some((
        element.link("/price")?,
        element.number("/quantity").unwrap_or(1),
    ))
}
