//! A small web server with a site that lacks nothing, to be spoilt by tests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What stands at a path: status, content type, further headers, body.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub media_type: &'static str,
    pub headers: String,
    pub body: String,
}

pub fn answer(media_type: &'static str, body: &str) -> Answer {
    Answer {
        status: 200,
        media_type,
        headers: String::new(),
        body: body.to_owned(),
    }
}

pub fn redirect(to: &str) -> Answer {
    Answer {
        status: 303,
        media_type: "",
        headers: format!("location: {to}\r\n"),
        body: String::new(),
    }
}

/// A page that lacks nothing.
pub fn page(content: &str) -> String {
    format!(
        "<!doctype html><html lang=en><head><title>A page</title><link rel=icon href=/icon.svg>\
         <link rel=stylesheet href=/app.css><script src=/app.js defer></script></head>\
         <body><main id=main><h1>Heading</h1>{content}</main></body></html>"
    )
}

/// A site on a port of its own. With accounts, its pages want a session and its staff pages a staff session.
pub struct Site {
    pub answers: BTreeMap<String, Answer>,
    accounts: bool,
}

/// A site that is being served, and what was asked of it.
pub struct Served {
    pub url: String,
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    pub fn good() -> Self {
        let mut site = Self {
            answers: BTreeMap::new(),
            accounts: false,
        };
        site.put(
            "/",
            answer(
                "text/html",
                &page("<a href=/about#team>About</a> <a href='/list?page=2'>List</a>"),
            ),
        );
        site.put(
            "/about",
            answer(
                "text/html; charset=utf-8",
                &page("<p id=team>Team</p><img src=/logo.png><a href='/'>Home</a>"),
            ),
        );
        site.put(
            "/list",
            answer(
                "text/html",
                &page(
                    "<form action=/list><input name=q value=x></form><a href='/data.csv'>CSV</a>",
                ),
            ),
        );
        site.put("/data.csv", answer("text/csv", "a,b\n"));
        site.put(
            "/app.css",
            answer(
                "text/css",
                "@font-face { src: url('font.woff2') } b { background: url(/logo.png) }",
            ),
        );
        site.put("/font.woff2", answer("font/woff2", "font"));
        site.put("/app.js", answer("text/javascript", "start()"));
        site.put("/logo.png", answer("image/png", "png"));
        site.put("/icon.svg", answer("image/svg+xml", "<svg/>"));
        site
    }

    pub fn with_accounts() -> Self {
        let mut site = Self::good();
        site.accounts = true;
        let form = "<form method=post action=/accounts/login><input type=hidden name=csrf value=token-1>\
                    <input name=email type=email><input name=password type=password></form>";
        site.put("/accounts/login", answer("text/html", &page(form)));
        site.put("/dashboard", answer("text/html", &page("<a href=/accounts/logout>Out</a><form method=post action=/accounts/delete></form>")));
        site.put(
            "/admin",
            answer("text/html", &page("<a href=/admin/users>Users</a>")),
        );
        site.put("/admin/users", answer("text/html", &page("users")));
        site
    }

    pub fn put(&mut self, path: &str, answer: Answer) {
        self.answers.insert(path.to_owned(), answer);
    }

    /// Lets the home page hold `content`.
    pub fn home(&mut self, content: &str) {
        self.put("/", answer("text/html", &page(content)));
    }

    pub fn serve(self) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let site = Arc::new(self);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (site, log) = (Arc::clone(&site), Arc::clone(&log));
                std::thread::spawn(move || site.answer(stream, &log));
            }
        });
        Served { url, asked }
    }

    fn answer(&self, mut stream: TcpStream, log: &Mutex<Vec<String>>) {
        let request = Request::read(&stream);
        log.lock()
            .unwrap()
            .push(format!("{} {}", request.method, request.target));
        let Answer {
            status,
            media_type,
            headers,
            body,
        } = self.answer_to(&request);
        let kind = if media_type.is_empty() {
            String::new()
        } else {
            format!("content-type: {media_type}\r\n")
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\n{kind}{headers}content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        // A client that went away is no concern of a server.
        let _ = stream.write_all(format!("{head}{body}").as_bytes());
    }

    fn answer_to(&self, request: &Request) -> Answer {
        let path = request.target.split('?').next().unwrap();
        if self.accounts {
            if request.method == "POST" {
                return sign_in(request);
            }
            let wanted = match path {
                "/dashboard" => "session=",
                _ if path.starts_with("/admin") => "session=staff",
                _ => "",
            };
            if !request.cookie.contains(wanted) {
                return redirect("/accounts/login");
            }
        }
        self.answers.get(path).cloned().unwrap_or(Answer {
            status: 404,
            ..answer("text/html", "not found")
        })
    }
}

fn sign_in(request: &Request) -> Answer {
    let complete =
        request.body.contains("csrf=token-1") && request.body.contains("password=right+%26+proper");
    let account = match &request.body {
        body if body.contains("email=staff%40example.com") => "staff",
        body if body.contains("email=user%40example.com") => "user",
        _ => "",
    };
    if !complete || account.is_empty() || request.origin.is_empty() {
        let said =
            page("<p role=alert>These do not\n match.</p><form><input type=password></form>");
        return Answer {
            status: 422,
            ..answer("text/html", &said)
        };
    }
    let mut answer = redirect("/dashboard");
    answer.headers.push_str(&format!(
        "set-cookie: session={account}; Path=/; HttpOnly; SameSite=Lax\r\n"
    ));
    answer
}

#[derive(Default)]
struct Request {
    method: String,
    target: String,
    cookie: String,
    origin: String,
    body: String,
}

impl Request {
    fn read(stream: &TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let mut words = line.split(' ').map(str::to_owned);
        let mut request = Self {
            method: words.next().unwrap_or_default(),
            target: words.next().unwrap_or_default(),
            ..Self::default()
        };
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "cookie" => request.cookie = value.to_owned(),
                "origin" => request.origin = value.to_owned(),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        request.body = String::from_utf8(body).unwrap();
        request
    }
}
