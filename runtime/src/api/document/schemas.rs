//! The schemas of the description, each under one name.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::http::{Shape, type_name};

const PATH: &str = "/components/schemas";

/// Collects schemas while the operations are described.
pub(super) struct Schemas {
    /// As bodies are read.
    input: SchemaGenerator,
    /// As answers are written.
    output: SchemaGenerator,
    named: Map<String, Value>,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = PATH.into();
                settings.meta_schema = None;
            })
        };
        Self {
            input: settings().for_deserialize().into_generator(),
            output: settings().for_serialize().into_generator(),
            named: Map::new(),
        }
    }
}

impl Schemas {
    pub fn input(&mut self, shape: &Shape) -> Value {
        self.resolve(shape, |schemas| &mut schemas.input)
    }

    pub fn output(&mut self, shape: &Shape) -> Value {
        self.resolve(shape, |schemas| &mut schemas.output)
    }

    /// A reference to `schema`, which is kept under `name`.
    pub fn name(&mut self, name: &str, mut schema: Value) -> Value {
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("$schema");
            schema.insert("title".into(), json!(name));
        }
        self.named.insert(name.to_owned(), schema);
        json!({ "$ref": format!("#{PATH}/{name}") })
    }

    fn resolve(
        &mut self,
        shape: &Shape,
        generator: impl Fn(&mut Self) -> &mut SchemaGenerator,
    ) -> Value {
        match shape {
            Shape::Type(make) => make(generator(self)).to_value(),
            Shape::Named(name, schema) => self.name(name, schema.clone()),
            Shape::Refined {
                name,
                of,
                property,
                schema,
            } => {
                let mut whole: Schema = of(generator(self));
                let part = self.name(&format!("{name}{}", type_name(property)), schema.clone());
                if let Some(properties) = whole.get_mut("properties") {
                    let or_null = json!({ "anyOf": [part, { "type": "null" }] });
                    properties[*property] = or_null;
                }
                self.name(name, whole.to_value())
            }
        }
    }

    /// Every schema by its name.
    pub fn finish(mut self) -> Value {
        let mut all = self.input.take_definitions(true);
        all.append(&mut self.output.take_definitions(true));
        all.append(&mut self.named);
        all.sort_keys();
        all.values_mut().for_each(simplify);
        Value::Object(all)
    }
}

/// Makes one list of each choice between texts that have their meanings with them: generators make one type of it, and
/// the meanings stand in the description.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(simplify),
        Value::Object(map) => {
            map.values_mut().for_each(simplify);
            if let Some((texts, meanings)) = map.get("oneOf").and_then(texts_of) {
                map.remove("oneOf");
                let own = map.get("description").and_then(Value::as_str);
                let parts: Vec<_> = own.map(str::to_owned).into_iter().chain(meanings).collect();
                map.insert("description".into(), json!(parts.join(" ")));
                map.insert("type".into(), json!("string"));
                map.insert("enum".into(), Value::Array(texts));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The texts of a choice that has no others, and what is said of them.
fn texts_of(choice: &Value) -> Option<(Vec<Value>, Vec<String>)> {
    let (mut texts, mut meanings) = (Vec::new(), Vec::new());
    for option in choice.as_array()? {
        match (option.get("const"), option.get("enum")) {
            (Some(Value::String(text)), None) => {
                texts.push(json!(text));
                if let Some(meaning) = option["description"].as_str() {
                    meanings.push(format!("`{text}`: {meaning}"));
                }
            }
            (None, Some(Value::Array(several))) if several.iter().all(Value::is_string) => {
                texts.extend(several.iter().cloned());
            }
            _ => return None,
        }
    }
    Some((texts, meanings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_between_texts_is_one_list() {
        let mut schema = json!({ "properties": { "mood": { "description": "How it is.", "oneOf": [
            { "type": "string", "enum": ["good", "bad"] },
            { "type": "string", "const": "odd", "description": "Neither." },
        ] } } });
        simplify(&mut schema);
        let mood = json!({
            "description": "How it is. `odd`: Neither.",
            "type": "string",
            "enum": ["good", "bad", "odd"],
        });
        assert_eq!(schema, json!({ "properties": { "mood": mood } }));
        let other = json!({ "oneOf": [{ "const": 1 }, { "$ref": "#/a" }] });
        let mut same = other.clone();
        simplify(&mut same);
        assert_eq!(same, other);
    }
}
