//! Refusals in the description: one schema a code, so that clients can tell them apart by their types.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::schemas::Schemas;
use crate::http::{Member, MemberValue, Refusal, type_name};

/// The answer with `status`, which is one of `refusals`.
pub(super) fn response(
    status: StatusCode,
    refusals: &[&'static Refusal],
    schemas: &mut Schemas,
) -> Value {
    let mut mapping = Map::new();
    let mut variants = Vec::new();
    let mut examples = Map::new();
    for refusal in refusals {
        let variant = schemas.name(&name(refusal), schema(refusal));
        mapping.insert(refusal.code.into(), variant["$ref"].clone());
        variants.push(variant);
        let example = json!({ "summary": refusal.detail, "value": example(refusal) });
        examples.insert(refusal.code.into(), example);
    }
    let schema = match variants.len() {
        1 => variants.remove(0),
        _ => json!({
            "oneOf": variants,
            "discriminator": { "propertyName": "code", "mapping": mapping },
        }),
    };
    json!({
        "description": description(status, refusals),
        "headers": headers(status),
        "content": { "application/problem+json": { "schema": schema, "examples": examples } },
    })
}

fn name(refusal: &Refusal) -> String {
    format!("{}Problem", type_name(refusal.code))
}

fn description(status: StatusCode, refusals: &[&'static Refusal]) -> String {
    let codes: Vec<_> = refusals
        .iter()
        .map(|one| format!("`{}`", one.code))
        .collect();
    let reason = status.canonical_reason().unwrap_or("Error");
    format!("{reason}: {}", codes.join(", "))
}

fn headers(status: StatusCode) -> Value {
    let mut names = vec!["X-Request-Id"];
    if status == StatusCode::UNAUTHORIZED {
        names.push("WWW-Authenticate");
    } else if !status.is_server_error() {
        // What fails on our side may fail before anybody knows whose key it is.
        names.extend(["RateLimit", "RateLimit-Policy"]);
    }
    if [StatusCode::TOO_MANY_REQUESTS, StatusCode::CONFLICT].contains(&status) {
        names.push("Retry-After");
    }
    super::operation::header_references(&names)
}

fn example(refusal: &Refusal) -> Value {
    let mut problem = json!({
        "type": "about:blank",
        "title": refusal.status.canonical_reason().unwrap_or("Error"),
        "status": refusal.status.as_u16(),
        "code": refusal.code,
        "detail": refusal.detail,
        "request_id": "019ab3f0-5c1e-7c3a-9a51-2f4b8c6d7e80",
    });
    for member in refusal.members {
        problem[member.name] = match member.value {
            MemberValue::Text(text) => json!(text),
            MemberValue::Texts(texts) => texts.iter().map(|(name, text)| (*name, *text)).collect(),
        };
    }
    problem
}

fn schema(refusal: &Refusal) -> Value {
    let mut properties = json!({
        "type": { "type": "string", "const": "about:blank" },
        "title": { "type": "string", "description": "The status in words." },
        "status": { "type": "integer", "const": refusal.status.as_u16() },
        "code": { "type": "string", "const": refusal.code },
        "detail": { "type": "string", "description": "What is wrong, in a sentence for people." },
        "request_id": { "type": "string", "description": "Under which the request is found in the logs." },
    });
    let usual = ["type", "title", "status", "code", "detail", "request_id"];
    let mut required: Vec<&str> = usual.to_vec();
    for member in refusal.members {
        properties[member.name] = member_schema(member);
        if member.is_required {
            required.push(member.name);
        }
    }
    json!({
        "type": "object",
        "description": refusal.detail,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn member_schema(member: &Member) -> Value {
    match member.value {
        MemberValue::Text(_) => json!({ "type": "string", "description": member.description }),
        MemberValue::Texts(_) => json!({
            "type": "object",
            "description": member.description,
            "additionalProperties": { "type": "string" },
        }),
    }
}
