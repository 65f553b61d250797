//! What the profile is rendered with.

use serde::Serialize;

use super::Preferences;
use crate::app::Core;
use crate::clock::Timestamp;
use crate::error::FieldErrors;
use crate::http::Principal;
use crate::module::Panel;
use crate::pages::{Choice, Page, Sample};
use crate::times::{Locale, TimeStyle, TimeZone};

pub(in crate::auth) fn samples() -> Vec<Sample> {
    vec![Sample::of::<ProfilePage>()]
}

#[derive(Debug, Serialize)]
pub(super) struct ProfilePage {
    pub email: String,
    pub name: String,
    pub time_zone: String,
    pub zones: Vec<Choice>,
    pub locale: String,
    pub locales: Vec<Choice>,
    /// The mails that one may do without; empty where no module sends such.
    pub topics: Vec<Topic>,
    /// What modules show of somebody beside that.
    pub panels: Vec<Panel>,
    pub errors: FieldErrors,
}

/// Mails about one matter.
#[derive(Debug, Serialize)]
pub(super) struct Topic {
    name: &'static str,
    label: &'static str,
    is_wanted: bool,
}

impl ProfilePage {
    pub fn new(core: &Core, principal: &Principal, chosen: &Preferences) -> Self {
        let topic = |topic: &crate::mail::MailTopic| Topic {
            name: topic.name,
            label: topic.label,
            is_wanted: !chosen.unwanted.contains(topic.name),
        };
        Self {
            email: principal.email.clone(),
            name: principal.name.clone(),
            time_zone: chosen.times.zone.as_str().into(),
            zones: zones(),
            locale: chosen.times.locale.tag().into(),
            locales: locales(core.now(), chosen.times.zone),
            topics: core.mail_topics().iter().map(topic).collect(),
            panels: Vec::new(),
            errors: FieldErrors::default(),
        }
    }
}

fn zones() -> Vec<Choice> {
    let choice = |zone: TimeZone| Choice::new(zone.as_str(), zone.as_str().replace('_', " "));
    TimeZone::places().into_iter().map(choice).collect()
}

/// Each with the present time in it, so that nobody has to know its name.
fn locales(now: Timestamp, zone: TimeZone) -> Vec<Choice> {
    let choice = |locale: Locale| {
        let now = TimeStyle { zone, locale }.writer().human(now);
        Choice::new(locale.tag(), format!("{now} ({})", locale.label()))
    };
    Locale::ALL.into_iter().map(choice).collect()
}

impl Page for ProfilePage {
    const TEMPLATE: &'static str = "auth/profile.html";

    fn sample() -> Self {
        let at = Timestamp::from_micros(1_795_251_905_000_000);
        let topic = |name, label, is_wanted| Topic {
            name,
            label,
            is_wanted,
        };
        Self {
            email: "ada@example.com".into(),
            name: "Ada \"Countess\" <Lovelace>".into(),
            time_zone: "Europe/Berlin".into(),
            zones: zones(),
            locale: "de-DE".into(),
            locales: locales(at, TimeZone::UTC),
            topics: vec![
                topic("credits.low_balance", "My credits run low", true),
                topic("billing.payments", "A payment did not come", false),
            ],
            panels: Vec::new(),
            errors: FieldErrors::one("name", "Use at most 100 characters."),
        }
    }
}
