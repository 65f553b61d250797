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
        Value::Object(all)
    }
}
