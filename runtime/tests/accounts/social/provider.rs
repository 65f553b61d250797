//! A real provider of identities, run by Node.js, and somebody's browser at it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::packages;

/// What the provider knows the application's secret as.
pub const SECRET: &str = "a secret/with+signs: and 32 letters";
const CALLBACK: &str = "/accounts/social/NAME/callback";

/// The provider; it ends with this.
pub struct Provider {
    pub issuer: String,
    process: Child,
}

impl Provider {
    pub fn start() -> Self {
        Self::start_for("http://app.test")
    }

    /// A provider that sends people back to `site`.
    pub fn start_for(site: &str) -> Self {
        let folder = installed();
        let mut process = Command::new("node")
            .args(["server.mjs", &format!("{site}{CALLBACK}")])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Node.js is there: `cargo xtask test --install`");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| line.ok().filter(|line| line.starts_with("http://")));
        let issuer = line.expect("the provider starts");
        Self { issuer, process }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The folder of the provider with its packages.
fn installed() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| packages::installed("accounts/social/provider"))
}

/// Somebody's browser at a provider: follows it until it sends him back.
#[derive(Default)]
pub struct Visitor {
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    /// Somebody whom the provider takes for `person`.
    pub fn named(person: &str) -> Self {
        let person = person
            .replace('|', "%7C")
            .replace('@', "%40")
            .replace(' ', "%20");
        Self {
            cookies: [("person".to_owned(), person)].into(),
        }
    }

    /// Opens `url` and gives the path to which it leads back.
    pub async fn agree(&mut self, url: &str) -> String {
        let mut url = url.to_owned();
        for _ in 0..10 {
            let location = self.get(&url).await;
            if let Some(back) = location.strip_prefix("http://app.test") {
                return back.to_owned();
            }
            url = match location.starts_with('/') {
                true => format!("{}{location}", origin(&url)),
                false => location,
            };
        }
        panic!("the provider leads in circles: {url}");
    }

    /// Where one page of the provider leads to.
    async fn get(&mut self, url: &str) -> String {
        let host = origin(url).trim_start_matches("http://").to_owned();
        let path = &url[origin(url).len()..];
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncookie: {}\r\n\r\n",
            cookies.join("; ")
        );
        let mut stream = tokio::net::TcpStream::connect(&host).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let mut location = String::new();
        for line in answer.lines().take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            match name.to_ascii_lowercase().as_str() {
                "location" => value.clone_into(&mut location),
                "set-cookie" => {
                    let (name, rest) = value.split_once('=').unwrap();
                    let value = rest.split(';').next().unwrap();
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
                _ => {}
            }
        }
        assert!(!location.is_empty(), "{url}: {answer}");
        location
    }
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> &str {
    let end = url[7..].find(['/', '?']).map_or(url.len(), |at| at + 7);
    &url[..end]
}
