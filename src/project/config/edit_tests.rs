//! Edits in every layout: by table, and at random.

use super::*;
use crate::error::hint_of;

fn word(text: &str) -> Word {
    text.parse().unwrap()
}

fn add(module: &str) -> Edit {
    Edit::AddModule(word(module))
}

fn remove(module: &str) -> Edit {
    Edit::RemoveModule(word(module))
}

fn choose(module: &str, option: &str, value: &str) -> Edit {
    let value = OptionValue::Choice(word(value));
    let (module, option) = (word(module), word(option));
    Edit::SetOption {
        module,
        option,
        value,
    }
}

fn write(module: &str, option: &str, text: &str) -> Edit {
    let value = OptionValue::Text(text.into());
    let (module, option) = (word(module), word(option));
    Edit::SetOption {
        module,
        option,
        value,
    }
}

#[track_caller]
fn becomes(before: &str, edits: &[Edit], after: &str) {
    assert_eq!(apply(before, edits).unwrap(), after, "{edits:?}\n{before}");
    let dos = |text: &str| text.replace('\n', "\r\n");
    assert_eq!(
        apply(&dos(before), edits).unwrap(),
        dos(after),
        "{edits:?}\r\n{before}"
    );
    let marked = |text: &str| format!("\u{feff}{text}");
    assert_eq!(apply(&marked(before), edits).unwrap(), marked(after));
}

#[test]
fn sets_an_option_where_it_stands() {
    for (before, after) in [
        (
            "modules:\n  auth:\n    a: x # keep\n",
            "modules:\n  auth:\n    a: y # keep\n",
        ),
        (
            "modules:\n  auth:\n    a:   'x'   # keep\n",
            "modules:\n  auth:\n    a:   'y'   # keep\n",
        ),
        (
            "modules: { auth: { a: \"x\", b: 1 } } # keep",
            "modules: { auth: { a: \"y\", b: 1 } } # keep",
        ),
        ("modules: {auth: {a: x}}\n", "modules: {auth: {a: y}}\n"),
        (
            "modules:\n  auth:\n    a: # why\n    b: 1\n",
            "modules:\n  auth:\n    a: y # why\n    b: 1\n",
        ),
        (
            "modules:\n  auth:\n    a: ~\n",
            "modules:\n  auth:\n    a: y\n",
        ),
        (
            "modules: { auth: { a, b: 1 } }\n",
            "modules: { auth: { a: y, b: 1 } }\n",
        ),
        (
            "modules:\n  auth:\n    a: >-\n      x\n\n    # keep\n    b: 1\n",
            "modules:\n  auth:\n    a: y\n\n    # keep\n    b: 1\n",
        ),
        (
            "modules:\n  auth:\n    a: y # same\n",
            "modules:\n  auth:\n    a: y # same\n",
        ),
        (
            "{ \"modules\" : {\"auth\":{\"a\":\"x\"}}}\n",
            "{ \"modules\" : {\"auth\":{\"a\":\"y\"}}}\n",
        ),
    ] {
        becomes(before, &[choose("auth", "a", "y")], after);
    }
}

#[test]
fn states_an_option_that_was_not_stated() {
    for (before, after) in [
        (
            "modules:\n  auth:\n    b: 1 # b\n  # next\n  x: {}\n",
            "modules:\n  auth:\n    b: 1 # b\n    a: y\n  # next\n  x: {}\n",
        ),
        (
            "modules:\n  auth:\n    b: 1\n    # a comment at the end\n",
            "modules:\n  auth:\n    b: 1\n    a: y\n    # a comment at the end\n",
        ),
        (
            "modules:\n  auth:\n    b: 1\n      # of b\n\n\ntheme: x\n",
            "modules:\n  auth:\n    b: 1\n      # of b\n    a: y\n\n\ntheme: x\n",
        ),
        (
            "modules:\n  auth: # on\n  x: {}\n",
            "modules:\n  auth: # on\n    a: y\n  x: {}\n",
        ),
        (
            "modules:\n    auth:\n    x: {}\n",
            "modules:\n    auth:\n        a: y\n    x: {}\n",
        ),
        (
            "modules:\n  auth: {} # on\n",
            "modules:\n  auth: { a: y } # on\n",
        ),
        ("modules:\n  auth: { }\n", "modules:\n  auth: { a: y }\n"),
        (
            "modules:\n  auth: ~ # on\n",
            "modules:\n  auth: { a: y } # on\n",
        ),
        ("modules:\n  auth: {b: 1}", "modules:\n  auth: {b: 1, a: y}"),
        (
            "modules:\n  auth: { b: 1, }\n",
            "modules:\n  auth: { b: 1, a: y, }\n",
        ),
        (
            "modules:\n  auth: {\n    b: 1 # b\n    }\n",
            "modules:\n  auth: {\n    b: 1, # b\n    a: y\n    }\n",
        ),
        (
            "modules:\n  auth: {\n    b: 1, # b\n    # end\n    }\n",
            "modules:\n  auth: {\n    b: 1, # b\n    a: y,\n    # end\n    }\n",
        ),
        (
            "modules:\n  auth: { # none\n    }\n",
            "modules:\n  auth: { a: y # none\n    }\n",
        ),
        (
            "modules: { auth: , x: {} }\n",
            "modules: { auth: { a: y } , x: {} }\n",
        ),
        ("modules: { auth, x }\n", "modules: { auth: { a: y }, x }\n"),
        ("modules:\n  auth:", "modules:\n  auth:\n    a: y"),
        (
            "modules:\n  auth:\n    b: 1",
            "modules:\n  auth:\n    b: 1\n    a: y",
        ),
    ] {
        becomes(before, &[choose("auth", "a", "y")], after);
    }
}

#[test]
fn writes_any_text_so_that_it_reads_back() {
    for (old, text, new) in [
        ("Hello", "Good day", "Good day"),
        ("Hello", "yes", "\"yes\""),
        ("Hello", "a: b # c", "\"a: b # c\""),
        ("Hello", "", "\"\""),
        ("Hello", "12", "\"12\""),
        ("Hello", "It's \"\\\"", "\"It's \\\"\\\\\\\"\""),
        ("'Hello'", "It's", "'It''s'"),
        ("\"Hello\"", "{x}, [y]", "\"{x}, [y]\""),
        ("\"\"", "Grüß Gott", "\"Grüß Gott\""),
    ] {
        let file = |value: &str| format!("modules: {{ auth: {{ a: {value} }} }}\n");
        becomes(&file(old), &[write("auth", "a", text)], &file(new));
    }
}

#[test]
fn adds_a_module() {
    for (before, after) in [
        (
            "modules:\n  # a\n  auth: {} # b\n\n# end\n",
            "modules:\n  # a\n  auth: {} # b\n  pay: {}\n\n# end\n",
        ),
        (
            "modules:\n  auth:\n    x: 1\n    # of auth\n  # other\ntheme: t\n",
            "modules:\n  auth:\n    x: 1\n    # of auth\n  pay: {}\n  # other\ntheme: t\n",
        ),
        (
            "modules: {} # none yet\ntheme: t\n",
            "modules: # none yet\n  pay: {}\ntheme: t\n",
        ),
        (
            "modules:\n  # none yet\ntheme: t\n",
            "modules:\n  pay: {}\n  # none yet\ntheme: t\n",
        ),
        ("modules: ~\n", "modules: { pay: {} }\n"),
        (
            "modules: { # none\n  }\n",
            "modules: { pay: {} # none\n  }\n",
        ),
        (
            "modules: { auth: {} }\n",
            "modules: { auth: {}, pay: {} }\n",
        ),
        (
            "theme: t\n...\n# end\n",
            "theme: t\nmodules:\n  pay: {}\n...\n# end\n",
        ),
        (
            "---\ntheme: t # t",
            "---\ntheme: t # t\nmodules:\n  pay: {}",
        ),
        ("{ theme: t }\n", "{ theme: t, modules: { pay: {} } }\n"),
        (
            "{\n  theme: t,\n  modules: {},\n}\n",
            "{\n  theme: t,\n  modules: { pay: {} },\n}\n",
        ),
        ("modules:\n  pay: # on\n", "modules:\n  pay: # on\n"),
    ] {
        becomes(before, &[add("pay")], after);
    }
}

#[test]
fn removes_a_module_and_what_belongs_to_it() {
    for (before, after) in [
        (
            "modules:\n  # auth\n  auth: {}\n  # what we pay with\n  # and how\n  pay:\n    # x\n    x: 1 # y\n    # z\n\n  # next\n  more: {}\n",
            "modules:\n  # auth\n  auth: {}\n\n  # next\n  more: {}\n",
        ),
        (
            "# file\nmodules: # list\n  pay:\n    x: 1\n# end\ntheme: t\n",
            "# file\nmodules: {} # list\n# end\ntheme: t\n",
        ),
        (
            "modules:\n  # about all\n\n  pay: {}\n  a: {}\n",
            "modules:\n  # about all\n\n  a: {}\n",
        ),
        ("modules:\n  a: {}\n  pay: {}", "modules:\n  a: {}"),
        (
            "modules: { a: {}, pay: { x: 1 }, b: {} } # c\n",
            "modules: { a: {}, b: {} } # c\n",
        ),
        (
            "modules: { a: {}, pay: { x: 1 } }\n",
            "modules: { a: {} }\n",
        ),
        ("modules: {pay: {x: 1}, }\n", "modules: {}\n"),
        ("modules: { pay, b }\n", "modules: { b }\n"),
        (
            "modules: {\n  a: {}, # a\n  # pay\n  pay: {}, # p\n  b: {}\n  }\n",
            "modules: {\n  a: {}, # a\n  b: {}\n  }\n",
        ),
        (
            "modules: {\n  a: {}, # a\n  pay: {} # p\n  }\n",
            "modules: {\n  a: {}, # a\n  }\n",
        ),
        (
            "modules: { a: {} # a\n  , pay: {} # p\n  , b: {} }\n",
            "modules: { a: {} # a\n  ,  # p\n   b: {} }\n",
        ),
        ("modules: { pay: {} # p\n  }\n", "modules: {  # p\n  }\n"),
        (
            "modules: {pay: }\nenvironments:\n  test: {modules: {pay: {x: 1}}}\n  # live\n  production:\n    modules:\n      a: {}\n      # 2\n      pay: {x: 2}\n",
            "modules: {}\nenvironments:\n  test: {modules: {}}\n  # live\n  production:\n    modules:\n      a: {}\n",
        ),
        ("modules: { a: {} }\n", "modules: { a: {} }\n"),
        ("theme: t\n", "theme: t\n"),
    ] {
        becomes(before, &[remove("pay")], after);
    }
}

#[test]
fn sets_the_theme_and_the_name() {
    let name = |name: &str| Edit::SetName(name.parse().unwrap());
    let before = "project: { name: My SaaS, slug: s } # p\ntheme: htmx # t\n";
    let after = "project: { name: \"Bob's: shop\", slug: s } # p\ntheme: react # t\n";
    becomes(
        before,
        &[name("Bob's: shop"), Edit::SetTheme(word("react"))],
        after,
    );
    becomes(
        "project:\n  name: 'A'\n",
        &[name("It's")],
        "project:\n  name: 'It''s'\n",
    );
}

#[test]
fn several_edits_follow_each_other() {
    let before = "theme: t\nmodules:\n  a: {}\n";
    let edits = [
        add("pay"),
        choose("pay", "currency", "eur"),
        remove("a"),
        write("pay", "note", "x"),
    ];
    becomes(
        before,
        &edits,
        "theme: t\nmodules:\n  pay: { currency: eur, note: \"x\" }\n",
    );
}

#[test]
fn what_cannot_be_kept_is_refused_with_what_to_do() {
    for (text, edit, hint) in [
        (
            "? modules\n: ? auth\n  : ? a\n    : x\n",
            choose("auth", "b", "y"),
            "by hand, set `b: y` below `auth` in `modules`",
        ),
        (
            "? modules\n: ? auth\n  : x\n",
            add("pay"),
            "by hand, add `pay: {}` to `modules`",
        ),
        (
            "? modules\n: ? auth\n  : x\n",
            remove("auth"),
            "by hand, remove `auth` from `modules`",
        ),
        (
            "modules: {}\n",
            choose("pay", "a", "b"),
            "by hand, set `a: b` below `pay` in `modules`",
        ),
        (
            "modules:\n  auth:\n    a: [x]\n",
            choose("auth", "a", "b"),
            "by hand, set `a: b` below `auth` in `modules`",
        ),
        (
            "theme: [x]\n",
            Edit::SetTheme(word("react")),
            "by hand, set `theme: react`",
        ),
    ] {
        let error = apply(text, &[edit]).unwrap_err();
        assert_eq!(hint_of(&error), Some(hint), "{text}");
    }
    assert!(apply("a: 1\na: 2\n", &[add("pay")]).is_err());
}
