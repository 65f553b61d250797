//! The template engine of scaffolding: `<% %>`, `<%= %>` and `<%# %>`, strict, without escaping.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Object, Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use super::Inputs;
use super::context::RenderContext;
use crate::catalogue::option::quoted;
use crate::catalogue::template::Template;
use crate::project::names::Word;

/// Renders templates that end in `.j2`.
pub struct Engine {
    environment: Environment<'static>,
    syntax: SyntaxConfig,
}

/// The result of one template.
pub struct Rendered {
    /// The text.
    pub text: String,
    /// True when the template asked for a secret.
    pub holds_secret: bool,
}

impl Engine {
    /// An engine with the filters that templates know: `quote` and `package_in_order`.
    pub fn new() -> Result<Self> {
        let syntax = SyntaxConfig::builder()
            .block_delimiters("<%", "%>")
            .variable_delimiters("<%=", "%>")
            .comment_delimiters("<%#", "%>")
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?;
        let mut environment = Environment::new();
        environment.set_syntax(syntax.clone());
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.add_filter("quote", |text: &str| quoted(text));
        environment.add_filter("package_in_order", package_in_order);
        Ok(Self {
            environment,
            syntax,
        })
    }

    /// How tags are written and what becomes of the whitespace around them.
    pub fn syntax(&self) -> &SyntaxConfig {
        &self.syntax
    }

    /// Renders one template. An error names it and the line.
    pub fn render(
        &self,
        template: &Template,
        values: &RenderContext,
        inputs: &Inputs,
    ) -> Result<Rendered> {
        let source = std::str::from_utf8(&template.bytes)
            .with_context(|| format!("{} is not UTF-8", template.origin))?;
        self.render_text(&template.origin, source, values, inputs)
    }

    /// Renders a text that is to stand at `origin`.
    pub fn render_text(
        &self,
        origin: &str,
        source: &str,
        values: &RenderContext,
        inputs: &Inputs,
    ) -> Result<Rendered> {
        let secrets = Arc::new(Secrets {
            values: inputs.secrets.clone(),
            asked: AtomicBool::new(false),
        });
        let context = context! { secret => Value::from_dyn_object(secrets.clone()), ..Value::from(Serde(values)) };
        let text = self.environment.render_named_str(origin, source, context)?;
        Ok(Rendered {
            text,
            holds_secret: secrets.asked.load(Ordering::Relaxed),
        })
    }
}

/// The secrets by name; remembers whether one was asked for.
#[derive(Debug)]
struct Secrets {
    values: BTreeMap<Word, String>,
    asked: AtomicBool,
}

impl Object for Secrets {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let value = self.values.get(key.as_str()?)?;
        self.asked.store(true, Ordering::Relaxed);
        Some(Value::from(value.as_str()))
    }
}

/// A lockfile's packages, of which the first is out of order: puts it where cargo would, by its name.
fn package_in_order(packages: &str) -> String {
    const START: &str = "[[package]]\n";
    let mut packages: Vec<&str> = packages.split(START).skip(1).map(str::trim_end).collect();
    // Stable: several versions of one package stay in their order.
    packages.sort_by_key(|package| package.lines().next().unwrap_or_default().to_owned());
    let packages: Vec<String> = packages
        .iter()
        .map(|package| format!("{START}{package}\n"))
        .collect();
    packages.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_put_where_cargo_puts_it() {
        let package = |name: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n");
        let text = [
            package("b"),
            package("a"),
            package("a-b"),
            package("a1"),
            package("c"),
        ]
        .join("\n");
        let sorted = [
            package("a"),
            package("a-b"),
            package("a1"),
            package("b"),
            package("c"),
        ]
        .join("\n");
        assert_eq!(package_in_order(&text), sorted);
    }
}
