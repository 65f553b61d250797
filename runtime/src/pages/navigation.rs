//! The links of a page, as its template sees them.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Serde, Value, from_args};
use minijinja::{Error, ErrorKind, State};
use serde::Deserialize as _;
use serde::de::value::{Error as NameError, StrDeserializer};

use crate::module::{NavItem, NavPlace};

/// A link, and what templates see of it: `{label, path, place}`.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub item: NavItem,
    value: Value,
}

impl From<NavItem> for Link {
    fn from(item: NavItem) -> Self {
        let value = Value::from(Serde(&item));
        Self { item, value }
    }
}

/// The links that whoever looks at a page may follow: a list, which also knows those of one place (`nav.main`) and whether
/// one of them leads somewhere (`nav.leads_to('/pricing')`).
#[derive(Debug)]
pub(crate) struct Navigation(Vec<Link>);

impl<'a> FromIterator<&'a Link> for Navigation {
    fn from_iter<I: IntoIterator<Item = &'a Link>>(links: I) -> Self {
        Self(links.into_iter().cloned().collect())
    }
}

impl Object for Navigation {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let Some(name) = key.as_str() else {
            return Some(self.0.get(key.as_usize()?)?.value.clone());
        };
        let place = NavPlace::deserialize(StrDeserializer::<NameError>::new(name)).ok()?;
        let links = self.0.iter().filter(|link| link.item.place == place);
        Some(links.map(|link| link.value.clone()).collect())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.0.len())
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if method != "leads_to" {
            return Err(ErrorKind::UnknownMethod.into());
        }
        let (path,): (&str,) = from_args(args)?;
        Ok(self.0.iter().any(|link| link.item.path == path).into())
    }
}

#[cfg(test)]
mod tests {
    use minijinja::{Environment, UndefinedBehavior, context};

    use super::*;
    use crate::http::Access;

    fn nav() -> Value {
        let item = |label, path, place| {
            Link::from(NavItem {
                label,
                path,
                place,
                access: Access::Public,
                flag: None,
                order: 0,
            })
        };
        let links = [
            item("Home", "/", NavPlace::Main),
            item("Sign in", "/accounts/login", NavPlace::Visitor),
            item("Prices", "/pricing", NavPlace::Main),
        ];
        Value::from_object(links.iter().collect::<Navigation>())
    }

    fn render(template: &str) -> Result<String, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.render_str(template, context! { nav => nav() })
    }

    #[test]
    fn it_is_a_list_of_links() {
        let all =
            "{% for item in nav %}{{ item.label }}={{ item.path }} {% endfor %}{{ nav | length }}";
        let expected = "Home=/ Sign in=/accounts/login Prices=/pricing 3";
        assert_eq!(render(all).unwrap(), expected);
    }

    #[test]
    fn a_place_has_its_own_links_in_their_order() {
        let main = "{{ nav.main | map(attribute='label') | join(',') }}";
        assert_eq!(render(main).unwrap(), "Home,Prices");
        let none = "{{ 'some' if nav.staff else 'none' }}";
        assert_eq!(render(none).unwrap(), "none");
        assert!(render("{% for item in nav.nowhere %}{% endfor %}").is_err());
    }

    #[test]
    fn it_knows_where_it_leads() {
        let leads =
            |path| render(&format!("{{{{ 1 if nav.leads_to('{path}') else 0 }}}}")).unwrap();
        assert_eq!(
            (leads("/pricing"), leads("/price")),
            ("1".into(), "0".into())
        );
        assert!(render("{{ nav.leads_to() }}").is_err());
    }
}
