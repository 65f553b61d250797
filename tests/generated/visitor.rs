//! Somebody who visits a generated application without a browser: with a session that is kept in a cookie, or with a key.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// Somebody who has signed in.
pub struct Visitor {
    address: String,
    cookies: RefCell<BTreeMap<String, String>>,
}

/// A program with a key.
#[derive(Clone)]
pub struct Program {
    pub address: String,
    pub key: String,
}

pub struct Answer {
    pub status: u16,
    head: String,
    pub text: String,
}

/// A request, without what every request has.
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    headers: [(&'a str, &'a str); 2],
    body: &'a str,
}

impl Visitor {
    pub fn sign_in(url: &str, email: &str, password: &str) -> Self {
        let visitor = Self {
            address: address(url),
            cookies: RefCell::default(),
        };
        let page = visitor.get("/accounts/login");
        let fields = [("email", email), ("password", password)];
        let answer = visitor.submit((&page, "/accounts/login"), &fields);
        assert_eq!(answer.status, 303, "{}", answer.text);
        visitor
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "")
    }

    /// Fills in and sends the form of `page` that goes to `action`.
    pub fn submit(&self, (page, action): (&Answer, &str), fields: &[(&str, &str)]) -> Answer {
        let mut form = form_urlencoded(fields);
        let (_, rest) = page
            .text
            .split_once(&format!("action=\"{action}\""))
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
        self.send("POST", action, &form)
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let kind = "application/x-www-form-urlencoded";
        let request = Request {
            method,
            path,
            headers: [("Cookie", &self.cookie()), ("Content-Type", kind)],
            body,
        };
        let answer = request.send(&self.address);
        self.cookies.borrow_mut().extend(answer.cookies());
        answer
    }

    fn cookie(&self) -> String {
        let cookies = self.cookies.borrow();
        let pairs = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }
}

impl Program {
    /// A program with a key that `owner` makes, which may do everything.
    pub fn of(owner: &Visitor) -> Self {
        let path = "/accounts/api-keys";
        let page = owner.get(path);
        let scopes = page.text.split("name=\"scope_").skip(1);
        let scopes = scopes.map(|rest| rest.split('"').next().unwrap_or_default());
        let scopes: Vec<_> = scopes.map(|scope| format!("scope_{scope}")).collect();
        let mut fields = vec![("name", "A test"), ("expiry", "30")];
        fields.extend(scopes.iter().map(|scope| (scope.as_str(), "true")));
        let shown = owner.submit((&page, path), &fields);
        let key = shown.text.split_once("id=\"new-key\">");
        let (_, rest) = key.unwrap_or_else(|| panic!("no key is shown: {}", shown.text));
        Self {
            address: owner.address.clone(),
            key: rest.split('<').next().unwrap_or_default().to_owned(),
        }
    }

    pub fn get(&self, path: &str) -> serde_json::Value {
        self.send("GET", path, "").json()
    }

    pub fn post(&self, path: &str, body: &serde_json::Value) -> Answer {
        self.send("POST", path, &body.to_string())
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.key);
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/json"),
        ];
        let request = Request {
            method,
            path,
            headers,
            body,
        };
        request.send(&self.address)
    }
}

impl Request<'_> {
    fn send(&self, address: &str) -> Answer {
        let Self {
            method,
            path,
            headers,
            body,
        } = self;
        let headers = headers.map(|(name, value)| format!("{name}: {value}\r\n"));
        let mut stream = TcpStream::connect(address).expect("the app runs");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: close\r\n\
             {}Content-Length: {}\r\n\r\n{body}",
            headers.concat(),
            body.len()
        )
        .expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, text) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head.split(' ').nth(1);
        let status = status.and_then(|status| status.parse().ok());
        Answer {
            status: status.expect("an answer has a status"),
            head: head.to_owned(),
            text: text.to_owned(),
        }
    }
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The cookies that it sets, by their names.
    fn cookies(&self) -> impl Iterator<Item = (String, String)> {
        self.head.lines().filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let set = name.eq_ignore_ascii_case("set-cookie").then_some(value)?;
            let (name, value) = set.split(';').next()?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        })
    }
}

/// Where an address leads, for sockets.
pub fn address(url: &str) -> String {
    let url = url.trim_start_matches("http://");
    url.trim_end_matches('/').to_owned()
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
