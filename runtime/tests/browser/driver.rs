//! A browser, by way of chromedriver (WebDriver, level 2): visit, fill, press, see. Whatever is looked for is waited for.
//! No crate for that: what the runtime's tests depend on stands in the lock file of every project.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser at an application.
pub struct Browser {
    /// Where the driver listens.
    driver: String,
    pub session: String,
    site: String,
    downloads: PathBuf,
}

impl Browser {
    pub async fn open(site: String) -> Self {
        let driver = std::env::var("WEBDRIVER_URL");
        let driver = driver.expect("WEBDRIVER_URL is set by `cargo xtask test browser`");
        let driver = driver.trim_start_matches("http://").trim_end_matches('/');
        let mut browser = Self {
            driver: driver.to_owned(),
            session: String::new(),
            site,
            downloads: PathBuf::new(),
        };
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ];
        let options =
            json!({ "browserName": "chrome", "goog:chromeOptions": { "args": arguments } });
        let wanted = json!({ "capabilities": { "alwaysMatch": options } });
        let made = browser.send("POST", "/session", &wanted).await;
        let id = made["sessionId"].as_str().unwrap();
        browser.session = format!("/session/{id}");
        browser.downloads = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("browser-{id}"));
        std::fs::create_dir_all(&browser.downloads).unwrap();
        let folder = json!({ "behavior": "allow", "downloadPath": browser.downloads });
        browser
            .devtools("Browser.setDownloadBehavior", folder)
            .await;
        if let Some(axe) = crate::accessible::axe() {
            let known = json!({ "source": axe });
            let command = "Page.addScriptToEvaluateOnNewDocument";
            browser.devtools(command, known).await;
        }
        browser
    }

    /// Where files are put that the browser loads, and taken from those that it sends.
    pub fn downloads(&self) -> &Path {
        &self.downloads
    }

    /// A file that the browser has loaded.
    pub async fn downloaded(&self, name: &str) -> Vec<u8> {
        let (file, end) = (self.downloads.join(name), Instant::now() + PATIENCE);
        // Until it is whole it has another name.
        while !std::fs::metadata(&file).is_ok_and(|file| file.len() > 0) {
            assert!(Instant::now() < end, "never loaded: {name}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::fs::read(file).unwrap()
    }

    pub async fn devtools(&self, command: &str, params: Value) {
        let command = json!({ "cmd": command, "params": params });
        self.post("/goog/cdp/execute", command).await;
    }

    pub async fn cookies(&self) -> Value {
        let path = format!("{}/cookie", self.session);
        self.send("GET", &path, &json!({})).await
    }

    /// Becomes the browser that had these cookies.
    pub async fn takes(&self, cookies: &Value) {
        self.sign_out().await;
        for cookie in cookies.as_array().unwrap() {
            self.post("/cookie", json!({ "cookie": cookie })).await;
        }
    }

    /// Waits until the page's table has so many rows.
    pub async fn rows(&self, number: usize) {
        let rows = "document.querySelectorAll('tbody tr').length";
        self.until(&format!("{rows} === {number}")).await;
    }

    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.driver)
            .header("content-type", "application/json")
            .body(body.to_string())
            .unwrap();
        let stream = TcpStream::connect(&self.driver).await.unwrap();
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.unwrap();
        let answer = answer.into_body().collect().await.unwrap().to_bytes();
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].take()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.send("POST", &format!("{}{path}", self.session), &body)
            .await
    }

    pub async fn visit(&self, path: &str) {
        self.post("/url", json!({ "url": format!("{}{path}", self.site) }))
            .await;
    }

    pub async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] }))
            .await
    }

    /// Waits until `script` is true of the page.
    pub async fn until(&self, script: &str) {
        let end = Instant::now() + PATIENCE;
        // Between two pages there is nothing to ask.
        let script = format!("try {{ return Boolean({script}) }} catch {{ return false }}");
        while self.run(&script).await != Value::Bool(true) {
            let page = "return location.href + ' ' + document.body?.innerText";
            assert!(
                Instant::now() < end,
                "never {script}: {}",
                self.run(page).await
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn is_at(&self, path: &str) {
        self.until(&format!("location.pathname === '{path}'")).await;
    }

    pub async fn sees(&self, text: &str) {
        self.until(&format!("document.body.innerText.includes({text:?})"))
            .await;
    }

    async fn element(&self, css: &str) -> String {
        self.until(&format!("document.querySelector({css:?})"))
            .await;
        let found = json!({ "using": "css selector", "value": css });
        let found = self.post("/element", found).await;
        let id = found.as_object().unwrap().values().next().unwrap();
        format!("/element/{}", id.as_str().unwrap())
    }

    pub async fn fill(&self, name: &str, value: &str) {
        let field = self.element(&format!("#{name}")).await;
        self.post(&format!("{field}/value"), json!({ "text": value }))
            .await;
    }

    /// Presses the button of the form that leads to `action`.
    pub async fn press(&self, action: &str) {
        self.press_button(&format!("form[action='{action}'] button"))
            .await;
    }

    /// The same by the end of `action`.
    pub async fn press_form_to(&self, end: &str) {
        self.press_button(&format!("form[action$='{end}'] button"))
            .await;
    }

    /// By the keyboard.
    async fn press_button(&self, css: &str) {
        // Scripts have taken their place once the page has loaded.
        self.until("document.readyState === 'complete'").await;
        let button = self.element(css).await;
        self.post(&format!("{button}/value"), json!({ "text": "\u{e007}" }))
            .await;
    }

    pub async fn sign_out(&self) {
        self.send("DELETE", &format!("{}/cookie", self.session), &json!({}))
            .await;
    }

    /// Sends the page's own form.
    pub async fn submit(&self) {
        self.press_button("main form[method=post] button[type=submit]")
            .await;
    }

    pub async fn follow(&self, text: &str) {
        let found = json!({ "using": "link text", "value": text });
        let there = format!("[...document.links].some(link => link.innerText === {text:?})");
        self.until(&there).await;
        let found = self.post("/element", found).await;
        let id = found.as_object().unwrap().values().next().unwrap();
        let id = id.as_str().unwrap();
        self.post(&format!("/element/{id}/click"), json!({})).await;
    }

    pub async fn close(self) {
        self.send("DELETE", &self.session, &json!({})).await;
        std::fs::remove_dir_all(self.downloads).unwrap();
    }
}
