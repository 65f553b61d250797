//! Files that are rendered from their templates: what goes back by itself, and what is asked.

use serde_json::Value;

use crate::support::Workshop;

/// A project called My Saas, with both modules, of one template.
fn shop(template: &str) -> Workshop {
    let shop = Workshop::with_templates(&[("base/notes.md.j2", template.as_bytes())]);
    shop.init("my-saas", &["--module", "two"]);
    shop
}

/// The template after `old` was made `new` in the project, which must go back without a question.
fn after(template: &str, old: &str, new: &str) -> String {
    let shop = shop(template);
    shop.replace("notes.md", old, new);
    let edited = shop.project("notes.md");
    shop.applies(&[]);
    shop.rebuild();
    shop.updates("my-saas");
    assert_eq!(
        shop.project("notes.md"),
        edited,
        "the project keeps its edit"
    );
    assert!(shop.hunks().is_empty(), "and has nothing left");
    shop.checkout("base/notes.md.j2")
}

/// What is asked after `old` was made `new`; nothing is written.
fn asked(template: &str, old: &str, new: &str) -> (Workshop, Value) {
    let shop = shop(template);
    shop.replace("notes.md", old, new);
    shop.refuses(&[], 3, "an answer");
    let hunks = shop.hunks();
    let open: Vec<_> = hunks
        .iter()
        .filter(|hunk| hunk["standing"] == "open")
        .collect();
    assert_eq!(open.len(), 1, "{hunks:#?}");
    let hunk = open[0].clone();
    (shop, hunk)
}

fn choices(hunk: &Value) -> Vec<&str> {
    let choices = hunk["choices"].as_array().expect("choices");
    choices
        .iter()
        .map(|choice| choice.as_str().expect("text"))
        .collect()
}

fn reason(hunk: &Value) -> &str {
    hunk["reason"].as_str().expect("a reason")
}

/// The template after the only question of a project was answered with `choice`.
fn answered(shop: &Workshop, hunk: &Value, choice: &str) -> String {
    let id = hunk["id"].as_str().expect("an id");
    shop.applies(&["--hunk", &format!("{id}={choice}")]);
    shop.checkout("base/notes.md.j2")
}

const NAMES: &str = "# <%= project.name %> for all\n\nRun <%= project.slug %> twice.\nThen rest.\n";

#[test]
fn a_word_beside_a_variable() {
    assert_eq!(
        after(NAMES, "My Saas for all", "My Saas for everybody"),
        NAMES.replace("for all", "for everybody")
    );
    assert_eq!(
        after(NAMES, "Run my-saas", "Start my-saas"),
        NAMES.replace("Run <", "Start <")
    );
    assert_eq!(
        after(NAMES, "my-saas twice", "my-saas-server twice"),
        NAMES.replace("%> twice", "%>-server twice")
    );
}

#[test]
fn a_value_in_a_new_line_becomes_its_variable() {
    assert_eq!(
        after(
            NAMES,
            "Then rest.\n",
            "Then rest.\nStop my-saas, also called My Saas or my_saas.\n"
        ),
        format!(
            "{NAMES}Stop <%= project.slug %>, also called <%= project.name %> or <%= project.crate_name %>.\n"
        )
    );
}

#[test]
fn other_languages_tags_are_text() {
    let new = "Then rest.\nif: ${{ github.ref }} {{ user.email }} {% x %}\n";
    assert_eq!(
        after(NAMES, "Then rest.\n", new),
        NAMES.replace("Then rest.\n", new)
    );
}

#[test]
fn what_looks_like_a_tag_of_ours_is_escaped() {
    assert_eq!(
        after(NAMES, "Then rest.\n", "Then <%= rest %>.\n"),
        NAMES.replace("Then rest.", "Then <%= \"<%\" %>= rest %>.")
    );
}

#[test]
fn a_value_that_is_edited_stays_or_becomes_text() {
    let (shop, hunk) = asked(NAMES, "Run my-saas twice", "Run other twice");
    assert!(
        reason(&hunk).contains("change the value in quickscale.yml"),
        "{hunk}"
    );
    assert_eq!(hunk["tag"]["text"], "<%= project.slug %>");
    assert_eq!(hunk["tag"]["line"], 3);
    assert_eq!(choices(&hunk), ["literal", "skip"]);
    assert_eq!(
        answered(&shop, &hunk, "literal"),
        NAMES.replace("<%= project.slug %>", "other")
    );
    let (_, hunk) = asked(NAMES, "Run my-saas", "Run xmy-saas");
    assert_eq!(choices(&hunk), ["literal", "skip"]);
}

const LOOP: &str = "<% for module in modules %>\n- <%= module.name %> is on.\n<% endfor %>\nend\n";

#[test]
fn one_turn_of_a_loop_is_asked_and_all_turns_go_back() {
    let (_, hunk) = asked(LOOP, "- two is on.", "- two is up.");
    assert!(reason(&hunk).contains("one turn of a loop"), "{hunk}");
    assert_eq!(hunk["tag"]["text"], "<% for module in modules %>");
    let shop = shop(LOOP);
    let all = shop.project("notes.md").replace("is on", "is up");
    shop.edit("notes.md", all);
    shop.applies(&[]);
    assert_eq!(
        shop.checkout("base/notes.md.j2"),
        LOOP.replace("is on", "is up")
    );
}

#[test]
fn a_line_for_all_turns_goes_into_the_loop() {
    let template = "<% for module in modules %>\n- <%= module.name %>\n  one\n<% endfor %>\nend\n";
    let shop = shop(template);
    let all = shop
        .project("notes.md")
        .replace("  one\n", "  zero\n  one\n");
    shop.edit("notes.md", all);
    shop.applies(&[]);
    assert_eq!(
        shop.checkout("base/notes.md.j2"),
        template.replace("  one\n", "  zero\n  one\n")
    );
}

const BLOCK: &str = "before\n<% if has.two %>\nfirst\nsecond\n<% endif %>\nafter\n";

#[test]
fn a_line_behind_a_block_can_be_in_it_or_beside_it() {
    let (shop, hunk) = asked(BLOCK, "second\n", "second\nthird\n");
    assert_eq!(choices(&hunk), ["inside", "outside", "skip"]);
    assert_eq!(hunk["tag"]["text"], "<% endif %>");
    assert_eq!(hunk["tag"]["line"], 5);
    assert_eq!(
        answered(&shop, &hunk, "inside"),
        BLOCK.replace("second\n", "second\nthird\n")
    );
    let (shop, hunk) = asked(BLOCK, "second\n", "second\nthird\n");
    assert_eq!(
        answered(&shop, &hunk, "outside"),
        BLOCK.replace("<% endif %>\n", "<% endif %>\nthird\n")
    );
    let (shop, hunk) = asked(BLOCK, "before\n", "before\nzeroth\n");
    assert_eq!(
        answered(&shop, &hunk, "inside"),
        BLOCK.replace("first\n", "zeroth\nfirst\n")
    );
}

#[test]
fn a_line_between_two_of_a_block_is_in_it() {
    assert_eq!(
        after(BLOCK, "first\n", "first\nand a half\n"),
        BLOCK.replace("first\n", "first\nand a half\n")
    );
}

#[test]
fn a_word_in_a_block_of_one_line_is_in_it() {
    let template = "before\n<% if has.two %>\nthe only line here\n<% endif %>\nafter\n";
    assert_eq!(
        after(template, "only", "single"),
        template.replace("only", "single")
    );
}

#[test]
fn a_line_that_another_takes_the_place_of_at_a_tag_is_asked() {
    let (_, hunk) = asked(BLOCK, "before\n", "quite another thing\n");
    assert!(reason(&hunk).contains("edge of a block"), "{hunk}");
}

#[test]
fn lines_of_a_block_that_go_leave_it_empty() {
    assert_eq!(
        after(BLOCK, "first\nsecond\n", ""),
        BLOCK.replace("first\nsecond\n", "")
    );
}

const FILTER: &str = "let name = <%= project.name | quote %>;\n";

#[test]
fn a_filtered_expansion_is_asked_and_the_text_beside_it_goes_back() {
    assert_eq!(
        after(FILTER, "let", "const"),
        FILTER.replace("let", "const")
    );
    let (_, hunk) = asked(FILTER, "\"My Saas\"", "\"My SaaS\"");
    assert_eq!(hunk["tag"]["text"], "<%= project.name | quote %>");
}

#[test]
fn a_filter_block_is_taken_as_one() {
    let template = "a\n<% filter upper %>\nname: <%= project.slug %>\n<% endfilter %>\nb\n";
    let (_, hunk) = asked(template, "NAME", "TITLE");
    assert_eq!(hunk["tag"]["text"], "<% filter upper %>");
    assert_eq!(choices(&hunk), ["skip"]);
    assert_eq!(
        after(template, "b\n", "c\n"),
        template.replace("b\n", "c\n")
    );
}

#[test]
fn a_line_with_an_expansion_goes_with_it() {
    assert_eq!(
        after(NAMES, "Run my-saas twice.\n", ""),
        NAMES.replace("Run <%= project.slug %> twice.\n", "")
    );
}

#[test]
fn two_variables_with_one_value_are_asked_about() {
    let shop = Workshop::with_templates(&[("base/notes.md.j2", NAMES.as_bytes())]);
    shop.init("my-saas", &[]);
    let config = shop.project("quickscale.yml").replace("my-saas", "mysaas");
    shop.edit("quickscale.yml", config);
    let said = shop.run(&["--project", "my-saas", "apply"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    shop.replace("notes.md", "Then rest.\n", "Then rest.\nStop mysaas.\n");
    shop.refuses(&[], 3, "the value of several variables");
    let hunk = shop.hunks()[0].clone();
    assert_eq!(
        choices(&hunk),
        [
            "var:project.slug",
            "var:project.crate_name",
            "literal",
            "skip"
        ]
    );
    assert_eq!(
        answered(&shop, &hunk, "var:project.crate_name"),
        format!("{NAMES}Stop <%= project.crate_name %>.\n")
    );
}

#[test]
fn a_value_of_two_letters_is_asked_about_where_it_is_a_word() {
    let shop = Workshop::with_templates(&[("base/notes.md.j2", NAMES.as_bytes())]);
    shop.init("ab", &["--path", "my-saas"]);
    shop.replace("notes.md", "Then rest.\n", "Then rest.\nLab about cabs.\n");
    shop.applies(&[]);
    let template = format!("{NAMES}Lab about cabs.\n");
    assert_eq!(shop.checkout("base/notes.md.j2"), template);
    shop.rebuild();
    shop.updates("my-saas");
    shop.replace("notes.md", "cabs.\n", "cabs.\nStop ab now.\n");
    shop.refuses(&[], 3, "an answer");
    let hunk = shop.hunks()[0].clone();
    assert_eq!(
        answered(&shop, &hunk, "literal"),
        format!("{template}Stop ab now.\n")
    );
}

#[test]
fn a_value_inside_a_word_is_asked_about() {
    let (shop, hunk) = asked(NAMES, "Then rest.\n", "Then remy_saasing.\n");
    assert_eq!(
        choices(&hunk),
        ["var:project.crate_name", "literal", "skip"]
    );
    assert_eq!(
        answered(&shop, &hunk, "literal"),
        NAMES.replace("rest.", "remy_saasing.")
    );
}

#[test]
fn what_an_expansion_says_is_asked_when_it_is_said_again() {
    let template = "<% for module in modules %>\n- <%= module.summary %>\n  one\n<% endfor %>\nOn <%= theme %>.\nend\n";
    let (shop, hunk) = asked(template, "end\n", "end of plain\n");
    assert_eq!(hunk["tag"]["text"], "<%= theme %>");
    assert_eq!(choices(&hunk), ["literal", "skip"]);
    assert_eq!(
        answered(&shop, &hunk, "literal"),
        template.replace("end\n", "end of plain\n")
    );
    assert_eq!(
        after(template, "end\n", "a part explained\n"),
        template.replace("\nend\n", "\na part explained\n"),
        "no variable of a loop can be meant outside of it"
    );
    let shop = Workshop::with_templates(&[("base/notes.md.j2", template.as_bytes())]);
    shop.init("my-saas", &["--module", "one"]);
    shop.replace("notes.md", "  one\n", "  of a part\n  one\n");
    shop.refuses(&[], 3, "<%= module.summary %>");
}

#[test]
fn whitespace_control_is_kept() {
    let template = "a\n  <%- if has.two %> b <%- endif +%>\n  c  <%= project.slug -%>\n   , d\ne\n";
    assert_eq!(
        after(template, "d\n", "dd\n"),
        template.replace("d\n", "dd\n")
    );
    let raw = "a\n  <%+ if has.two +%>\n b\n  <% endif %>\nc\n";
    assert_eq!(after(raw, "b\n", "x b\n"), raw.replace(" b\n", " x b\n"));
}

#[test]
fn what_a_tag_would_take_away_is_asked() {
    let template = "a\n<%- if has.two %> b<% endif %>\nc\n";
    let (_, hunk) = asked(template, "a b", "a\t b");
    assert!(
        !reason(&hunk).is_empty() && hunk["choices"].as_array().is_some(),
        "{hunk}"
    );
    let kept = "x <%= project.slug -%>\n\n  y\n";
    let (_, hunk) = asked(kept, "my-saasy", "my-saas y");
    assert!(
        reason(&hunk).contains("a tag beside it would take some of it away"),
        "{hunk}"
    );
    assert_eq!(choices(&hunk), ["skip"]);
}

#[test]
fn what_a_macro_says_twice_is_asked() {
    let template = "<% macro m(x) %>[<%= x %>]<% endmacro %>\n<%= m(1) %> and <%= m(2) %>\nend\n";
    let (_, hunk) = asked(template, "[2]", "(2)");
    assert_eq!(hunk["tag"]["text"], "<%= m(2) %>");
    assert_eq!(
        after(template, " and ", " or "),
        template.replace(" and ", " or ")
    );
}

#[test]
fn a_raw_block_stays_one() {
    let template = "a\n<% raw %>\n<%= x %> one\ntwo\n<% endraw %>\nb\n";
    assert_eq!(after(template, "one", "1"), template.replace("one", "1"));
    assert_eq!(
        after(template, "two\n", "two <% three %>\n"),
        template.replace("two\n", "two <% three %>\n")
    );
    let (_, hunk) = asked(template, "two\n", "two\n<% endraw %>\n");
    assert!(
        reason(&hunk).contains("change the template by hand"),
        "{hunk}"
    );
}

#[test]
fn a_block_that_is_not_rendered_here_stays() {
    let template = "a\n<% if not has.two %>\n<%= project.slug %> without\n<% else %>\nwith\n<% endif %>\nb c\n";
    assert_eq!(
        after(template, "b c\n", "b d\n"),
        template.replace("b c\n", "b d\n")
    );
    assert_eq!(after(template, "a\n", "x\na\n"), format!("x\n{template}"));
}

#[test]
fn a_comment_is_kept() {
    let template = "a\n<%# why b is there %>\nb\nc\n";
    assert_eq!(
        after(template, "a\n", "a\nand more\n"),
        template.replace("a\n", "a\nand more\n")
    );
    assert_eq!(after(template, "b\n", ""), template.replace("b\n", ""));
}

#[test]
fn all_crlf_in_the_project_is_no_edit() {
    let shop = shop(NAMES);
    let crlf = shop.project("notes.md").replace('\n', "\r\n");
    shop.edit("notes.md", crlf.replace("Then rest", "Then sleep"));
    shop.applies(&[]);
    assert_eq!(
        shop.checkout("base/notes.md.j2"),
        NAMES.replace("Then rest", "Then sleep")
    );
}

#[test]
fn the_final_newline() {
    let shop = shop(NAMES);
    shop.edit("notes.md", shop.project("notes.md").trim_end());
    shop.applies(&[]);
    assert_eq!(shop.checkout("base/notes.md.j2"), NAMES.trim_end());
}

#[test]
fn a_secret_is_refused_always() {
    let shop = shop(NAMES);
    let env = shop.project(".env");
    let secret = env.trim().split_once('=').expect("a value").1.to_owned();
    shop.replace("notes.md", "Then rest.", &format!("Then {secret}."));
    let id = shop.hunks()[0]["id"].as_str().expect("text").to_owned();
    shop.applies(&["--hunk", &format!("{id}=literal")]);
    assert_eq!(shop.checkout("base/notes.md.j2"), NAMES);
}

#[test]
fn the_checkout_may_have_edits_of_its_own() {
    let shop = shop(NAMES);
    let own = NAMES.replace("Then rest.", "Then rest, <%= project.name %>.");
    shop.write_checkout("base/notes.md.j2", &own);
    shop.replace("notes.md", "for all", "for everybody");
    shop.applies(&[]);
    assert_eq!(
        shop.checkout("base/notes.md.j2"),
        own.replace("for all", "for everybody")
    );
}

#[test]
fn an_older_project_is_rebased() {
    let shop = shop(NAMES);
    shop.replace("notes.md", "for all", "for everybody");
    let own = NAMES.replace("Then rest.", "Then sleep.");
    shop.write_checkout("base/notes.md.j2", &own);
    shop.rebuild();
    shop.refuses(&[], 1, "made from other templates");
    shop.applies(&["--rebase"]);
    assert_eq!(
        shop.checkout("base/notes.md.j2"),
        own.replace("for all", "for everybody")
    );
}

#[test]
fn the_same_edit_from_two_projects_with_their_own_values() {
    let shop = shop(NAMES);
    shop.init("second", &[]);
    shop.replace("notes.md", "Then rest.\n", "Then rest.\nStop my-saas.\n");
    shop.applies(&[]);
    let path = shop.path("second/notes.md");
    let text = std::fs::read_to_string(&path).expect("there");
    std::fs::write(
        path,
        text.replace("Then rest.\n", "Then rest.\nStop second.\n"),
    )
    .expect("written");
    let said = shop.sync_of("second", &["--apply"]);
    assert!(said.err.contains("Nothing to carry back."), "{said:?}");
}

#[test]
fn another_project_gets_it_with_its_own_values_and_keeps_its_edits() {
    let shop = shop(NAMES);
    shop.init("second", &[]);
    let path = shop.path("second/notes.md");
    let text = std::fs::read_to_string(&path).expect("there");
    std::fs::write(&path, text.replace("for all", "for me")).expect("written");
    shop.replace("notes.md", "Then rest.\n", "Then rest.\nStop my-saas.\n");
    shop.applies(&[]);
    shop.rebuild();
    shop.updates("second");
    let text = std::fs::read_to_string(&path).expect("there");
    assert_eq!(
        text,
        "# Second for me\n\nRun second twice.\nThen rest.\nStop second.\n"
    );
}

#[test]
fn lines_that_moved_past_a_tag_are_asked() {
    let template = "one\ntwo\nthree\n<% if has.two %>\nfour\n<% endif %>\nfive\n";
    let shop = shop(template);
    shop.edit("notes.md", "three\none\ntwo\nfour\nfive\n");
    shop.refuses(&[], 3, "moved past a tag");
    let far = "one\ntwo\nthree\nmore\n<% if has.two %>\nfour\n<% endif %>\nfive\n";
    let shop = self::shop(far);
    shop.edit("notes.md", "two\none\nthree\nmore\nfour\nfive\n");
    shop.applies(&[]);
    assert_eq!(
        shop.checkout("base/notes.md.j2"),
        far.replace("one\ntwo\n", "two\none\n")
    );
}
