//! A call in the languages that most people who call APIs write.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

/// A call as a program writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snippet {
    pub language: &'static str,
    pub code: String,
}

/// A call, with the address and the body of an example.
#[derive(Debug)]
pub struct Request<'a> {
    /// In lower case.
    pub method: &'a str,
    pub url: String,
    pub body: Option<&'a Value>,
    /// Whether the answer goes on as long as something happens.
    pub is_stream: bool,
}

impl Request<'_> {
    pub fn snippets(&self) -> Vec<Snippet> {
        vec![
            Snippet {
                language: "curl",
                code: self.curl(),
            },
            Snippet {
                language: "Python",
                code: self.python(),
            },
            Snippet {
                language: "TypeScript",
                code: self.typescript(),
            },
        ]
    }

    /// For the shells and the curl of every system that is still looked after, without further programs.
    fn curl(&self) -> String {
        let unbuffered = if self.is_stream { "-N " } else { "" };
        let mut code = format!("curl {unbuffered}{} \\\n", shell(&self.url));
        code += "  -H \"Authorization: Bearer $API_KEY\"";
        if let Some(body) = self.body {
            code +=
                " \\\n  -H \"Idempotency-Key: $(od -An -N16 -tx1 /dev/urandom | tr -d ' \\n')\"";
            code += " \\\n  -H 'Content-Type: application/json'";
            let _ = write!(code, " \\\n  -d {}", shell(&body.to_string()));
        }
        code
    }

    /// With the standard library alone.
    fn python(&self) -> String {
        let import = |name| format!("import {name}\n");
        let mut names = vec!["os", "urllib.request"];
        if !self.is_stream {
            names.insert(0, "json");
        }
        if self.body.is_some() {
            names.push("uuid");
        }
        let mut code: String = names.into_iter().map(import).collect();
        let _ = write!(
            code,
            "\nrequest = urllib.request.Request(\n    {},\n",
            quoted(&self.url)
        );
        if let Some(body) = self.body {
            let _ = writeln!(code, "    data=json.dumps({}).encode(),", python(body));
        }
        code += "    headers={\n        \"Authorization\": f\"Bearer {os.environ['API_KEY']}\",\n";
        if self.body.is_some() {
            code += "        \"Content-Type\": \"application/json\",\n";
            code += "        \"Idempotency-Key\": str(uuid.uuid4()),\n";
        }
        code += "    },\n)\nwith urllib.request.urlopen(request) as response:\n";
        code += if self.is_stream {
            "    for line in response:\n        print(line.decode(), end=\"\")"
        } else {
            "    print(json.load(response))"
        };
        code
    }

    fn typescript(&self) -> String {
        let mut code = format!("const response = await fetch({}, {{\n", quoted(&self.url));
        if self.body.is_some() {
            let _ = writeln!(code, "  method: {},", quoted(&self.method.to_uppercase()));
        }
        code += "  headers: {\n    Authorization: `Bearer ${process.env.API_KEY}`,\n";
        if self.body.is_some() {
            code += "    \"Content-Type\": \"application/json\",\n";
            code += "    \"Idempotency-Key\": crypto.randomUUID(),\n";
        }
        code += "  },\n";
        if let Some(body) = self.body {
            let _ = writeln!(code, "  body: JSON.stringify({body}),");
        }
        code += "});\nif (!response.ok) throw new Error(await response.text());\n";
        code += if self.is_stream {
            "const text = response.body?.pipeThrough(new TextDecoderStream()) ?? [];\n\
             for await (const part of text) console.log(part);"
        } else {
            "console.log(await response.json());"
        };
        code
    }
}

/// A word of the shell's.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A text as JSON, Python and TypeScript write it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// JSON as Python writes it.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(python).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let pairs = map.iter();
            let pairs = pairs.map(|(name, value)| format!("{}: {}", quoted(name), python(value)));
            let pairs: Vec<_> = pairs.collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_quoted_as_each_language_wants_it() {
        let body = json!({ "text": "it's \"good\"", "loud": true, "tags": [null] });
        let request = Request {
            method: "post",
            url: "https://app.example/runs".into(),
            body: Some(&body),
            is_stream: false,
        };
        let [curl, python, typescript] = &request.snippets()[..] else {
            panic!("there are three");
        };
        assert!(
            curl.code
                .contains(r#"'{"text":"it'\''s \"good\"","loud":true,"tags":[null]}'"#)
        );
        assert!(
            python
                .code
                .contains(r#"json.dumps({"text": "it's \"good\"", "loud": True, "tags": [None]})"#)
        );
        assert!(typescript.code.contains(r#"method: "POST""#));
    }
}
