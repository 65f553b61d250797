//! What a template sees: the page's own fields, and what every page has, made only when it is asked for.

use std::sync::{Arc, OnceLock};

use minijinja::value::{Object, ObjectRepr, Serde, Value};

use crate::http::{Message, Visit, VisitCookie};

/// What writes instants in the way of whoever looks at a page: for the filter `datetime`.
pub(super) const TIME_WRITER: &str = "time_writer";

/// What is asked for more than once on most pages, from then on.
#[derive(Debug, Default)]
struct Made {
    time_writer: OnceLock<Value>,
    user: OnceLock<Value>,
    nav: OnceLock<Value>,
    color_scheme: OnceLock<&'static str>,
    csrf_field: OnceLock<Value>,
}

fn time_writer(visit: &Visit) -> Value {
    let principal = visit.principal();
    let style = principal.map(|principal| principal.times);
    Value::from_object(style.unwrap_or_default().writer())
}

/// The root of a template's names. The page's own fields win.
#[derive(Debug)]
pub(super) struct PageContext {
    visit: VisitObject,
    messages: Vec<Message>,
    page: Value,
    made: Made,
}

#[derive(Clone)]
struct VisitObject(Visit);

impl std::fmt::Debug for VisitObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Visit({})", self.0.path())
    }
}

impl PageContext {
    pub(super) fn new(visit: Visit, messages: Vec<Message>, page: Value) -> Self {
        Self {
            visit: VisitObject(visit),
            messages,
            page,
            made: Made::default(),
        }
    }
}

impl Object for PageContext {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Value> {
        let own = self.page.get_attr(name).ok();
        let own = own.filter(|value| !value.is_undefined());
        if own.is_some() {
            return own;
        }
        let visit = &self.visit.0;
        match name {
            "site" => Some(visit.core().site_value()),
            "user" => Some(self.made.user.get_or_init(|| user(visit)).clone()),
            "nav" => Some(self.made.nav.get_or_init(|| nav(visit)).clone()),
            "messages" => Some(Value::from(Serde(&self.messages))),
            "path" => Some(visit.path().into()),
            "path_and_query" => Some(visit.path_and_query().into()),
            TIME_WRITER => Some(
                self.made
                    .time_writer
                    .get_or_init(|| time_writer(visit))
                    .clone(),
            ),
            "request_id" => Some(visit.request_id().into()),
            "color_scheme" => {
                let chosen = self.made.color_scheme.get_or_init(|| color_scheme(visit));
                Some((*chosen).into())
            }
            "csrf_token" => Some(visit.csrf_token().into()),
            "csrf_field" => Some(
                self.made
                    .csrf_field
                    .get_or_init(|| csrf_field(visit))
                    .clone(),
            ),
            _ => None,
        }
    }
}

/// `none` for a visitor; else `{id, email, name, display_name, picture, role, acted_by, is_staff}`.
fn user(visit: &Visit) -> Value {
    let Some(principal) = visit.principal() else {
        return Value::from(());
    };
    minijinja::context! {
        id => principal.id.as_str(),
        email => &principal.email,
        name => &principal.name,
        display_name => principal.display_name(),
        picture => principal.picture.as_deref(),
        role => principal.role.as_str(),
        acted_by => principal.acted_by.as_ref().map(|staff| staff.email.as_str()),
        is_staff => visit.may(crate::http::Permission::ViewStaffArea),
    }
}

fn nav(visit: &Visit) -> Value {
    Value::from_object(visit.core().navigation(visit))
}

/// What this person chose: `light`, `dark`, or `system`.
fn color_scheme(visit: &Visit) -> &'static str {
    match visit.cookie(VisitCookie::Theme).as_deref() {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "system",
    }
}

fn csrf_field(visit: &Visit) -> Value {
    let token = visit.csrf_token();
    Value::from_safe_string(format!(
        r#"<input type="hidden" name="csrf" value="{token}">"#
    ))
}
