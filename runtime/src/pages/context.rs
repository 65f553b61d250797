//! What a template sees: the page's own fields, and what every page has, made only when it is asked for.

use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Serde, Value};

use crate::http::{Message, Visit, VisitCookie};

/// The root of a template's names. The page's own fields win.
#[derive(Debug)]
pub(super) struct PageContext {
    visit: VisitObject,
    messages: Vec<Message>,
    page: Value,
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
        }
    }
}

impl Object for PageContext {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let own = self
            .page
            .get_item(key)
            .ok()
            .filter(|value| !value.is_undefined());
        if own.is_some() {
            return own;
        }
        let visit = &self.visit.0;
        match key.as_str()? {
            "site" => Some(visit.core().site_value()),
            "user" => Some(user(visit)),
            "nav" => Some(Value::from(Serde(visit.core().navigation(visit)))),
            "messages" => Some(Value::from(Serde(&self.messages))),
            "path" => Some(visit.path().into()),
            "path_and_query" => Some(visit.path_and_query().into()),
            "request_id" => Some(visit.request_id().into()),
            "color_scheme" => Some(color_scheme(visit).into()),
            "csrf_token" => Some(visit.csrf_token().into()),
            "csrf_field" => Some(csrf_field(visit)),
            _ => None,
        }
    }
}

/// `none` for a visitor; else `{id, email, name, display_name, role, acted_by, is_staff}`.
fn user(visit: &Visit) -> Value {
    let Some(principal) = visit.principal() else {
        return Value::from(());
    };
    minijinja::context! {
        id => principal.id.as_str(),
        email => &principal.email,
        name => &principal.name,
        display_name => principal.display_name(),
        role => principal.role.as_str(),
        acted_by => principal.acted_by.as_ref().map(|staff| staff.email.as_str()),
        is_staff => visit.may(crate::http::Permission::ViewStaffArea),
    }
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
