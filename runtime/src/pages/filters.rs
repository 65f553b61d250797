//! What templates can call: `asset('css/app.css')`, `{{ at|datetime }}`, `{{ n|plural('run', 'runs') }}`,
//! `{{ text|ticks }}`.

use std::collections::BTreeMap;

use minijinja::value::Value;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, HtmlEscape, Output, State, escape_formatter,
};

use super::context::TIME_WRITER;
use crate::clock::Timestamp;
use crate::http::Assets;
use crate::times::TimeWriter;

pub(super) fn install(environment: &mut Environment<'static>, assets: Assets) {
    // Paths of files are the developer's own words and need no escape.
    let settled: BTreeMap<_, _> = assets
        .settled()
        .map(|(path, url)| (path, Value::from_safe_string(url)))
        .collect();
    environment.add_function("asset", move |path: &str| {
        let url = settled.get(path).cloned();
        url.or_else(|| assets.url(path).map(Value::from_safe_string))
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
    environment.set_formatter(write_value);
}

/// As minijinja writes a value, but without an escape for `/`, which means nothing in HTML: paths stay readable.
fn write_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if *state.auto_escape() == AutoEscape::Html && !value.is_safe() => {
            Ok(write_escaped(out, text)?)
        }
        _ => escape_formatter(out, state, value),
    }
}

fn write_escaped(out: &mut impl std::fmt::Write, text: &str) -> std::fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        out.write_str(&rest[..at])?;
        out.write_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#x27;",
        })?;
        rest = &rest[at + 1..];
    }
    out.write_str(rest)
}

/// Microseconds since the epoch as a `<time>` element, in the way of whoever looks at the page.
fn datetime(state: &State, micros: i64) -> Value {
    let at = Timestamp::from_micros(micros);
    let writer = state.lookup(TIME_WRITER);
    let writer = writer
        .as_ref()
        .and_then(Value::downcast_object_ref::<TimeWriter>);
    let human = writer.map_or_else(|| at.human(), |writer| writer.human(at));
    Value::from_safe_string(format!(
        r#"<time datetime="{}">{}</time>"#,
        at.rfc3339(),
        HtmlEscape(&human)
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

    #[test]
    fn what_means_something_in_html_is_escaped_and_nothing_else() {
        let mut environment = Environment::new();
        environment.set_formatter(write_value);
        let context = minijinja::context! {
            text => r#"/a?b=é&c=<d>"'"#, number => 7, safe => Value::from_safe_string("<hr>".into()),
        };
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        let html = environment.render_str("{{ text }} {{ number }} {{ safe }}", &context);
        assert_eq!(html.unwrap(), "/a?b=é&amp;c=&lt;d&gt;&quot;&#x27; 7 <hr>");
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        let plain = environment.render_str("{{ text }}", &context);
        assert_eq!(plain.unwrap(), r#"/a?b=é&c=<d>"'"#);
    }
}
