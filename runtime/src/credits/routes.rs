//! The pages of credits: one's own, and the staff's of somebody else.

use std::time::Duration;

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::actions::{self, Adjustment, Cursor, HistoryFilter};
use super::amount::Change;
use super::chart::UseChart;
use super::entity::{EntryKind, Owner};
use super::pages::{
    AdjustForm, CreditsPage, FilterForm, JournalPage, KindRow, LotRow, StaffPage, entry_kinds,
    entry_rows,
};
use super::{Settings, export, rules};
use crate::auth::actions::find_user;
use crate::auth::{User, audit};
use crate::crypto::random_token;
use crate::error::{Error, FieldErrors, Result};
use crate::http::{
    Access, Form, Level, Permission, Principal, Routes, Staff, Visit, may, permitted,
};
use crate::ids::UserId;
use crate::listing::{days, narrowed};

const ENTRIES_PER_PAGE: usize = 25;
const LOTS_SHOWN: usize = 100;

pub(super) fn routes() -> Routes {
    let staff = "/admin/users/{id}/credits";
    Routes::new()
        .get("/credits", Access::SignedIn, balance)
        .get("/credits/history", Access::SignedIn, history)
        .get("/credits/history.csv", Access::SignedIn, history_csv)
        .get(staff, permitted(), staff_page)
        .post(staff, permitted().fresh(), adjust)
}

/// Where the staff sees the credits of `user`.
pub(super) fn staff_path(user: &UserId) -> String {
    format!("/admin/users/{user}/credits")
}

/// An empty form, for whoever may correct the balance of `user`. One's own nobody may.
pub(super) fn adjust_form(visit: &Visit, user: &UserId) -> Option<AdjustForm> {
    let is_own = visit.principal().is_some_and(|own| own.id == *user);
    (!is_own && visit.may(Permission::AdjustCredits)).then(|| AdjustForm {
        action: staff_path(user),
        key: random_token(),
        ..AdjustForm::default()
    })
}

/// How many days of use are drawn.
const DAYS: u32 = 30;

async fn balance(visit: Visit, principal: Principal) -> Result<Response> {
    let core = visit.core();
    let owner = Owner::User(principal.id);
    let mut holdings = actions::holdings(core, &owner).await?;
    let percent = core.state::<Settings>()?.low_balance_percent;
    let level = rules::level(holdings.balance.available, holdings.full, percent);
    let kinds = KindRow::all(&holdings.lots);
    holdings.lots.truncate(LOTS_SHOWN);
    let days = actions::use_by_day(core, &owner, DAYS).await?;
    visit.render(&CreditsPage {
        balance: holdings.balance.into(),
        warning: rules::warning(level),
        kinds,
        lots: holdings.lots.into_iter().map(LotRow::from).collect(),
        use_chart: UseChart::of(&days),
    })
}

/// Which entries of a journal are asked for. A field that is empty narrows nothing down.
#[derive(Default, Deserialize)]
struct Filtering {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    from: String,
    /// The last day, included.
    #[serde(default)]
    until: String,
}

impl Filtering {
    /// # Errors
    /// 404 for what no form of ours sends.
    fn filter(&self) -> Result<HistoryFilter> {
        let (from, until) = days(&self.from, &self.until)?;
        Ok(HistoryFilter {
            kind: narrowed(&self.kind, EntryKind::parse)?,
            from,
            until,
        })
    }

    fn query(&self) -> Result<String> {
        let fields = [
            ("kind", &self.kind),
            ("from", &self.from),
            ("until", &self.until),
        ];
        serde_urlencoded::to_string(fields).map_err(Error::internal)
    }
}

async fn history_csv(
    visit: Visit,
    principal: Principal,
    Query(filtering): Query<Filtering>,
) -> Result<Response> {
    let filter = filtering.filter()?;
    let owner = Owner::User(principal.id);
    Ok(export::csv(visit.core().clone(), owner, filter))
}

/// Which page of a journal is asked for.
#[derive(Deserialize)]
struct Paging {
    before: Option<String>,
}

impl Paging {
    fn cursor(&self) -> Result<Cursor> {
        let cursor = self.before.as_deref().map(Cursor::parse);
        cursor.map_or(Ok(Cursor::START), |cursor| {
            cursor.ok_or_else(Error::not_found)
        })
    }
}

async fn history(
    visit: Visit,
    principal: Principal,
    Query(paging): Query<Paging>,
    Query(filtering): Query<Filtering>,
) -> Result<Response> {
    let owner = Owner::User(principal.id);
    let from = (paging.cursor()?, ENTRIES_PER_PAGE);
    let page = actions::search(visit.core(), &owner, filtering.filter()?, from).await?;
    visit.render(&JournalPage {
        query: filtering.query()?,
        filter: FilterForm {
            kind: filtering.kind,
            from: filtering.from,
            until: filtering.until,
            kinds: entry_kinds(),
        },
        next: page.next,
        entries: entry_rows(page.entries),
        is_continued: paging.before.is_some(),
    })
}

async fn staff_page(
    visit: Staff<may::ViewUsers>,
    Path(id): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Response> {
    let user = find_user(visit.core(), &id.parse()?).await?;
    let form = adjust_form(&visit, &user.id);
    let page = make_staff_page(&visit, &user, form, paging).await?;
    visit.render(&page)
}

async fn make_staff_page(
    visit: &Visit,
    user: &User,
    form: Option<AdjustForm>,
    paging: Paging,
) -> Result<StaffPage> {
    let owner = Owner::User(user.id.clone());
    let balance = actions::balance(visit.core(), &owner).await?;
    let page = actions::history(visit.core(), &owner, paging.cursor()?, ENTRIES_PER_PAGE).await?;
    Ok(StaffPage {
        email: user.email.clone(),
        user_path: format!("/admin/users/{}", user.id),
        balance: balance.into(),
        form,
        next: page.next,
        entries: entry_rows(page.entries),
        path: staff_path(&user.id),
        is_continued: paging.before.is_some(),
    })
}

/// The staff's form, as it was sent.
#[derive(Deserialize)]
struct AdjustFields {
    #[serde(default)]
    amount: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    days: String,
    key: String,
}

async fn adjust(
    visit: Staff<may::AdjustCredits>,
    Path(id): Path<String>,
    Form(fields): Form<AdjustFields>,
) -> Result<Response> {
    let core = visit.core();
    let user = find_user(core, &id.parse()?).await?;
    if visit.require_principal()?.id == user.id {
        let (actor, target) = (audit::Actor::of(&visit)?, ("user", user.id.as_str()));
        audit::record_refusal(core, &actor, "credits.adjusted", target).await?;
        return Err(rules::own_account());
    }
    let errors = match check(&fields) {
        Err(errors) => errors,
        Ok((change, days, reason)) => {
            let adjustment = Adjustment {
                change,
                lasts: days,
                reason,
                by: audit::Actor::of(&visit)?,
                key: rules::form_key("adjust", &fields.key)?,
            };
            let owner = Owner::User(user.id.clone());
            match actions::adjust(core, &owner, &adjustment).await {
                Ok(_) => {
                    let done = describe(change, &user.email);
                    return Ok(visit.redirect_with(&staff_path(&user.id), Level::Success, done));
                }
                Err(failure) => rules::as_field_error(failure)?,
            }
        }
    };
    let form = AdjustForm {
        action: staff_path(&user.id),
        key: fields.key,
        amount: fields.amount,
        reason: fields.reason,
        days: fields.days,
        errors,
    };
    let page = make_staff_page(&visit, &user, Some(form), Paging { before: None }).await?;
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

fn check(fields: &AdjustFields) -> Result<(Change, Option<Duration>, String), FieldErrors> {
    let mut errors = FieldErrors::default();
    let change = rules::adjustment(&fields.amount);
    let days = rules::days(&fields.days);
    let reason = rules::reason(&fields.reason);
    if let Err(why) = &change {
        errors.add("amount", why);
    }
    if let Err(why) = days {
        errors.add("days", why);
    }
    if matches!((&change, days), (Ok(Change::Down(_)), Ok(Some(_)))) {
        errors.add("days", "Only credits that are added can run out.");
    }
    if let Err(why) = reason {
        errors.add("reason", why);
    }
    match (change, days, reason) {
        (Ok(change), Ok(days), Ok(reason)) if errors.is_empty() => {
            Ok((change, days, reason.to_owned()))
        }
        _ => Err(errors),
    }
}

/// What a correction did, in a sentence.
fn describe(change: Change, email: &str) -> String {
    match change {
        Change::Up(amount) => format!("{email} has been given {}.", amount.in_words()),
        Change::Down(amount) => format!("{} taken from {email}.", amount.in_words()),
    }
}
