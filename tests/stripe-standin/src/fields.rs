//! The fields of a request, read as strictly as Stripe reads them, and its words of refusal.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Why a request is not carried out, in Stripe's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub kind: &'static str,
    pub code: &'static str,
    pub message: String,
}

impl Refusal {
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: "invalid_request_error",
            code: "",
            message: message.into(),
        }
    }

    pub fn coded(self, kind: &'static str, code: &'static str) -> Self {
        Self { kind, code, ..self }
    }

    pub fn missing(kind: &str, id: &str) -> Self {
        let message = format!("No such {kind}: '{id}'");
        Self::new(404, message).coded("invalid_request_error", "resource_missing")
    }

    pub fn body(&self) -> Value {
        json!({"error": {"type": self.kind, "code": self.code, "message": self.message}})
    }
}

/// What a request was answered with.
pub type Done = Result<Value, Refusal>;

/// The fields by their names, `items[0][price]` and the like.
#[derive(Debug, Clone, Default)]
pub struct Fields(BTreeMap<String, String>);

/// The only ones that may be empty, which unsets them.
const UNSETTABLE: [&str; 1] = ["pause_collection"];

impl Fields {
    /// Takes a form or a query apart.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(text).map_err(|_| Refusal::new(400, "Invalid encoding"))?;
        let mut fields = BTreeMap::new();
        for (name, value) in pairs {
            if value.is_empty() && !UNSETTABLE.contains(&&*name) {
                let message = format!("You passed an empty string for '{name}'.");
                return Err(Refusal::new(400, message)
                    .coded("invalid_request_error", "parameter_invalid_empty"));
            }
            if fields.insert(name.clone(), value).is_some() {
                return Err(Refusal::new(400, format!("{name} is given twice")));
            }
        }
        Ok(Self(fields))
    }

    /// Refuses fields that the real one does not know.
    pub fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        let unknown = self.0.keys().find(|name| !known.contains(&name.as_str()));
        unknown.map_or(Ok(()), |name| {
            let message = format!("Received unknown parameter: {name}");
            Err(Refusal::new(400, message).coded("invalid_request_error", "parameter_unknown"))
        })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn text(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| {
            let message = format!("Missing required param: {name}.");
            Refusal::new(400, message).coded("invalid_request_error", "parameter_missing")
        })
    }

    pub fn number(&self, name: &str) -> Result<i64, Refusal> {
        let text = self.text(name)?;
        text.parse()
            .map_err(|_| Refusal::new(400, format!("Invalid integer: {text} ({name})")))
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => Err(Refusal::new(
                400,
                format!("Invalid boolean: {text} ({name})"),
            )),
        }
    }

    /// One of some words, where it is given.
    pub fn word(&self, name: &str, known: &[&str]) -> Result<(), Refusal> {
        match self.get(name) {
            Some(word) if !known.contains(&word) => {
                let all = known.join(", ");
                Err(Refusal::new(
                    400,
                    format!("Invalid {name}: must be one of {all}"),
                ))
            }
            _ => Ok(()),
        }
    }

    pub fn url(&self, name: &str) -> Result<&str, Refusal> {
        let text = self.text(name)?;
        let is_url = text.starts_with("https://") || text.starts_with("http://");
        if is_url {
            return Ok(text);
        }
        Err(Refusal::new(400, format!("Not a valid URL ({name})"))
            .coded("invalid_request_error", "url_invalid"))
    }

    /// `metadata[…]` below `prefix`, as an object.
    pub fn metadata(&self, prefix: &str) -> Value {
        let start = format!("{prefix}metadata[");
        let own = self.0.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix(&start)?.strip_suffix(']')?;
            Some((name.to_owned(), Value::from(value.as_str())))
        });
        Value::Object(own.collect())
    }
}

/// Amounts with three places have a 0 at the end; some currencies with two have none of them.
pub fn check_amount(amount: i64, currency: &str) -> Result<(), Refusal> {
    let step = match currency {
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 10,
        "isk" | "ugx" => 100,
        _ => 1,
    };
    if amount % step == 0 {
        return Ok(());
    }
    let message = format!("Invalid amount: {amount} is no multiple of {step} {currency}");
    Err(Refusal::new(400, message))
}
