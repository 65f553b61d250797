//! A browser, in the words of the person who uses it: visit, follow, fill, press, see. Nobody waits by hand: whatever is
//! looked for is waited for.

use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::project::given;

/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(15);

/// Describes what has the focus, and what is wrong with how it looks.
const FOCUS: &str = "
    const it = document.activeElement;
    const text = (element) => element.textContent.trim().replace(/\\s+/g, ' ');
    const name = it.ariaLabel || text(it.labels?.[0] ?? it);
    if (it === document.body) return { name: '', fault: null };
    const look = getComputedStyle(it), place = it.getBoundingClientRect();
    const marked = look.outlineStyle !== 'none' && look.outlineWidth !== '0px' || look.boxShadow !== 'none';
    const seen = place.width > 0 && place.bottom > 0 && place.top < innerHeight && place.right > 0 && place.left < innerWidth;
    return { name, fault: marked && seen ? null : `${it.outerHTML} has the focus, which is ${marked ? 'out of' : 'not in'} sight` };";

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    On,
    Off,
}

/// What the browser runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    Desktop,
    /// A phone whose owner likes it dark.
    DarkPhone,
}

/// One browser with cookies of its own.
pub struct Browser {
    client: Client,
    site: String,
    _profile: TempDir,
}

impl Browser {
    /// Opens the site in a fresh browser.
    pub async fn open(site: &str, scripts: Scripts, device: Device) -> Self {
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&profile, scripts))
            .connect(&given("WEBDRIVER_URL"))
            .await
            .expect("chromedriver opens a browser");
        let browser = Self {
            client,
            site: site.to_owned(),
            _profile: profile,
        };
        browser.moves_to(device).await;
        browser.visit("/").await;
        browser
    }

    /// Whether pages are to be light or dark.
    async fn likes_it(&self, device: Device) {
        let scheme = match device {
            Device::Desktop => "light",
            Device::DarkPhone => "dark",
        };
        let scheme = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": scheme }))
            .await;
    }

    /// The page that is open, on another device.
    pub async fn moves_to(&self, device: Device) {
        let size = match device {
            Device::Desktop => {
                json!({ "width": 1200, "height": 800, "deviceScaleFactor": 1, "mobile": false })
            }
            Device::DarkPhone => {
                json!({ "width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true })
            }
        };
        self.devtools("Emulation.setDeviceMetricsOverride", size)
            .await;
        self.likes_it(device).await;
    }

    /// Enters the address of a page of the site.
    pub async fn visit(&self, path: &str) {
        self.client
            .goto(&format!("{}{path}", self.site))
            .await
            .expect("the page opens");
    }

    /// Clicks on the link that reads `text`.
    pub async fn follow(&self, text: &str) {
        let path = format!("//a[normalize-space()={}]", quoted(text));
        self.click(&path, &format!("a link {text:?}")).await;
    }

    /// Clicks on the link whose address contains `part`.
    pub async fn follow_to(&self, part: &str) {
        let path = format!("//a[contains(@href, {})]", quoted(part));
        self.click(&path, &format!("a link to {part:?}")).await;
    }

    /// Waits for the mail to `address` whose subject begins like that, and opens it.
    pub async fn open_mail(&self, address: &str, subject: &str) {
        let (address, subject) = (quoted(address), quoted(subject));
        let row = format!("//tr[td[normalize-space()={address}]]");
        let path = format!("{row}//a[starts-with(normalize-space(), {subject})]");
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.visit("/dev/mails").await;
            if let Ok(Some(_)) = self.visible(&path).await {
                return self.click(&path, &format!("a mail {subject}")).await;
            }
            assert!(Instant::now() < deadline, "no mail {subject} to {address}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Clicks on the button that reads `text`.
    pub async fn press(&self, text: &str) {
        let path = format!("//button[normalize-space()={}]", quoted(text));
        self.click(&path, &format!("a button {text:?}")).await;
    }

    /// Writes `value` into the field `name`, which must have a label.
    pub async fn fill(&self, name: &str, value: &str) {
        let path = format!(
            "//*[(self::input or self::textarea) and @name={}]",
            quoted(name)
        );
        let field = self.find(&path, &format!("a field {name:?}")).await;
        let id = field
            .attr("id")
            .await
            .expect("attributes can be read")
            .unwrap_or_default();
        let label = format!("//label[@for={}]", quoted(&id));
        self.find(&label, &format!("a label of the field {name:?}"))
            .await;
        if field
            .attr("type")
            .await
            .expect("attributes can be read")
            .as_deref()
            != Some("file")
        {
            field.clear().await.expect("the field can be emptied");
        }
        field
            .send_keys(value)
            .await
            .expect("the field can be written into");
    }

    /// Strikes a key: whatever has the focus hears it.
    pub async fn strike(&self, key: Key) {
        self.types(&char::from(key).to_string()).await;
    }

    /// Writes into what has the focus.
    pub async fn types(&self, text: &str) {
        let focused = self.client.active_element().await;
        let focused = focused.expect("something has the focus");
        focused.send_keys(text).await.expect("keys can be struck");
    }

    /// Goes on with Tab until what has the focus is called `name`. Whatever has it on the way must look like it.
    pub async fn tabs_to(&self, name: &str) {
        let mut passed = Vec::new();
        while passed.len() < 60 {
            let focus = self.focus().await;
            if focus.starts_with(name) {
                return;
            }
            passed.push(focus);
            self.strike(Key::Tab).await;
        }
        panic!("{} has no {name:?} among {passed:#?}", self.path().await);
    }

    /// What has the focus: its label, or what it reads. It must be marked and stand where it is to be seen.
    pub async fn focus(&self) -> String {
        let focus = self.learns(FOCUS).await;
        let at = focus["name"].as_str().unwrap_or_default().to_owned();
        assert!(focus["fault"].is_null(), "{}", focus["fault"]);
        at
    }

    /// What the body of a function in JavaScript returns.
    pub async fn learns(&self, script: &str) -> Value {
        self.client
            .execute(script, vec![])
            .await
            .expect("scripts run")
    }

    pub async fn reload(&self) {
        self.client.refresh().await.expect("the page reloads");
    }

    pub async fn go_back(&self) {
        self.client.back().await.expect("the browser goes back");
    }

    /// Waits until the page reads `text` somewhere, whatever its line breaks.
    pub async fn sees(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let page = self.text().await;
            if page.contains(text) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{} does not say {text:?} but:\n{page}",
                self.path().await
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The same for what stands there only when the page is loaded again.
    pub async fn sees_after_a_while(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.text().await.contains(text) && Instant::now() < deadline {
            sleep(Duration::from_millis(200)).await;
            self.reload().await;
        }
        self.sees(text).await;
    }

    /// What the page reads, with single spaces.
    pub async fn text(&self) -> String {
        // A page that is being replaced has no body, or one that is gone when it is asked for its text.
        let Ok(body) = self.client.find(Locator::Css("body")).await else {
            return String::new();
        };
        let text = body.text().await.unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Where the browser is, without the site's address.
    pub async fn path(&self) -> String {
        let url = self
            .client
            .current_url()
            .await
            .expect("the browser has an address");
        url.path().to_owned()
    }

    /// Every page from now on has run `source` before its own scripts.
    pub async fn knows(&self, source: &str) {
        let script = json!({ "source": source });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", script)
            .await;
    }

    /// What `script` passes to the function that is its last argument.
    pub async fn asks(&self, script: &str) -> Value {
        let answer = self.client.execute_async(script, vec![]).await;
        answer.expect("scripts run")
    }

    /// Leaves a mark on the page, which is gone once it is loaded again. Needs scripts.
    pub async fn mark(&self) {
        self.learns("window.marked = true").await;
    }

    /// Whether the mark is still there.
    pub async fn is_marked(&self) -> bool {
        self.learns("return window.marked === true").await == true
    }

    /// A picture of what is to be seen, as PNG.
    pub async fn picture(&self) -> Vec<u8> {
        self.client
            .screenshot()
            .await
            .expect("a picture can be taken")
    }

    /// Since the last time, the browser's console was told no error, no warning of the content security policy, and no
    /// answer that failed, other than pages with the status `expected`.
    pub async fn has_clean_console(&self, expected: Option<u16>) {
        let log = self
            .client
            .issue_cmd(Post("se/log", json!({ "type": "browser" })))
            .await;
        let log = log.expect("the console can be read");
        let expected = expected.map(|status| format!("responded with a status of {status}"));
        let faults: Vec<&Value> = log
            .as_array()
            .expect("the console is a list")
            .iter()
            .filter(|entry| entry["level"] == "SEVERE" || entry["source"] == "security")
            .filter(|entry| {
                let message = entry["message"].as_str().unwrap_or_default();
                expected
                    .as_ref()
                    .is_none_or(|expected| !message.contains(expected))
            })
            .collect();
        assert!(faults.is_empty(), "the console says {faults:#?}");
    }

    /// Closes the browser. Its console must be clean.
    pub async fn close(self) {
        self.has_clean_console(None).await;
        self.client.close().await.expect("the browser closes");
    }

    async fn click(&self, path: &str, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let element = self.find(path, what).await;
            match element.click().await {
                Ok(()) => return,
                // Replaced by a script between being found and being clicked, or still moving.
                Err(fault) if Instant::now() < deadline => drop(fault),
                Err(fault) => panic!("{what} cannot be clicked: {fault}"),
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The first element at `path` that is to be seen.
    async fn find(&self, path: &str, what: &str) -> Element {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(Some(element)) = self.visible(path).await {
                return element;
            }
            if Instant::now() > deadline {
                panic!(
                    "{} has no {what}; it says:\n{}",
                    self.path().await,
                    self.text().await
                );
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn visible(&self, path: &str) -> Result<Option<Element>, CmdError> {
        for element in self.client.find_all(Locator::XPath(path)).await? {
            if element.is_displayed().await? {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }

    async fn devtools(&self, command: &str, params: Value) {
        let command = json!({ "cmd": command, "params": params });
        let done = self
            .client
            .issue_cmd(Post("goog/cdp/execute", command))
            .await;
        done.expect("the browser knows the command");
    }
}

fn capabilities(profile: &TempDir, scripts: Scripts) -> Capabilities {
    let folder = format!("--user-data-dir={}", profile.path().display());
    let mut options = json!({
        "args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--no-first-run", "--window-size=1200,900", folder,
        ],
    });
    if scripts == Scripts::Off {
        options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
    }
    let all = json!({
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": { "browser": "ALL" },
    });
    all.as_object().expect("it is one").clone()
}

/// A string of XPath, which knows no escapes.
fn quoted(text: &str) -> String {
    assert!(!text.contains('"'), "{text} holds a quotation mark");
    format!("\"{text}\"")
}

/// A command of chromedriver's own, relative to the session.
#[derive(Debug)]
struct Post(&'static str, Value);

impl WebDriverCompatibleCommand for Post {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.0
        ))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.1.to_string()))
    }
}
