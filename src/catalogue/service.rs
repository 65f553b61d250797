//! Kinds of service, and the services that are made of them. The source of a kind is that of a working service; one of
//! another name gets its own words in the place of those.

use std::borrow::Cow;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::manifest::ServiceManifest;
use super::option::{camel, grouped, quoted, thousandths};
use super::template::Template;
use crate::project::names::{ServiceName, Word};

/// A kind of service that can be generated.
#[derive(Debug)]
pub struct ServiceKind {
    /// What it is.
    pub manifest: ServiceManifest,
    /// Its files; a path holds `NAME` where the service's name goes.
    pub templates: Vec<Template>,
}

/// What a service costs a run, in thousandths of a credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price(i64);

/// A service that is about to be generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewService {
    pub name: ServiceName,
    pub kind: Word,
    /// What it does, in a sentence; none for what the kind says of itself.
    pub description: Option<String>,
    /// None for what the kind costs.
    pub price: Option<Price>,
}

/// The words of one service, as its templates say them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceWords {
    name: String,
    kind: String,
    title: String,
    description: String,
    /// `1 credit`, `free`.
    price: String,
    /// The Rust type.
    #[serde(skip)]
    type_name: String,
    #[serde(skip)]
    cost: Price,
}

impl Price {
    /// Reads an amount of credits with at most three places.
    ///
    /// # Errors
    /// With what is wanted instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        const MOST: i64 = 1_000_000_000;
        let amount = thousandths(text).filter(|amount| (0..=MOST).contains(amount));
        amount.map(Self).ok_or_else(|| {
            format!("`{text}` is no price: an amount of credits from 0 to 1000000 with at most three places, such as 2.5")
        })
    }

    /// Costs nothing.
    pub const FREE: Self = Self(0);

    /// As the source of a service has it.
    fn rust(self) -> String {
        match self.0 {
            0 => "Credits::ZERO".into(),
            milli if milli % 1000 == 0 => format!("Credits::whole({})", grouped(milli / 1000)),
            milli => format!("Credits::from_milli({})", grouped(milli)),
        }
    }

    /// For people: `1 credit`, `free`.
    pub fn in_words(self) -> String {
        match self.0 {
            0 => "free".into(),
            1000 => "1 credit".into(),
            milli => format!("{} credits", super::option::decimal(milli)),
        }
    }
}

impl TryFrom<String> for Price {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl ServiceKind {
    /// The words that the kind's own source says.
    fn own_words(&self) -> ServiceWords {
        let manifest = &self.manifest;
        let name = manifest
            .born_as
            .as_ref()
            .map_or(manifest.kind.as_str(), ServiceName::as_str);
        ServiceWords {
            name: name.to_owned(),
            kind: manifest.kind.to_string(),
            title: manifest.title.clone(),
            description: manifest.description.clone(),
            price: manifest.cost.in_words(),
            type_name: camel(&manifest.title.to_lowercase().replace(' ', "_")),
            cost: manifest.cost,
        }
    }

    /// The service that every project starts with, if there is one of this kind.
    ///
    /// # Errors
    /// When the kind's templates are faulty.
    pub fn born(&self, name: &ServiceName) -> Result<(ServiceWords, Vec<Template>)> {
        let words = self.own_words();
        let templates = self.templates_for(name, &words)?;
        Ok((words, templates))
    }

    /// A service of one's own.
    ///
    /// # Errors
    /// When the kind's templates are faulty.
    pub fn generated(&self, service: &NewService) -> Result<(ServiceWords, Vec<Template>)> {
        let own = self.own_words();
        let cost = service.price.unwrap_or(own.cost);
        let words = ServiceWords {
            name: service.name.to_string(),
            title: title(service.name.as_str()),
            description: service.description.clone().unwrap_or(own.description),
            price: cost.in_words(),
            type_name: self.free_type_name(service.name.as_str()),
            cost,
            kind: own.kind,
        };
        let templates = self.templates_for(&service.name, &words)?;
        Ok((words, templates))
    }

    /// A name for the service's type that its source does not use for something else.
    fn free_type_name(&self, name: &str) -> String {
        let wanted = camel(name);
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let is_taken = self.templates.iter().any(|template| {
            let text = String::from_utf8_lossy(&template.bytes);
            text.split(|c| !is_word(c)).any(|word| word == wanted)
        });
        if is_taken {
            format!("{wanted}Service")
        } else {
            wanted
        }
    }

    fn templates_for(&self, name: &ServiceName, words: &ServiceWords) -> Result<Vec<Template>> {
        let own = self.own_words();
        let templates = self.templates.iter().map(|template| {
            let template = template.for_service(name.as_str())?;
            if !is_rust(&template) || own == *words {
                return Ok(template);
            }
            let text = replaced(&template, &own, words)?;
            Ok(Template {
                bytes: Cow::Owned(text.into_bytes()),
                ..template
            }
            .with_own_digest())
        });
        templates.collect()
    }

    /// Whether its source says each of the kind's words, so that another service can have its own.
    ///
    /// # Errors
    /// With the word that is missing.
    pub(super) fn check(&self) -> Result<()> {
        let own = self.own_words();
        for template in self.templates.iter().filter(|template| is_rust(template)) {
            replaced(template, &own, &own)?;
        }
        Ok(())
    }
}

fn is_rust(template: &Template) -> bool {
    template.path.as_str().starts_with("src/services/") && template.path.as_str().ends_with(".rs")
}

/// The source with the words of `new` in the places of those of `own`.
fn replaced(template: &Template, own: &ServiceWords, new: &ServiceWords) -> Result<String> {
    let mut text = String::from_utf8_lossy(&template.bytes).into_owned();
    let words = [
        (own.type_name.clone(), new.type_name.clone()),
        (quoted(&own.title), quoted(&new.title)),
        (quoted(&own.description), quoted(&new.description)),
        (own.cost.rust(), new.cost.rust()),
    ];
    for (word, other) in words {
        ensure!(
            text.contains(&word),
            "{} does not say {word}, as its manifest does",
            template.origin
        );
        text = text.replace(&word, &other);
    }
    Ok(text)
}

/// How people call a service: `meeting_notes` is `Meeting notes`.
fn title(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.trim().chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    fn source(kind: &str, service: &NewService) -> String {
        let kind = &Catalogue::embedded().services[kind];
        let (_, templates) = kind.generated(service).unwrap();
        let rust = templates.iter().find(|template| is_rust(template)).unwrap();
        String::from_utf8(rust.bytes.to_vec()).unwrap()
    }

    fn service(name: &str) -> NewService {
        NewService {
            name: name.parse().unwrap(),
            kind: "text".parse().unwrap(),
            description: Some(r#"Says "hello" \ more."#.into()),
            price: Some(Price::parse("2.5").unwrap()),
        }
    }

    #[test]
    fn a_generated_service_has_its_own_words() {
        let text = source("text", &service("meeting_notes"));
        for part in [
            "struct MeetingNotes;",
            "impl Service for MeetingNotes {",
            "\"Meeting notes\"",
            r#""Says \"hello\" \\ more.""#,
            "Credits::from_milli(2_500)",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("SentimentAnalysis"), "{text}");
    }

    #[test]
    fn a_type_of_the_source_keeps_its_name() {
        let text = source("text", &service("sentiment"));
        assert!(
            text.contains("struct SentimentService;") && text.contains("enum Sentiment {"),
            "{text}"
        );
    }

    #[test]
    fn prices_have_three_places_and_no_sign() {
        for (text, rust) in [
            ("0", "Credits::ZERO"),
            ("1", "Credits::whole(1)"),
            ("1000000", "Credits::whole(1_000_000)"),
            ("0.001", "Credits::from_milli(1)"),
        ] {
            assert_eq!(Price::parse(text).unwrap().rust(), rust);
        }
        for text in [
            "-1",
            "1.0001",
            "1e3",
            "",
            "free",
            "1000000.001",
            "99999999999999999999",
        ] {
            assert!(Price::parse(text).is_err(), "{text}");
        }
    }
}
