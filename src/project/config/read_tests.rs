//! The table of mistakes: each stands at a place and says what would do.

use super::super::{AppliedConfig, Config, Environment};
use super::*;
use crate::catalogue::option::OptionValue;
use crate::catalogue::sample;
use crate::project::yaml::Place;

/// Everything that every file needs, and then `rest`.
fn file(rest: &str) -> String {
    format!("version: 1\nproject: {{ name: My SaaS, slug: my-saas }}\ntheme: htmx\n{rest}")
}

fn read(rest: &str) -> Config {
    let text = file(rest);
    let config = Config::parse(&text, &sample::catalogue(), None);
    config.unwrap_or_else(|mistakes| panic!("{text}\n{mistakes:#?}"))
}

/// `line:column message | label` of each mistake.
fn mistakes(text: &str, applied: Option<&AppliedConfig>) -> Vec<String> {
    let mistakes = Config::parse(text, &sample::catalogue(), applied).unwrap_err();
    let line = |mistake: &Mistake| {
        let place = Place::of(text, mistake.span.start);
        let label = match &mistake.related {
            Some((span, label)) => format!("{} {label}", Place::of(text, span.start)),
            None => mistake.label.clone(),
        };
        format!("{place} {} | {label}", mistake.message)
    };
    mistakes.iter().map(line).collect()
}

#[test]
fn every_mistake_has_its_place_and_what_would_do() {
    for (rest, wanted) in [
        (
            "modules: {atuh: {}}",
            vec!["4:11 unknown module `atuh` | did you mean `auth`?"],
        ),
        (
            "modules: {chess: {}}",
            vec!["4:11 unknown module `chess` | there is auth, billing, gifts, services"],
        ),
        (
            "modules:\n  auth: {registraton: open}",
            vec!["5:10 unknown option of auth `registraton` | did you mean `registration`?"],
        ),
        (
            "modules: {auth: {}, services: {x: 1}, billing: {}}",
            vec!["4:32 unknown option of services `x` | there is none"],
        ),
        (
            "modules: {auth: {}, gifts: {cards: [{id: a, name: A, price: {}}, {id: a, name: A, prices: {ueur: 1}}]}}",
            vec![
                "4:37 cards[0].prices is missing | What it costs",
                "4:54 cards[0]: unknown key `price` | did you mean `prices`?",
                "4:71 there are two with the id `a` | 4:42 the first stands here",
                "4:92 cards[1].prices: `ueur` is no currency | did you mean `eur`?",
            ],
        ),
        (
            "modules: {auth: {registration: opne}}",
            vec!["4:32 `opne` is not one of open, closed | did you mean `open`?"],
        ),
        (
            "modules: {auth: {remember: yes}}",
            vec!["4:28 `yes` is not true or false | "],
        ),
        (
            "modules: {auth: {remember: }}",
            vec!["4:18 `remember` wants a value | nothing stands behind it"],
        ),
        (
            "modules: {auth: {remember: [true]}}",
            vec!["4:18 `remember` wants a plain value | "],
        ),
        (
            "modules: {auth: {}, billing: {trial_days: 91, bonus: 1.2345}}",
            vec![
                "4:43 `91` is not a whole number from 0 to 90 | ",
                "4:54 `1.2345` is not an amount of credits with at most three places from 0 to 1000000 | ",
            ],
        ),
        (
            "modules: {services: {}}",
            vec!["4:11 module services needs module billing | add `billing: {}`"],
        ),
        (
            "modules: {gifts: {}, billing: {}, auth: {}}",
            vec!["4:22 modules billing and gifts cannot stand together | 4:11 remove one of them"],
        ),
        (
            "modules: [auth]",
            vec!["4:10 a mapping is wanted here | write `key: value`"],
        ),
        (
            "modules: {auth: on}",
            vec!["4:17 a mapping is wanted here | write `key: value`"],
        ),
        (
            "moduels: {}",
            vec!["4:1 unknown key `moduels` | did you mean `modules`?"],
        ),
        (
            "theme: react",
            vec!["4:1 `theme` is there twice | 3:1 first here"],
        ),
        (
            "modules: {auth: {}, auth: {}}",
            vec!["4:21 `auth` is there twice | 4:11 first here"],
        ),
        (
            "modules: {auth: &a {remember: false}}",
            vec!["4:17 anchors, aliases and tags mean nothing here | "],
        ),
        (
            "environments: {prod: {}}",
            vec!["4:16 unknown environment `prod` | there is development, test, production"],
        ),
        (
            "environments: {producton: {}}",
            vec!["4:16 unknown environment `producton` | did you mean `production`?"],
        ),
        (
            "environments: {test: {theme: react}}",
            vec!["4:23 unknown key `theme` | there is modules"],
        ),
        (
            "environments: {test: {modules: {auth: {remember: false}}}}",
            vec![
                "4:33 module auth is not on, so it has no options here | add `auth` to `modules`, or remove this",
            ],
        ),
        (
            "modules: {auth: {}}\nenvironments: {test: {modules: {auth: {remember: no}, atuh: {}}}}",
            vec![
                "5:50 `no` is not true or false | ",
                "5:55 unknown module `atuh` | did you mean `auth`?",
            ],
        ),
        (
            "modules: {auth: {}",
            vec!["4:19 while parsing a flow mapping, did not find expected ',' or '}' | "],
        ),
    ] {
        assert_eq!(mistakes(&file(rest), None), wanted, "{rest}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = "version: 2\nproject:\n  name: ' '\n  slug: My SaaS\ntheme: htmlx\nmodules:\n  auth: {registration: x, remember: 1}\n  bilding: {}\nenvironments:\n  live: {}\n";
    assert_eq!(
        mistakes(text, None),
        [
            "1:10 version 2 of this file is not known | this quickscale knows version 1",
            "3:9 a project needs a name | ",
            "4:9 `My SaaS` cannot be the name of a package: it holds `M` | `my-saas` would do",
            "5:8 unknown theme `htmlx` | did you mean `htmx`?",
            "7:24 `x` is not one of open, closed | ",
            "7:37 `1` is not true or false | ",
            "8:3 unknown module `bilding` | did you mean `billing`?",
            "10:3 unknown environment `live` | there is development, test, production",
        ]
    );
    let nothing = ["version", "project", "theme"].map(|key| format!("1:1 `{key}` is missing | "));
    assert_eq!(mistakes("# nothing yet\n", None), nothing);
}

#[test]
fn a_stated_default_equals_an_absent_one() {
    let short = read("modules: {auth: , billing: ~}");
    for rest in [
        "modules:\n  auth: {registration: open, remember: 'true', greeting: Hello}\n  billing: {bonus: 2.500}",
        "modules: {auth: {}, billing: {}}\nenvironments: {production: {modules: {auth: {remember: true}}}}",
        "modules: {auth: {}, billing: {}}\nenvironments: {production: {modules: {auth: {}}}, test: {}, development: }",
    ] {
        assert_eq!(read(rest), short, "{rest}");
    }
    let same = "modules: {auth: {remember: false}}\nenvironments: {test: {modules: {auth: {remember: false}}}}";
    assert_eq!(read(same), read("modules: {auth: {remember: false}}"));
}

#[test]
fn an_environment_has_its_own_values() {
    let config = read(
        "modules: {auth: {remember: false}}\nenvironments:\n  production: {modules: {auth: {registration: closed}}}\n  test: {modules: {auth: {remember: true}}}\n",
    );
    let catalogue = sample::catalogue();
    let value = |environment, option| {
        let value = config.option_in(environment, &catalogue, "auth", option);
        value.unwrap().to_string()
    };
    assert_eq!(value(Environment::Production, "registration"), "closed");
    assert_eq!(value(Environment::Production, "remember"), "false");
    assert_eq!(value(Environment::Test, "remember"), "true");
    assert_eq!(value(Environment::Development, "registration"), "open");
    let base = config.option(&catalogue, "auth", "remember");
    assert_eq!(base, Some(OptionValue::Bool(false)));
    assert_eq!(config.option(&catalogue, "billing", "bonus"), None);
}

#[test]
fn a_fixed_option_stays_as_it_was_applied() {
    let catalogue = sample::catalogue();
    let applied = |rest| AppliedConfig::of(&read(rest), &catalogue);
    let euros = applied("modules: {auth: {}, billing: {}}");
    let again = |rest: &str, applied: &AppliedConfig| {
        let config = Config::parse(&file(rest), &catalogue, Some(applied));
        config.map_err(|mistakes| mistakes.len())
    };
    assert!(
        again(
            "modules: {auth: {}, billing: {currency: eur, bonus: 3}}",
            &euros
        )
        .is_ok()
    );
    assert!(again("modules: {auth: {}}", &euros).is_ok());
    assert!(
        again(
            "modules: {auth: {}, billing: {currency: usd}}",
            &applied("modules: {}")
        )
        .is_ok()
    );
    assert_eq!(
        mistakes(
            &file("modules: {auth: {}, billing: {currency: usd}}"),
            Some(&euros)
        ),
        [
            "4:41 `currency` of billing cannot change from `eur` to `usd`: the amounts in the database are in it | leave it at `eur`"
        ]
    );
    let dollars = applied("modules: {auth: {}, billing: {currency: usd}}");
    assert_eq!(
        mistakes(&file("modules: {auth: {}, billing: {}}"), Some(&dollars)),
        [
            "4:21 `currency` of billing cannot change from `usd` to `eur`: the amounts in the database are in it | leave it at `usd`"
        ]
    );
    let overlay = "modules: {auth: {}, billing: {}}\nenvironments: {test: {modules: {billing: {currency: usd}}}}";
    assert_eq!(mistakes(&file(overlay), Some(&euros)).len(), 1);
    assert!(again(overlay, &applied(overlay)).is_ok());
}
