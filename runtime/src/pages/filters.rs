//! What templates can call: `asset('css/app.css')`, `{{ at|datetime }}`, `{{ n|plural('run', 'runs') }}`,
//! `{{ text|ticks }}`.

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, HtmlEscape};

use crate::clock::Timestamp;
use crate::http::Assets;

pub(super) fn install(environment: &mut Environment<'static>, assets: Assets) {
    environment.add_function("asset", move |path: &str| {
        // Paths of files are the developer's own words and need no escape.
        assets
            .url(path)
            .map(Value::from_safe_string)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidOperation,
                    format!("there is no file static/{path}"),
                )
            })
    });
    environment.add_filter("datetime", datetime);
    environment.add_filter("plural", plural);
    environment.add_filter("ticks", ticks);
}

/// Microseconds since the epoch as a `<time>` element.
fn datetime(micros: i64) -> Value {
    let at = Timestamp::from_micros(micros);
    Value::from_safe_string(format!(
        r#"<time datetime="{}">{}</time>"#,
        at.rfc3339(),
        at.human()
    ))
}

/// What stands between backticks as `<code>`; all of it escaped.
fn ticks(text: &str) -> Value {
    let mut html = String::new();
    for (number, part) in text.split('`').enumerate() {
        let part = HtmlEscape(part);
        html += &match number % 2 {
            0 => part.to_string(),
            _ => format!("<code>{part}</code>"),
        };
    }
    Value::from_safe_string(html)
}

/// `1 run`, `2 runs`.
fn plural(count: i64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code() {
        let html = |text| ticks(text).to_string();
        assert_eq!(html("a `<b>` & c"), "a <code>&lt;b&gt;</code> &amp; c");
        assert_eq!(html("plain"), "plain");
    }
}
