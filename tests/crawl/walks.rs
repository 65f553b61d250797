//! One defect a test, and who signs in.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::site::{Answer, Site, answer, page, redirect};

/// Runs `quickscale crawl --json ARGS`: exit code, report, and what it said to people.
fn crawl(url: &str, args: &[&str]) -> (i32, Value, String) {
    let output = command(url, args).arg("--json").output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), report, err)
}

fn command(url: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickscale"));
    command
        .args(["crawl", "--url", url])
        .args(args)
        .env_clear()
        .stdin(Stdio::null());
    // What a machine behind a proxy has set does not get between us and this machine.
    command.env("http_proxy", "http://192.0.2.1:9");
    command
}

/// The findings as `kind url: detail on pages`.
fn findings(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = report["findings"].as_array().unwrap().iter();
    all.map(|one| {
        let on: Vec<_> = one["on"].as_array().unwrap().iter().map(text).collect();
        format!(
            "{} {}: {} on {}",
            text(&one["kind"]),
            text(&one["url"]),
            text(&one["detail"]),
            on.join(" ")
        )
    })
    .collect()
}

/// Walks a site with one defect and expects that finding and no other.
#[track_caller]
fn expect(site: Site, expected: &str) {
    let served = site.serve();
    let (code, report, err) = crawl(&served.url, &[]);
    assert_eq!(findings(&report), [expected], "{report:#}\n{err}");
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("error: 1 finding on "), "{err}");
}

#[test]
fn a_good_site_has_no_findings() {
    let served = Site::good().serve();
    let (code, report, err) = crawl(&served.url, &[]);
    assert_eq!(findings(&report), Vec::<String>::new());
    assert_eq!(code, 0, "{err}");
    assert_eq!(report["role"], "visitor");
    let pages = report["pages"].as_array().unwrap();
    let urls: Vec<_> = pages
        .iter()
        .map(|page| page["url"].as_str().unwrap())
        .collect();
    assert_eq!(urls, ["/", "/about", "/list?page=2", "/list?q=x"]);
    assert_eq!(
        (&pages[1]["status"], &pages[1]["title"]),
        (&Value::from(200), &Value::from("A page"))
    );
    assert_eq!(report["assets"], 6);
    let mut asked = served.asked.lock().unwrap().clone();
    asked.sort();
    let before = asked.len();
    asked.dedup();
    assert_eq!(
        before,
        asked.len() + 1,
        "only the first address is asked for twice: {asked:?}"
    );
}

#[test]
fn a_broken_link() {
    let mut site = Site::good();
    site.home("<a href=/gone>Gone</a>");
    expect(site, "broken-link /gone: answers 404 on /");
}

#[test]
fn a_link_that_answers_with_an_error() {
    let mut site = Site::good();
    site.home("<a href=/crash>Crash</a>");
    site.put(
        "/crash",
        Answer {
            status: 500,
            ..answer("text/html", "")
        },
    );
    expect(site, "server-error /crash: answers 500 on /");
}

#[test]
fn a_broken_link_is_told_once_with_the_pages_that_have_it() {
    let mut site = Site::good();
    site.home("<a href=/about>About</a><a href=/gone>Gone</a>");
    site.put(
        "/about",
        answer("text/html", &page("<a href=/gone>Gone</a>")),
    );
    expect(site, "broken-link /gone: answers 404 on / /about");
}

#[test]
fn a_broken_anchor_of_another_page_and_of_the_same() {
    let mut site = Site::good();
    site.home("<a href='/about#nobody'>Nobody</a><a href='#main'>Main</a><a href='#top'>Top</a><a href='#'>Top</a>");
    expect(
        site,
        "broken-anchor /about#nobody: the page has no id \"nobody\" on /",
    );
    let mut site = Site::good();
    site.home("<a href='#nowhere'>Nowhere</a>");
    expect(
        site,
        "broken-anchor /#nowhere: the page has no id \"nowhere\" on /",
    );
}

#[test]
fn missing_assets_of_every_kind() {
    let table = [
        (
            "<img src=/gone.png>",
            "missing-asset /gone.png: answers 404 on /",
        ),
        (
            "<img src=/logo.png srcset='/gone.png 2x'>",
            "missing-asset /gone.png: answers 404 on /",
        ),
        (
            "<script src=/gone.js></script>",
            "missing-asset /gone.js: answers 404 on /",
        ),
        (
            "<link rel=stylesheet href=/gone.css>",
            "missing-asset /gone.css: answers 404 on /",
        ),
        (
            "<b style='background: url(/gone.png)'>b</b>",
            "missing-asset /gone.png: answers 404 on /",
        ),
        (
            "<link rel='apple-touch-icon' href=/gone.png>",
            "missing-asset /gone.png: answers 404 on /",
        ),
        (
            "<svg><use href='/gone.svg#x'/></svg>",
            "missing-asset /gone.svg: answers 404 on /",
        ),
    ];
    for (content, expected) in table {
        let mut site = Site::good();
        site.home(content);
        expect(site, expected);
    }
}

#[test]
fn what_a_style_sheet_loads_is_missing() {
    let mut site = Site::good();
    site.put("/app.css", answer("text/css", "@import 'more.css';"));
    expect(site, "missing-asset /more.css: answers 404 on /app.css");
    let mut site = Site::good();
    site.answers.remove("/font.woff2");
    expect(site, "missing-asset /font.woff2: answers 404 on /app.css");
}

#[test]
fn the_favicon_that_browsers_ask_for_is_missing() {
    let mut site = Site::good();
    site.put(
        "/",
        answer(
            "text/html",
            &page("text").replace("<link rel=icon href=/icon.svg>", ""),
        ),
    );
    expect(site, "missing-asset /favicon.ico: answers 404 on /");
}

#[test]
fn a_blank_page() {
    let mut site = Site::good();
    let blank = page("")
        .replace("<h1>Heading</h1>", "<script>draw()</script>")
        .replace("<main", "<nav><h1>Menu</h1></nav><main");
    site.put("/", answer("text/html", &blank));
    expect(site, "blank-page /: shows no text on ");
}

#[test]
fn a_page_without_title_or_heading_or_style_sheet() {
    let table = [
        (
            "<title>A page</title>",
            "missing-title /: has no <title> on ",
        ),
        (
            "<h1>Heading</h1>",
            "missing-heading /: has no <h1> with text on ",
        ),
        (
            "<link rel=stylesheet href=/app.css>",
            "missing-stylesheet /: names no style sheet on ",
        ),
    ];
    for (part, expected) in table {
        let mut site = Site::good();
        site.put("/", answer("text/html", &page("text").replace(part, "")));
        expect(site, expected);
    }
}

#[test]
fn an_id_that_stands_twice() {
    let mut site = Site::good();
    site.home("<p id=a>one</p><p id=a>two</p>");
    expect(
        site,
        "duplicate-id /: the id \"a\" stands more than once on ",
    );
}

#[test]
fn wrong_content_types() {
    let table = [
        (
            "/app.css",
            "text/plain",
            "wrong-content-type /app.css: a style sheet is served as text/plain on / /about /list?page=2 /list?q=x",
        ),
        (
            "/app.js",
            "text/html",
            "wrong-content-type /app.js: a script is served as text/html on / /about /list?page=2 /list?q=x",
        ),
        (
            "/logo.png",
            "",
            "wrong-content-type /logo.png: an image is served as no content type on /about",
        ),
        (
            "/font.woff2",
            "text/html",
            "wrong-content-type /font.woff2: a part of a page is served as text/html on /app.css",
        ),
        (
            "/about",
            "text/plain",
            "wrong-content-type /about: a page is served as text/plain on /",
        ),
    ];
    for (path, media_type, expected) in table {
        let mut site = Site::good();
        // What is served as something else is not read as what it is, so keep the rest of the site reachable and alone.
        if path == "/app.css" {
            site.put(path, answer(media_type, "b {}"));
        } else {
            site.answers.get_mut(path).unwrap().media_type = media_type;
        }
        if path == "/app.js" {
            site.put(path, answer(media_type, &page("not a script")));
        }
        if path == "/logo.png" {
            site.put("/app.css", answer("text/css", "b {}"));
        }
        expect(site, expected);
    }
}

#[test]
fn an_asset_with_nothing_in_it() {
    let mut site = Site::good();
    site.put("/app.js", answer("text/javascript", ""));
    site.answers
        .retain(|path, _| path != "/about" && path != "/list");
    site.home("text");
    expect(
        site,
        "empty-asset /app.js: a script with nothing in it on /",
    );
}

#[test]
fn an_asset_of_another_host() {
    let mut site = Site::good();
    site.home("<script src='https://cdn.example/x.js'></script><a href='https://elsewhere.example/'>A link may</a>");
    expect(
        site,
        "external-asset https://cdn.example/x.js: part of a page, from another host on /",
    );
}

#[test]
fn redirects_are_followed_and_endless_ones_are_told() {
    let mut site = Site::good();
    site.home("<a href=/old>Old</a><a href=/away>Away</a>");
    site.put("/old", redirect("/about"));
    site.put("/away", redirect("https://elsewhere.example/"));
    let served = site.serve();
    let (code, report, err) = crawl(&served.url, &[]);
    assert_eq!(code, 0, "{err}{report:#}");
    let mut site = Site::good();
    site.home("<a href=/round>Round</a>");
    site.put("/round", redirect("/round"));
    let served = site.serve();
    let (code, report, _) = crawl(&served.url, &[]);
    assert_eq!(code, 1);
    let expected = format!(
        "redirect-loop /round: redirects without end, at {}/round on /",
        served.url
    );
    assert_eq!(findings(&report), [expected]);
}

#[test]
fn pieces_that_scripts_fetch_are_read_and_not_judged_as_pages() {
    let mut site = Site::good();
    site.home("<div hx-get=/piece>…</div>");
    site.put(
        "/piece",
        answer("text/html", "<p><a href=/gone>Gone</a></p>"),
    );
    let served = site.serve();
    let (_, report, _) = crawl(&served.url, &[]);
    let found = findings(&report);
    assert!(
        found.contains(&"broken-link /gone: answers 404 on /piece".to_owned()),
        "{found:?}"
    );
    assert!(
        !found.iter().any(|one| one.contains(" /piece: ")),
        "{found:?}"
    );
}

#[test]
fn a_walk_without_end_is_cut_and_says_so() {
    let mut site = Site::good();
    site.home("<a href=/a>a</a><a href=/b>b</a><a href=/c>c</a>");
    let served = site.serve();
    let (code, report, _) = crawl(&served.url, &["--max-requests", "2"]);
    assert_eq!(code, 1);
    assert_eq!(
        findings(&report),
        ["incomplete /: 2 addresses were asked for; raise --max-requests to see the rest on "]
    );
}

#[test]
fn lists_that_page_without_end_are_sampled() {
    let mut site = Site::good();
    let links: String = (0..500)
        .map(|n| format!("<a href='/list?page={n}'>{n}</a>"))
        .collect();
    site.home(&links);
    let served = site.serve();
    let (code, report, _) = crawl(&served.url, &[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["pages"].as_array().unwrap().len(), 26);
}

const PASSWORD: &str = "right & proper";

#[test]
fn a_user_is_signed_in_and_changes_nothing() {
    let served = Site::with_accounts().serve();
    let (code, report, err) = crawl(
        &served.url,
        &["--email", "user@example.com", "--password", PASSWORD],
    );
    assert_eq!(code, 0, "{err}{report:#}");
    assert_eq!(report["role"], "user");
    assert!(report["pages"].to_string().contains("/dashboard"));
    let asked = served.asked.lock().unwrap();
    let posts: Vec<_> = asked.iter().filter(|one| one.starts_with("POST")).collect();
    assert_eq!(posts, ["POST /accounts/login"]);
    assert!(!asked.iter().any(|one| one.contains("logout")), "{asked:?}");
}

#[test]
fn staff_reach_the_staff_pages_and_a_user_does_not() {
    let served = Site::with_accounts().serve();
    let staff = [
        "--email",
        "staff@example.com",
        "--password",
        PASSWORD,
        "--admin",
    ];
    let (code, report, err) = crawl(&served.url, &staff);
    assert_eq!(code, 0, "{err}{report:#}");
    assert_eq!(report["role"], "staff");
    assert!(report["pages"].to_string().contains("/admin/users"));
    let user = [
        "--email",
        "user@example.com",
        "--password",
        PASSWORD,
        "--admin",
    ];
    let (code, report, _) = crawl(&served.url, &user);
    assert_eq!(code, 1);
    let expected = [
        "signed-out /admin: asks to sign in, although somebody is signed in on ",
        "admin-unreachable /admin: is not open to this account on ",
    ];
    assert_eq!(findings(&report), expected);
}

#[test]
fn a_refused_sign_in_is_told_in_the_apps_words_and_without_the_password() {
    let served = Site::with_accounts().serve();
    let (code, _, err) = crawl(
        &served.url,
        &["--email", "user@example.com", "--password", "wrong-one"],
    );
    assert_eq!(code, 1);
    assert!(
        err.contains("refuses to sign user@example.com in (status 422): These do not match."),
        "{err}"
    );
    assert!(
        err.contains("hint: check --email and --password") && !err.contains("wrong-one"),
        "{err}"
    );
}

#[test]
fn the_password_may_come_from_the_environment() {
    let served = Site::with_accounts().serve();
    let mut command = command(&served.url, &["--email", "user@example.com"]);
    let output = command
        .env("QUICKSCALE_CRAWL_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    // There for other walks, it makes no visitor sign in.
    let mut visitor = self::command(&served.url, &["--json"]);
    let output = visitor
        .env("QUICKSCALE_CRAWL_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        report["role"] != "user" && report["role"] != "staff",
        "{report:#}"
    );
}

#[test]
fn an_address_and_a_password_need_each_other() {
    for half in [["--email", "user@example.com"], ["--password", PASSWORD]] {
        let (code, _, err) = crawl("http://127.0.0.1:1", &half);
        assert_eq!(code, 2, "{half:?}: {err}");
        assert!(err.contains("--email") && !err.contains(PASSWORD), "{err}");
    }
}

#[test]
fn an_address_where_nothing_listens_is_an_error() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (code, _, err) = crawl(&format!("http://{free}"), &[]);
    assert_eq!(code, 1);
    assert!(
        err.contains("does not answer") && err.contains("hint: start the app with `quickscale up`"),
        "{err}"
    );
    assert_eq!(crawl("ftp://example.com", &[]).0, 2);
    assert_eq!(crawl("http://127.0.0.1:1", &["--admin"]).0, 2);
}

#[test]
fn people_get_a_table() {
    let mut site = Site::good();
    site.home("<a href=/gone>Gone</a>");
    let served = site.serve();
    let output = command(&served.url, &[]).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(
        out.starts_with("200  ") && out.contains("  A page\n"),
        "{out}"
    );
    assert!(
        out.ends_with("\nbroken-link  /gone: answers 404\n    on /\n"),
        "{out}"
    );
}
