//! A small catalogue for tests: options of every type, requirements, a conflict and an option that is fixed.

use super::template::Source;
use super::{Catalogue, Pack};

const MANIFESTS: &[(&str, &str)] = &[
    ("base/base.yml", "secrets: []"),
    ("themes/htmx/theme.yml", "{name: htmx, summary: pages}"),
    ("themes/react/theme.yml", "{name: react, summary: an application in the browser}"),
    (
        "modules/auth/module.yml",
        "name: auth
summary: accounts
feature: auth
options:
  registration: {type: enum, rust_type: Registration, values: [open, closed], default: open, description: Who may come}
  remember: {type: bool, default: true, description: Whether people stay signed in}
  greeting: {type: string, default: Hello, description: What newcomers read}
environment:
  AUTH_PEPPER: {description: Is mixed into every password, secret: true}
",
    ),
    (
        "modules/billing/module.yml",
        "name: billing
summary: payments
requires: [auth]
conflicts: [gifts]
feature: billing
options:
  currency: {type: enum, rust_type: Currency, values: [eur, usd], default: eur, description: What people pay in,
             fixed: the amounts in the database are in it}
  trial_days: {type: integer, default: 14, min: 0, max: 90, description: How long newcomers pay nothing}
  bonus: {type: credits, default: 2.5, min: 0, max: 1000000, description: What a purchase brings on top}
",
    ),
    (
        "modules/gifts/module.yml",
        "name: gifts
summary: credits as presents
requires: [auth]
feature: gifts
options:
  cards:
    type: list
    rust_type: Card
    key: id
    description: What can be given
    fields:
      id: {type: id, description: Its name for machines}
      name: {type: string, description: Its name for people}
      credits: {type: credits, min: 0.001, default: 10, description: What it brings}
      prices: {type: prices, description: What it costs, currencies: {0: jpy, 2: eur usd, 3: kwd}}
    default: []
",
    ),
    (
        "modules/services/module.yml",
        "{name: services, summary: work for pay, requires: [billing], feature: services}",
    ),
];

/// The catalogue.
pub fn catalogue() -> Catalogue {
    with_base(&[])
}

/// The catalogue with more files below `base/`.
pub fn with_base(files: &[(&str, &str)]) -> Catalogue {
    let base = files
        .iter()
        .map(|(path, text)| Source::new(format!("base/{path}"), *text));
    let manifests = MANIFESTS
        .iter()
        .map(|(path, text)| Source::new(*path, *text));
    let mut project: Vec<Source> = base.chain(manifests).collect();
    project.sort_by(|one, other| one.path.cmp(&other.path));
    let pack = Pack {
        project,
        ..Pack::default()
    };
    Catalogue::load(&pack).expect("the manifests are right")
}
