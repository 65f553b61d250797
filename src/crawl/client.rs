//! HTTP as a browser does it, as far as a walk needs it: cookies, redirects that are looked at one by one, timing.

use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::Response;
use url::{Host, Url};

/// How long one answer may take.
const ONE_ANSWER: Duration = Duration::from_secs(30);
/// More than this of one body is not read.
const LARGEST: u64 = 32 * 1024 * 1024;
/// A chain of redirects that is longer leads nowhere.
const HOPS: usize = 10;

pub struct Client {
    agent: Agent,
    origin: Url,
}

/// What came of one address, after redirects.
pub struct Visit {
    pub asked: Url,
    pub took: Duration,
    /// The answer, or in words why there is none.
    pub answer: Result<Answer, String>,
}

/// What stands at the end of the redirects.
pub enum Answer {
    Content(Content),
    /// The redirects lead to another host.
    Elsewhere(Url),
    /// The redirects do not end.
    Loop(Url),
}

pub struct Content {
    pub url: Url,
    pub status: u16,
    /// The media type in lower case, without parameters; empty when there is none.
    pub media_type: String,
    pub body: Vec<u8>,
}

impl Client {
    pub fn new(origin: &Url) -> Self {
        let mut config = Agent::config_builder()
            .timeout_global(Some(ONE_ANSWER))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("quickscale-crawl/", env!("CARGO_PKG_VERSION")));
        if is_loopback(origin) {
            config = config.proxy(None);
        }
        Self {
            agent: config.build().new_agent(),
            origin: origin.clone(),
        }
    }

    pub fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.origin.origin()
    }

    /// Asks for an address of the app and follows redirects within it.
    pub fn get(&self, url: &Url) -> Visit {
        let began = Instant::now();
        let answer = self
            .agent
            .get(url.as_str())
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .call()
            .map_err(|error| error.to_string())
            .and_then(|response| self.follow(url.clone(), response));
        Visit {
            asked: url.clone(),
            took: began.elapsed(),
            answer,
        }
    }

    /// Submits a form as the page `from` would.
    pub fn post(&self, url: &Url, from: &Url, fields: &[(String, String)]) -> Visit {
        let began = Instant::now();
        let fields = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let answer = self
            .agent
            .post(url.as_str())
            .header("origin", from.origin().ascii_serialization())
            .header("referer", from.as_str())
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .send_form(fields)
            .map_err(|error| error.to_string())
            .and_then(|response| self.follow(url.clone(), response));
        Visit {
            asked: url.clone(),
            took: began.elapsed(),
            answer,
        }
    }

    fn follow(&self, mut url: Url, mut response: Response<ureq::Body>) -> Result<Answer, String> {
        for _ in 0..HOPS {
            let Some(target) = target_of(&url, &response) else {
                return content(url, response).map(Answer::Content);
            };
            if !self.is_own(&target) {
                return Ok(Answer::Elsewhere(target));
            }
            url = target;
            response = self
                .agent
                .get(url.as_str())
                .call()
                .map_err(|error| error.to_string())?;
        }
        Ok(Answer::Loop(url))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn target_of(url: &Url, response: &Response<ureq::Body>) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get("location")?.to_str().ok()?;
    url.join(location).ok()
}

fn content(url: Url, mut response: Response<ureq::Body>) -> Result<Content, String> {
    let media_type = response
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let status = response.status().as_u16();
    let body = response
        .body_mut()
        .with_config()
        .limit(LARGEST)
        .read_to_vec()
        .map_err(|error| error.to_string())?;
    Ok(Content {
        url,
        status,
        media_type,
        body,
    })
}
