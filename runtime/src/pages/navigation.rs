//! The links of a page, as its template sees them.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Serde, Value, from_args};
use minijinja::{Error, ErrorKind, State};
use serde::de::value::{Error as NameError, StrDeserializer};
use serde::{Deserialize as _, Serialize};

use crate::module::{NavItem, NavPlace};

/// What templates see of a link: `{label, path, place, current}`.
#[derive(Serialize)]
struct LinkView {
    label: &'static str,
    path: &'static str,
    place: NavPlace,
    current: Option<Current>,
}

/// How a link stands to the page that it is shown on: a value of `aria-current`.
#[derive(Clone, Copy, Serialize)]
enum Current {
    /// It leads to what the page is a part of.
    #[serde(rename = "true")]
    Above,
    /// It leads here.
    #[serde(rename = "page")]
    Here,
}

/// A link, with what most pages show of it.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub item: NavItem,
    value: Value,
}

impl From<NavItem> for Link {
    fn from(item: NavItem) -> Self {
        let value = view(&item, None);
        Self { item, value }
    }
}

fn view(item: &NavItem, current: Option<Current>) -> Value {
    Value::from(Serde(LinkView {
        label: item.label,
        path: item.path,
        place: item.place,
        current,
    }))
}

/// The links that whoever looks at a page may follow: a list, which also knows those of one place (`nav.main`) and whether
/// one of them leads somewhere (`nav.leads_to('/pricing')`).
#[derive(Debug)]
pub(crate) struct Navigation(Vec<Link>);

impl Navigation {
    /// `links` on the page at `path`. In each place, that which leads closest to it is `current`.
    pub fn new<'a>(links: impl Iterator<Item = &'a Link>, path: &str) -> Self {
        let mut links: Vec<_> = links.cloned().collect();
        let current = |link: &Link| match path.strip_prefix(link.item.path)? {
            "" => Some(Current::Here),
            rest => rest.starts_with('/').then_some(Current::Above),
        };
        for at in 0..links.len() {
            let Some(how) = current(&links[at]) else {
                continue;
            };
            let NavItem { place, path, .. } = links[at].item;
            let is_closer = |other: &Link| {
                other.item.place == place
                    && other.item.path.len() > path.len()
                    && current(other).is_some()
            };
            if !links.iter().any(is_closer) {
                links[at].value = view(&links[at].item, Some(how));
            }
        }
        Self(links)
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

    fn nav(path: &str) -> Value {
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
            item("Staff", "/admin", NavPlace::Staff),
            item("Users", "/admin/users", NavPlace::Staff),
        ];
        Value::from_object(Navigation::new(links.iter(), path))
    }

    fn render(template: &str) -> Result<String, Error> {
        render_at("/", template)
    }

    fn render_at(path: &str, template: &str) -> Result<String, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.render_str(template, context! { nav => nav(path) })
    }

    #[test]
    fn it_is_a_list_of_links() {
        let all =
            "{% for item in nav %}{{ item.label }}={{ item.path }} {% endfor %}{{ nav | length }}";
        let expected =
            "Home=/ Sign in=/accounts/login Prices=/pricing Staff=/admin Users=/admin/users 5";
        assert_eq!(render(all).unwrap(), expected);
    }

    #[test]
    fn a_place_has_its_own_links_in_their_order() {
        let main = "{{ nav.main | map(attribute='label') | join(',') }}";
        assert_eq!(render(main).unwrap(), "Home,Prices");
        let none = "{{ 'some' if nav.footer else 'none' }}";
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

    #[test]
    fn the_closest_link_of_a_place_is_current() {
        let all =
            "{% for item in nav if item.current %}{{ item.label }}={{ item.current }} {% endfor %}";
        for (path, expected) in [
            ("/", "Home=page "),
            ("/pricing", "Prices=page "),
            ("/pricing/old", "Prices=true "),
            ("/prices", ""),
            ("/admin", "Staff=page "),
            ("/admin/users", "Users=page "),
            ("/admin/users/7", "Users=true "),
            ("/admin/runs", "Staff=true "),
        ] {
            assert_eq!(render_at(path, all).unwrap(), expected, "{path}");
        }
    }
}
