//! Whether a result is what the service says of its results: the part of JSON Schema (2020-12) that types are described
//! with. What else stands in a schema asks nothing.

use serde_json::Value;

/// The first place where `output` does not fit `schema`, in a sentence.
pub fn misfit(output: &Value, schema: &Value) -> Option<String> {
    let place = Place {
        root: schema,
        path: String::new(),
    };
    place.misfit(output, schema)
}

struct Place<'a> {
    root: &'a Value,
    path: String,
}

impl Place<'_> {
    fn misfit(&self, value: &Value, schema: &Value) -> Option<String> {
        if schema == &Value::Bool(false) {
            return self.told("is there, and should not be");
        }
        self.kind(value, schema)
            .or_else(|| self.choice(value, schema))
            .or_else(|| self.bounds(value, schema))
            .or_else(|| self.parts(value, schema))
    }

    fn told(&self, what: &str) -> Option<String> {
        let place = match self.path.as_str() {
            "" => "The result",
            path => &format!("`{}` of the result", &path[1..]),
        };
        Some(format!("{place} {what}."))
    }

    fn within(&self, name: &str) -> Self {
        Self {
            root: self.root,
            path: format!("{}.{name}", self.path),
        }
    }

    fn kind(&self, value: &Value, schema: &Value) -> Option<String> {
        let fits = |name: &Value| match name.as_str() {
            Some("null") => value.is_null(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => {
                value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
            }
            Some("number") => value.is_number(),
            Some("string") => value.is_string(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            Some(_) | None => true,
        };
        let is_fit = match &schema["type"] {
            Value::Array(names) => names.iter().any(fits),
            name => fits(name),
        };
        if is_fit {
            return None;
        }
        self.told(&format!("is {value}, and should be {}", schema["type"]))
    }

    fn choice(&self, value: &Value, schema: &Value) -> Option<String> {
        let unknown = |known: &Value| self.told(&format!("is {value}, and should be of {known}"));
        if let Value::Array(known) = &schema["enum"]
            && !known.contains(value)
        {
            return unknown(&schema["enum"]);
        }
        if let Some(known) = schema.get("const")
            && known != value
        {
            return unknown(known);
        }
        let named = schema["$ref"].as_str().and_then(|name| {
            let pointer = name.strip_prefix('#')?;
            self.root.pointer(pointer)
        });
        let all = schema["allOf"].as_array().into_iter().flatten();
        let first = named
            .into_iter()
            .chain(all)
            .find_map(|one| self.misfit(value, one));
        first.or_else(|| self.alternatives(value, schema))
    }

    fn alternatives(&self, value: &Value, schema: &Value) -> Option<String> {
        let fitting = |name: &str| {
            let all = schema[name].as_array()?.iter();
            Some(all.filter(|one| self.misfit(value, one).is_none()).count())
        };
        if fitting("anyOf") == Some(0) || fitting("oneOf").is_some_and(|count| count != 1) {
            return self.told(&format!("is {value}, which is none of what it can be"));
        }
        None
    }

    fn bounds(&self, value: &Value, schema: &Value) -> Option<String> {
        let (length, units) = match value {
            Value::String(text) => (
                Some(text.chars().count() as f64),
                ["minLength", "maxLength"],
            ),
            Value::Array(items) => (Some(items.len() as f64), ["minItems", "maxItems"]),
            _ => (value.as_f64(), ["minimum", "maximum"]),
        };
        let size = length?;
        let [least, most] = units.map(|unit| schema[unit].as_f64());
        if least.is_some_and(|least| size < least) || most.is_some_and(|most| size > most) {
            return self.told(&format!("is {value}, which is out of its bounds"));
        }
        None
    }

    fn parts(&self, value: &Value, schema: &Value) -> Option<String> {
        match value {
            Value::Object(fields) => {
                let required = schema["required"].as_array().into_iter().flatten();
                let mut names = required.filter_map(Value::as_str);
                if let Some(missing) = names.find(|name| !fields.contains_key(*name)) {
                    return self.within(missing).told("is not there");
                }
                fields.iter().find_map(|(name, field)| {
                    let known = schema["properties"].get(name);
                    let schema = known.or_else(|| schema.get("additionalProperties"))?;
                    self.within(name).misfit(field, schema)
                })
            }
            Value::Array(items) => {
                let first = schema["prefixItems"].as_array();
                items.iter().enumerate().find_map(|(number, item)| {
                    let own = first.and_then(|schemas| schemas.get(number));
                    let schema = own.or_else(|| schema.get("items"))?;
                    self.within(&number.to_string()).misfit(item, schema)
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::{JsonSchema, schema_for};
    use serde::Serialize;
    use serde_json::json;

    #[derive(Serialize, JsonSchema)]
    struct Answer {
        share: f64,
        count: Option<u8>,
        mood: Mood,
        pages: Vec<Page>,
        pair: (u8, String),
        extra: std::collections::BTreeMap<String, bool>,
    }

    #[derive(Serialize, JsonSchema)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    enum Mood {
        Good { why: String },
        Bad,
    }

    #[derive(Serialize, JsonSchema)]
    struct Page {
        inner: Vec<Page>,
    }

    fn answer(share: f64) -> Value {
        let inner = Page { inner: Vec::new() };
        let good = Answer {
            share,
            count: None,
            mood: Mood::Good { why: "so".into() },
            pages: vec![Page { inner: vec![inner] }],
            pair: (1, "b".into()),
            extra: [("a".to_owned(), true)].into(),
        };
        serde_json::to_value(good).unwrap()
    }

    #[test]
    fn what_a_type_gives_fits_its_schema_and_what_it_does_not_give_is_told() {
        let schema = schema_for!(Answer).to_value();
        assert_eq!(misfit(&answer(0.5), &schema), None);
        let nothing = "`share` of the result is null, and should be \"number\".";
        assert_eq!(misfit(&answer(f64::NAN), &schema).as_deref(), Some(nothing));
        for (place, value) in [
            ("", json!([])),
            ("/share", json!("0.5")),
            ("/count", json!(256)),
            ("/count", json!(-1)),
            ("/count", json!(1.5)),
            ("/mood", json!({ "kind": "fair" })),
            ("/mood", json!({ "kind": "good" })),
            ("/pages", json!({})),
            ("/pages/0/inner/0", json!({})),
            ("/pages/0/inner/0/inner", json!([1])),
            ("/pair", json!([1])),
            ("/pair/1", json!(2)),
            ("/extra/a", json!("true")),
        ] {
            let mut wrong = answer(0.5);
            *wrong.pointer_mut(place).unwrap() = value;
            assert!(misfit(&wrong, &schema).is_some(), "{wrong}");
        }
        let bad = serde_json::to_value(Mood::Bad).unwrap();
        assert_eq!(misfit(&bad, &schema_for!(Mood).to_value()), None);
        let mut wrong = answer(0.5);
        wrong.as_object_mut().unwrap().remove("share");
        let gone = "`share` of the result is not there.";
        assert_eq!(misfit(&wrong, &schema).as_deref(), Some(gone));
    }
}
