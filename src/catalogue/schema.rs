//! The JSON Schema (2020-12) of `quickscale.yml`, made of the same manifests that the file is read with: for editors that
//! complete and check while one types. What only makes sense across the file (an overlay for a module that is off, an
//! option that cannot change any more) is told by `quickscale plan`.

use serde_json::{Map, Value, json};

use super::list::{Currencies, FieldKind, FieldValue, HIGHEST, LONGEST_ID, Record, Records};
use super::option::{OptionKind, OptionManifest, OptionValue};
use super::{Catalogue, Module};
use crate::project::config::{CONFIG_VERSION, Environment, LONGEST_NAME};
use crate::project::names::Word;

impl Catalogue {
    /// The schema.
    pub fn config_schema(&self) -> Value {
        let themes: Vec<_> = self.themes.keys().map(Word::as_str).collect();
        let modules = mapping(
            "The modules that are on, with their options",
            &self.options(),
        );
        let mut on = modules.clone();
        self.fit_together(&mut on);
        let overlay = closed(
            "What is otherwise in this environment",
            json!({ "modules": modules }),
        );
        let environments: Map<_, _> = Environment::ALL
            .map(|environment| (environment.name().to_owned(), overlay.clone()))
            .into_iter()
            .collect();
        let project = closed(
            "The project's names",
            json!({
                "name": {
                    "description": "For people",
                    "type": "string", "minLength": 1, "maxLength": LONGEST_NAME,
                    "pattern": "\\S",
                },
                "slug": {
                    "description": "For folders, packages, host names and databases",
                    "type": "string", "maxLength": 63, "pattern": "^[a-z](-?[a-z0-9])*$",
                },
            }),
        );
        let mut schema = closed(
            "What a project should be, for `quickscale plan` and `quickscale apply`",
            json!({
                "version": { "description": "The format of this file", "const": CONFIG_VERSION },
                "project": with_required(project, &["name", "slug"]),
                "theme": { "description": "Pages and styles", "enum": themes },
                "modules": on,
                "environments": mapping("Options by APP_ENV", &environments),
            }),
        );
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        schema["title"] = json!("quickscale.yml");
        with_required(schema, &["version", "project", "theme"])
    }

    /// What may stand below each module.
    fn options(&self) -> Map<String, Value> {
        let module = |module: &Module| {
            let manifest = &module.manifest;
            let options = manifest
                .options
                .iter()
                .map(|(name, option)| (name.to_string(), of_option(option)));
            let schema = mapping(&manifest.summary, &options.collect());
            (manifest.name.to_string(), schema)
        };
        self.modules.iter().map(module).collect()
    }

    /// Says which modules need which others, and which exclude each other.
    fn fit_together(&self, schema: &mut Value) {
        let mut required = Map::new();
        let mut excluded = Map::new();
        for Module { manifest, .. } in &self.modules {
            if !manifest.requires.is_empty() {
                required.insert(manifest.name.to_string(), json!(names(&manifest.requires)));
            }
            if !manifest.conflicts.is_empty() {
                let any: Vec<_> = manifest
                    .conflicts
                    .iter()
                    .map(|other| json!({ "required": [other.as_str()] }))
                    .collect();
                let none = json!({ "not": { "anyOf": any } });
                excluded.insert(manifest.name.to_string(), none);
            }
        }
        schema["dependentRequired"] = required.into();
        if !excluded.is_empty() {
            schema["dependentSchemas"] = excluded.into();
        }
    }
}

fn names(words: &[Word]) -> Vec<&str> {
    words.iter().map(Word::as_str).collect()
}

/// A mapping with these keys and no others, which may also be left empty.
fn mapping(description: &str, properties: &Map<String, Value>) -> Value {
    json!({
        "description": description,
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": false,
    })
}

/// A mapping with these keys and no others.
fn closed(description: &str, properties: Value) -> Value {
    json!({
        "description": description,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn with_required(mut schema: Value, keys: &[&str]) -> Value {
    schema["required"] = json!(keys);
    schema
}

fn of_kind(kind: &OptionKind) -> Value {
    match kind {
        OptionKind::Bool => json!({ "type": "boolean" }),
        OptionKind::Integer { min, max } => bounded(
            json!({ "type": "integer", "minimum": min }),
            (*max != i64::MAX).then(|| json!(max)),
        ),
        OptionKind::Text => json!({ "type": "string", "pattern": "^[^\\p{Cc}]*$" }),
        OptionKind::Choice { values, .. } => json!({ "enum": names(values) }),
        OptionKind::Credits { min, max } => bounded(
            json!({ "type": "number", "minimum": credits(*min), "multipleOf": 0.001 }),
            (*max != i64::MAX).then(|| credits(*max)),
        ),
        OptionKind::List(records) => of_list(records),
    }
}

/// A list of mappings.
fn of_list(records: &Records) -> Value {
    let mut fields = Map::new();
    let mut required = Vec::new();
    for (name, field) in &records.fields {
        let must = field.default.is_none();
        let mut schema = match &field.kind {
            FieldKind::One(OptionKind::Text) if must => {
                json!({ "type": "string", "pattern": "^[^\\p{Cc}]*[^\\p{Cc}\\s][^\\p{Cc}]*$" })
            }
            FieldKind::One(kind) => of_kind(kind),
            FieldKind::Id => {
                json!({ "type": "string", "pattern": format!("^[a-z0-9-]{{1,{LONGEST_ID}}}$") })
            }
            FieldKind::Prices(currencies) => of_prices(currencies),
        };
        schema["description"] = json!(field.description);
        if let Some(FieldValue::One(default)) = &field.default {
            schema["default"] = value(default);
        }
        fields.insert(name.to_string(), schema);
        if must {
            required.push(name.as_str());
        }
    }
    let record = json!({
        "type": "object", "properties": fields, "required": required, "additionalProperties": false,
    });
    json!({ "type": ["array", "null"], "items": record })
}

/// An amount for each currency, with the places of that currency.
fn of_prices(currencies: &Currencies) -> Value {
    let amount = |places: usize| {
        let step = [1.0, 0.1, 0.01, 0.001][places.min(3)];
        let text = match places {
            0 => "^(?=.*[1-9])[0-9]+$".to_owned(),
            _ => format!("^(?=.*[1-9])[0-9]+(\\.[0-9]{{1,{places}}})?$"),
        };
        json!({ "anyOf": [
            { "type": "number", "exclusiveMinimum": 0, "maximum": HIGHEST, "multipleOf": step },
            { "type": "string", "pattern": text },
        ] })
    };
    let groups = (0..=3).map(|places| {
        let codes: Vec<_> = currencies.with_places(places).collect();
        (places, codes)
    });
    let groups = groups.filter(|(_, codes)| !codes.is_empty());
    let patterns: Map<_, _> = groups
        .map(|(places, codes)| (format!("^({})$", codes.join("|")), amount(places)))
        .collect();
    json!({
        "type": "object", "minProperties": 1, "patternProperties": patterns, "additionalProperties": false,
    })
}

fn of_option(option: &OptionManifest) -> Value {
    let mut schema = of_kind(&option.kind);
    let fixed = option.fixed.as_ref().map_or_else(String::new, |why| {
        format!(". It cannot change later: {why}")
    });
    schema["description"] = json!(format!("{}{fixed}", option.description));
    schema["default"] = value(&option.default);
    schema
}

fn bounded(mut schema: Value, max: Option<Value>) -> Value {
    if let Some(max) = max {
        schema["maximum"] = max;
    }
    schema
}

/// A value as a program reads it; credits as a number with at most three places.
pub(super) fn value(value: &OptionValue) -> Value {
    match value {
        OptionValue::Bool(value) => json!(value),
        OptionValue::Integer(value) => json!(value),
        OptionValue::Text(value) => json!(value),
        OptionValue::Choice(value) => json!(value.as_str()),
        OptionValue::Credits(value) => credits(*value),
        OptionValue::List(list) => list.iter().map(record).collect(),
    }
}

fn record(record: &Record) -> Value {
    let field = |(name, field): (&Word, &FieldValue)| {
        let field = match field {
            FieldValue::One(one) => value(one),
            FieldValue::Prices(prices) => json!(prices),
        };
        (name.to_string(), field)
    };
    Value::Object(record.iter().map(field).collect())
}

fn credits(thousandths: i64) -> Value {
    match thousandths % 1000 {
        0 => json!(thousandths / 1000),
        #[expect(
            clippy::cast_precision_loss,
            reason = "a bound for an editor, shown with three places"
        )]
        _ => json!(thousandths as f64 / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::project::config::Config;

    /// What both the schema and `plan` say of one file.
    fn agree(catalogue: &Catalogue, text: &str) -> bool {
        let schema = jsonschema::draft202012::new(&catalogue.config_schema()).unwrap();
        let value: Value = serde_yaml::from_str(text).unwrap();
        let taken = schema.is_valid(&value);
        let read = Config::from_text(text, catalogue, None);
        assert_eq!(taken, read.is_ok(), "{text}\n{:?}", read.err());
        taken
    }

    #[test]
    fn the_schema_and_the_reader_agree() {
        let catalogue = Catalogue::embedded();
        let start = "version: 1\nproject: { name: My SaaS, slug: my-saas }\ntheme: htmx\n";
        let right = [
            "",
            "modules: {}\n",
            "modules:\n",
            "modules: { auth: { registration: closed } }\n",
            "modules: { auth: , credits: { signup_grant: 2.5 } }\n",
            "modules: { auth: {} }\nenvironments: { production: { modules: { auth: { registration: closed } } } }\n",
            "environments: { test: {} }\n",
        ];
        for rest in right {
            assert!(agree(catalogue, &format!("{start}{rest}")), "{rest}");
        }
        let wrong = [
            "modules: { auht: {} }\n",
            "modules: { credits: {} }\n",
            "modules: { auth: { registration: opne } }\n",
            "modules: { auth: { registrations: open } }\n",
            "modules: { auth: {}, credits: { signup_grant: -1 } }\n",
            "modules: { auth: {}, credits: { signup_grant: 0.0001 } }\n",
            "modules: [auth]\n",
            "environments: { staging: {} }\n",
            "environments: { production: { theme: htmx } }\n",
            "colour: red\n",
        ];
        for rest in wrong {
            assert!(!agree(catalogue, &format!("{start}{rest}")), "{rest}");
        }
        for text in [
            "version: 2\nproject: { name: A, slug: a }\ntheme: htmx\n",
            "version: 1\nproject: { name: ' ', slug: a }\ntheme: htmx\n",
            "version: 1\nproject: { name: A, slug: 2fast }\ntheme: htmx\n",
            "version: 1\nproject: { name: A, slug: a-- }\ntheme: htmx\n",
            "version: 1\nproject: { name: A }\ntheme: htmx\n",
            "version: 1\nproject: { name: A, slug: a }\ntheme: react\n",
        ] {
            assert!(!agree(catalogue, text), "{text}");
        }
    }

    #[test]
    fn they_agree_on_options_of_every_type() {
        let catalogue = sample::catalogue();
        let start = "version: 1\nproject: { name: A, slug: a }\ntheme: react\nmodules:\n  auth: ";
        for (options, right) in [
            ("{ remember: false, greeting: 'Grüß Gott' }", true),
            ("{ remember: 1 }", false),
            ("{ remember: maybe }", false),
            ("{ greeting: \"two\\nlines\" }", false),
            (
                "{}\n  billing: { trial_days: 0, bonus: 2.125, currency: usd }",
                true,
            ),
            ("{}\n  billing: { trial_days: 91 }", false),
            ("{}\n  billing: { trial_days: 1.5 }", false),
            ("{}\n  billing: { bonus: 1000000.001 }", false),
            ("{}\n  billing: { bonus: 0.1234 }", false),
            ("{}\n  billing: {}\n  gifts: {}", false),
            ("{}\n  gifts: { cards: }", true),
            ("{}\n  gifts: { cards: [] }", true),
            (
                "{}\n  gifts: { cards: [{ id: a, name: A, prices: { eur: 5.00 } }] }",
                true,
            ),
            (
                "{}\n  gifts: { cards: [{ id: a, name: A, credits: 2.5, prices: { eur: '9.99', jpy: 800, kwd: 2.505 } }] }",
                true,
            ),
            ("{}\n  gifts: { cards: {} }", false),
            ("{}\n  gifts: { cards: [a] }", false),
            (
                "{}\n  gifts: { cards: [{ id: a, prices: { eur: 5 } }] }",
                false,
            ),
            (
                "{}\n  gifts: { cards: [{ id: a, name: ' ', prices: { eur: 5 } }] }",
                false,
            ),
            (
                "{}\n  gifts: { cards: [{ id: Big Card, name: A, prices: { eur: 5 } }] }",
                false,
            ),
            (
                "{}\n  gifts: { cards: [{ id: a, name: A, prices: {} }] }",
                false,
            ),
            (
                "{}\n  gifts: { cards: [{ id: a, name: A, prices: { ruo: 5 } }] }",
                false,
            ),
            (
                "{}\n  gifts: { cards: [{ id: a, name: A, prices: { jpy: 1.5 } }] }",
                false,
            ),
            (
                "{}\n  gifts: { cards: [{ id: a, name: A, prices: { eur: '5.005' } }] }",
                false,
            ),
            (
                "{}\n  gifts: { cards: [{ id: a, name: A, prices: { eur: 0 } }] }",
                false,
            ),
            (
                "{}\n  gifts: { cards: [{ id: a, name: A, prices: { eur: -1 } }] }",
                false,
            ),
            (
                "{}\n  gifts: { cards: [{ id: a, name: A, credits: 0, prices: { eur: 5 } }] }",
                false,
            ),
            (
                "{}\n  gifts: { cards: [{ id: a, name: A, colour: red, prices: { eur: 5 } }] }",
                false,
            ),
            ("{}\n  services: {}", false),
        ] {
            assert_eq!(
                agree(&catalogue, &format!("{start}{options}\n")),
                right,
                "{options}"
            );
        }
    }
}
