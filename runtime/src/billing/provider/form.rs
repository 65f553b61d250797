//! Requests as the provider takes them: nested fields as `items[0][price]`, URL-encoded.

use serde_urlencoded::to_string;

/// The fields of a request, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.0.push((name.into(), value.to_string()));
        self
    }

    /// Adds a field if `condition` holds.
    #[must_use]
    pub fn with_if(self, condition: bool, name: &str, value: impl ToString) -> Self {
        if condition {
            self.with(name, value)
        } else {
            self
        }
    }

    /// As a body or a query.
    pub fn encode(&self) -> String {
        to_string(&self.0).unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_names_are_encoded() {
        let fields = Fields::default()
            .with("items[0][price]", "price_1")
            .with("metadata[order]", "a b&c")
            .with_if(false, "left", "out");
        assert_eq!(
            fields.encode(),
            "items%5B0%5D%5Bprice%5D=price_1&metadata%5Border%5D=a+b%26c"
        );
    }
}
