//! Lists are read as they are written, and each mistake is told.

use super::*;
use crate::catalogue::option::OptionManifest;

fn packs() -> OptionManifest {
    let yaml = "
            type: list
            rust_type: Pack
            key: id
            description: What is sold
            fields:
              id: {type: id, description: Its name for machines}
              name: {type: string, description: Its name for people}
              summary: {type: string, default: '', description: What it is}
              credits: {type: credits, min: 0.001, description: What it brings}
              prices: {type: prices, description: What it costs, currencies: {0: jpy, 2: eur usd, 3: kwd}}
            default:
              - {id: small, name: Small, credits: 200, prices: {eur: '5.00'}}
        ";
    serde_yaml::from_str(yaml).unwrap()
}

fn mistakes(yaml: &str) -> Vec<String> {
    let option = packs();
    let OptionKind::List(records) = &option.kind else {
        panic!("it is a list")
    };
    let document = yaml::parse(yaml).unwrap();
    let read = records.read(&document.root, "packs");
    let mistakes = read.err().unwrap_or_default();
    mistakes
        .into_iter()
        .map(|mistake| mistake.message)
        .collect()
}

#[test]
fn a_list_is_a_vector_of_records() {
    let option = packs();
    assert_eq!(
        option.kind.rust(&option.default, "billing"),
        "vec![quickscale_runtime::billing::Pack {
            id: String::from(\"small\"),
            name: String::from(\"Small\"),
            summary: String::from(\"\"),
            credits: quickscale_runtime::credits::Credits::from_milli(200_000),
            prices: vec![(String::from(\"eur\"), String::from(\"5.00\"))],
        }]"
    );
    assert_eq!(
        option
            .kind
            .rust(&option.kind.read("[]").unwrap(), "billing"),
        "Vec::new()"
    );
}

#[test]
fn a_list_reads_as_it_was_written() {
    let option = packs();
    let text = option.default.to_string();
    assert_eq!(option.kind.read(&text), Ok(option.default), "{text}");
}

#[test]
fn a_list_stands_in_a_new_file_as_people_write_it() {
    let option = packs();
    let text = option.kind.written(&option.default);
    let wanted = "
      - id: \"small\"
        name: \"Small\"
        credits: 200
        prices: { eur: 5.00 }";
    assert_eq!(text, wanted);
    assert_eq!(option.kind.read(&text), Ok(option.default.clone()));
    assert_eq!(option.kind.written(&OptionValue::List(Vec::new())), " []");
}

#[test]
fn every_mistake_is_told_with_its_path() {
    let told = mistakes(
        "- {id: Big Pack, name: ' ', credits: 0, prices: {ruo: 5, usd: free, eur: -1, jpy: 1.5, kwd: 0}}\n- {id: a, name: A, credit: 5, prices: {}}\n- none\n",
    );
    for part in [
        "packs[0].id: `Big Pack` is not an id",
        "packs[0].name: ` ` is not a text",
        "packs[0].credits: `0` is not an amount of credits",
        "packs[0].prices: `ruo` is no currency",
        "packs[0].prices.usd is no price",
        "packs[0].prices.eur is no price",
        "packs[0].prices.jpy is no price",
        "packs[0].prices.kwd is no price",
        "packs[1]: unknown key `credit`",
        "packs[1].credits is missing",
        "packs[1].prices wants an amount for at least one currency",
        "packs[2]: a mapping is wanted here",
    ] {
        assert!(
            told.iter().any(|one| one.contains(part)),
            "{part}: {told:?}"
        );
    }
    assert_eq!(told.len(), 12, "{told:?}");
    assert_eq!(mistakes("small"), ["`packs` wants a list"]);
    assert!(mistakes("").is_empty());
    assert!(
        mistakes("- {id: a, name: A, credits: 5, prices: {jpy: 800, kwd: 2.505, usd: 1}}")
            .is_empty()
    );
}

#[test]
fn two_of_one_key_are_told_in_whatever_list_they_stand() {
    let option = packs();
    let OptionKind::List(records) = &option.kind else {
        panic!("it is a list")
    };
    let one = yaml::parse("[{id: a}, {id: b}]").unwrap();
    let other = yaml::parse("[{id: c}, {id: a}]").unwrap();
    assert!(twins(&[(records, &one.root)]).is_empty());
    let told = twins(&[(records, &one.root), (records, &other.root)]);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].message, "there are two with the id `a`");
    let twice = option.default.to_string().replace(['[', ']'], "");
    assert!(option.kind.read(&format!("[{twice}, {twice}]")).is_err());
}
