//! The description as a page: every operation with its parameters, its answers and a call in three languages.

use serde::Serialize;
use serde_json::{Value, json};

use super::super::document::snippets::{Request, Snippet};
use crate::pages::Page;

/// `/api/docs`.
#[derive(Debug, Serialize)]
pub struct DocsPage {
    pub heading: String,
    pub base_url: String,
    /// Paragraphs.
    pub introduction: Vec<String>,
    pub groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
pub struct Group {
    pub name: String,
    pub operations: Vec<Operation>,
}

#[derive(Debug, Serialize)]
pub struct Operation {
    /// Also the anchor.
    pub id: String,
    pub method: String,
    pub path: String,
    pub summary: String,
    /// Paragraphs.
    pub description: Vec<String>,
    pub parameters: Vec<Row>,
    /// The fields of the body; empty where there is none.
    pub body: Vec<Row>,
    /// The fields of a good answer.
    pub fields: Vec<Row>,
    pub answers: Vec<Answer>,
    pub problems: Vec<Problem>,
    pub snippets: Vec<Snippet>,
}

/// A parameter or a field.
#[derive(Debug, Serialize)]
pub struct Row {
    /// With the names of what it stands in: `credits.balance`.
    pub name: String,
    pub kind: String,
    pub required: bool,
    pub description: String,
}

/// A good answer.
#[derive(Debug, Serialize)]
pub struct Answer {
    pub status: String,
    pub description: String,
    pub example: String,
}

/// A refusal.
#[derive(Debug, Serialize)]
pub struct Problem {
    pub status: String,
    pub code: String,
    pub detail: String,
}

impl DocsPage {
    pub fn new(document: &Value) -> Self {
        let base_url = text(&document["servers"][0]["url"]);
        let tags = document["tags"].as_array().into_iter().flatten();
        let groups = tags.map(|tag| Group {
            name: text(&tag["name"]),
            operations: operations(document, &tag["name"], &base_url),
        });
        Self {
            heading: text(&document["info"]["title"]),
            introduction: paragraphs(&document["info"]["description"]),
            groups: groups.collect(),
            base_url,
        }
    }
}

fn operations(document: &Value, group: &Value, base_url: &str) -> Vec<Operation> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path, method, operation))
    });
    all.filter(|(.., operation)| operation["tags"][0] == *group)
        .map(|(path, method, operation)| {
            Operation::new(document, (path, method, operation), base_url)
        })
        .collect()
}

impl Operation {
    fn new(
        document: &Value,
        (path, method, operation): (&str, &str, &Value),
        base_url: &str,
    ) -> Self {
        let content = &operation["requestBody"]["content"]["application/json"];
        let parameters: Vec<&Value> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| resolve(document, parameter))
            .collect();
        let responses = operation["responses"].as_object();
        let responses: Vec<_> = responses.into_iter().flatten().collect();
        let good = |status: &str| status.starts_with('2');
        let request = Request {
            method,
            url: format!("{base_url}{}", filled(path, &parameters)),
            body: content.get("example"),
            is_stream: responses
                .iter()
                .any(|(_, answer)| answer["content"][EVENTS].is_object()),
        };
        let shape = responses.iter().find(|(status, _)| good(status));
        let shape = shape.map_or(&Value::Null, |(_, answer)| {
            &answer["content"]["application/json"]["schema"]
        });
        Self {
            id: text(&operation["operationId"]),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(&operation["summary"]),
            description: paragraphs(&operation["description"]),
            parameters: parameters.iter().map(|one| parameter_row(one)).collect(),
            body: fields(document, &content["schema"], ""),
            fields: fields(document, shape, ""),
            answers: responses
                .iter()
                .filter(|(status, _)| good(status))
                .map(|(status, answer)| Answer::new(status, answer))
                .collect(),
            problems: responses
                .iter()
                .filter(|(status, _)| !good(status))
                .flat_map(|(status, answer)| problems(status, answer))
                .collect(),
            snippets: request.snippets(),
        }
    }
}

/// The media type of answers that go on.
const EVENTS: &str = "text/event-stream";

impl Answer {
    fn new(status: &str, answer: &Value) -> Self {
        let content = &answer["content"];
        let example = match content[EVENTS]["example"].as_str() {
            Some(stream) => stream.trim_end().to_owned(),
            None => serde_json::to_string_pretty(&content["application/json"]["example"])
                .unwrap_or_default(),
        };
        Self {
            status: status.to_owned(),
            description: text(&answer["description"]),
            example,
        }
    }
}

fn problems(status: &str, answer: &Value) -> Vec<Problem> {
    let examples = answer["content"]["application/problem+json"]["examples"].as_object();
    let examples = examples.into_iter().flatten();
    examples
        .map(|(code, example)| Problem {
            status: status.to_owned(),
            code: code.clone(),
            detail: text(&example["summary"]),
        })
        .collect()
}

fn parameter_row(parameter: &Value) -> Row {
    let place = match text(&parameter["in"]).as_str() {
        "header" => "header",
        "query" => "in the query",
        _ => "in the path",
    };
    Row {
        name: text(&parameter["name"]),
        kind: format!("{}, {place}", kind(&parameter["schema"])),
        required: parameter["required"] == true,
        description: text(&parameter["description"]),
    }
}

/// The fields of an object, those of objects within it after it.
fn fields(document: &Value, schema: &Value, prefix: &str) -> Vec<Row> {
    let schema = without_null(document, resolve(document, schema));
    let properties = schema["properties"].as_object();
    let mut rows = Vec::new();
    for (name, property) in properties.into_iter().flatten() {
        let part = without_null(document, resolve(document, property));
        let required = schema["required"].as_array();
        let name_here = format!("{prefix}{name}");
        let described = [property, part].map(|one| text(&one["description"]));
        rows.push(Row {
            kind: kind(part),
            required: required.is_some_and(|all| all.iter().any(|one| one == name)),
            description: described
                .into_iter()
                .find(|text| !text.is_empty())
                .unwrap_or_default(),
            name: name_here.clone(),
        });
        let items = part.get("items").map(|items| resolve(document, items));
        let deeper = items.map_or((part, "."), |items| (items, "[]."));
        if name_here.matches('.').count() < 3 {
            rows.extend(fields(
                document,
                deeper.0,
                &format!("{name_here}{}", deeper.1),
            ));
        }
    }
    rows
}

fn kind(schema: &Value) -> String {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<_> = values.iter().map(text).collect();
        return format!("one of {}", values.join(", "));
    }
    let kinds: Vec<_> = match &schema["type"] {
        Value::Array(several) => several
            .iter()
            .map(text)
            .filter(|one| one != "null")
            .collect(),
        one => vec![text(one)],
    };
    match kinds.join(" or ") {
        empty if empty.is_empty() => "any".into(),
        kind => kind,
    }
}

/// What a reference stands for.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let path = schema["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix('#'));
    path.and_then(|path| document.pointer(path))
        .unwrap_or(schema)
}

/// What a schema stands for that also takes null.
fn without_null<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let options = schema["anyOf"].as_array().into_iter().flatten();
    let real = options.filter(|one| one["type"] != "null");
    real.map(|one| resolve(document, one))
        .next()
        .unwrap_or(schema)
}

/// `path` with an example for each of its parts that vary, and for each query that must be there.
fn filled(path: &str, parameters: &[&Value]) -> String {
    let in_path = parameters.iter().filter(|one| one["in"] == "path");
    in_path.fold(path.to_owned(), |path, parameter| {
        let name = format!("{{{}}}", text(&parameter["name"]));
        path.replace(&name, &text(&parameter["example"]))
    })
}

fn paragraphs(value: &Value) -> Vec<String> {
    text(value).split("\n\n").map(str::to_owned).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

impl Page for DocsPage {
    const TEMPLATE: &'static str = "api/docs.html";

    fn sample() -> Self {
        let problem = json!({ "not_found": { "summary": "There is <nothing>." } });
        let field = json!({ "type": "string", "description": "What is <thought> of." });
        Self::new(&json!({
            "info": { "title": "My <SaaS> API", "description": "First.\n\nSecond." },
            "servers": [{ "url": "https://app.example" }],
            "tags": [{ "name": "Services" }],
            "paths": { "/api/v1/services/{name}/runs": { "post": {
                "operationId": "run_service",
                "tags": ["Services"],
                "summary": "Run a service",
                "description": "Runs it.",
                "parameters": [{
                    "name": "name", "in": "path", "required": true, "example": "demo",
                    "description": "The service.", "schema": { "type": "string" },
                }],
                "requestBody": { "content": { "application/json": {
                    "schema": { "properties": { "text": field }, "required": ["text"] },
                    "example": { "text": "It's \"good\"" },
                } } },
                "responses": {
                    "200": { "description": "Done", "content": { "application/json": {
                        "schema": { "properties": { "id": { "type": ["string", "null"] } } },
                        "example": { "id": "1" },
                    } } },
                    "404": { "content": { "application/problem+json": { "examples": problem } } },
                },
            } } },
        }))
    }
}
