//! Modules that are turned off and on again in a project with users: what they brought is gone, and comes back with its data.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::project::Project;

#[test]
fn a_module_that_is_off_is_gone_and_comes_back_with_its_data() {
    let project = Project::init("switched", &[]);
    let seeds = project.quickscale(&["manage", "seed", "--json"]);
    let seeds: serde_json::Value = serde_json::from_str(&seeds).expect("seed tells JSON");
    let user = &seeds["users"][0];
    let (email, password) = (
        user["email"].as_str().unwrap(),
        user["password"].as_str().unwrap(),
    );

    let visitor = Visitor::sign_in(&project.quickscale(&["up"]), email, password);
    assert!(
        visitor
            .get("/dashboard")
            .text
            .contains("100 credits available")
    );
    assert_eq!(
        (
            visitor.get("/credits").status,
            visitor.get("/services").status
        ),
        (200, 200)
    );
    project.quickscale(&["down"]);

    let going = with_those_that_need(&project, "credits");
    project.quickscale(&["apply", "--yes", "--remove", &going]);
    for gone in ["templates/credits", "templates/services"] {
        assert!(!project.folder().join(gone).exists(), "{gone}");
    }
    let manifest = std::fs::read_to_string(project.folder().join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("\"credits\""), "{manifest}");
    let visitor = Visitor::sign_in(&project.quickscale(&["up"]), email, password);
    let dashboard = visitor.get("/dashboard");
    assert_eq!(dashboard.status, 200);
    for path in ["/credits", "/services"] {
        assert!(
            !dashboard.text.contains(&format!("href=\"{path}")),
            "{path}"
        );
        assert_eq!(visitor.get(path).status, 404);
    }
    project.quickscale(&["down"]);

    project.quickscale(&["apply", "--yes", "--add", "services"]);
    let visitor = Visitor::sign_in(&project.quickscale(&["up"]), email, password);
    assert!(
        visitor
            .get("/dashboard")
            .text
            .contains("100 credits available")
    );
    assert_eq!(
        (
            visitor.get("/credits").status,
            visitor.get("/services").status
        ),
        (200, 200)
    );
}

/// A module and all that need it, with commas between them.
fn with_those_that_need(project: &Project, module: &str) -> String {
    let all = project.quickscale(&["modules", "--json"]);
    let all: Vec<serde_json::Value> = serde_json::from_str(&all).expect("JSON");
    let mut names = vec![module.to_owned()];
    // Each module stands after those that it needs.
    for module in &all {
        let needed = module["requires"].as_array().expect("a list");
        if needed
            .iter()
            .any(|name| names.iter().any(|other| name == other))
        {
            names.push(module["name"].as_str().expect("a name").to_owned());
        }
    }
    names.join(",")
}

/// Somebody who has signed in, without a browser.
struct Visitor {
    address: String,
    cookie: String,
}

struct Answer {
    status: u16,
    head: String,
    text: String,
}

impl Visitor {
    fn sign_in(url: &str, email: &str, password: &str) -> Self {
        let address = url
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        let mut visitor = Self {
            address,
            cookie: String::new(),
        };
        let page = visitor.get("/accounts/login");
        visitor.cookie = page.cookie().expect("a page with a form sets a cookie");
        let mut form = form_urlencoded(&[("email", email), ("password", password)]);
        let (_, rest) = page
            .text
            .split_once("action=\"/accounts/login\"")
            .expect("the page has the form");
        let inside = rest.split("</form>").next().unwrap_or_default();
        for hidden in inside.split("type=\"hidden\"").skip(1) {
            let value = |name: &str| {
                let (_, rest) = hidden
                    .split_once(&format!("{name}=\""))
                    .expect("a hidden field");
                rest.split('"').next().unwrap_or_default().to_owned()
            };
            form += &format!("&{}", form_urlencoded(&[(&value("name"), &value("value"))]));
        }
        let answer = visitor.send("POST", "/accounts/login", &form);
        assert_eq!(answer.status, 303, "{}", answer.text);
        visitor.cookie = answer
            .cookie()
            .expect("who has signed in gets a new session");
        visitor
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "")
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("the app runs");
        let Self { address, cookie } = self;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {cookie}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, text) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Answer {
            status: status.expect("an answer has a status"),
            head: head.to_owned(),
            text: text.to_owned(),
        }
    }
}

impl Answer {
    fn cookie(&self) -> Option<String> {
        let set = self.head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("set-cookie").then_some(value)
        })?;
        set.split(';').next().map(str::to_owned)
    }
}

fn form_urlencoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pairs: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    pairs.join("&")
}
