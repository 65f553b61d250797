//! The walk: from the first addresses to all that they name, each asked for once, within bounds.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use url::Url;

use super::client::{Answer, Client, Visit};
use super::page::{self, Page, Reference, Use};
use super::{Options, css};

/// How many addresses that differ only behind the `?` are asked for: lists are paged and filtered without end.
const VARIANTS: usize = 25;

/// Everything that the walk saw.
pub struct Seen {
    pub stops: Vec<Stop>,
    /// Who names what; the first addresses are named by nobody.
    pub references: Vec<Naming>,
    /// Why the walk ended before everything was seen.
    pub cut: Option<String>,
}

pub struct Naming {
    pub from: Option<Url>,
    pub reference: Reference,
}

/// One address, asked for.
pub struct Stop {
    /// Without a fragment.
    pub asked: Url,
    /// How it was first named.
    pub used: Use,
    pub took: Duration,
    pub end: End,
}

pub enum End {
    Content(Facts),
    Elsewhere(Url),
    Loop(Url),
    /// No answer, in words.
    Failed(String),
}

/// What stands at an address, without its bytes.
pub struct Facts {
    pub url: Url,
    pub status: u16,
    pub media_type: String,
    pub bytes: usize,
    /// HTML by its looks, whatever it is served as.
    pub looks_like_html: bool,
    /// Read, when it is a page.
    pub page: Option<Page>,
}

/// Walks from `seeds` on.
pub fn walk(client: &Client, options: &Options, seeds: Vec<Url>) -> Seen {
    let mut walker = Walker {
        client,
        queue: VecDeque::new(),
        known: HashSet::new(),
        variants: HashMap::new(),
        references: Vec::new(),
    };
    for url in seeds {
        walker.name(
            None,
            Reference {
                url,
                used: Use::Link,
            },
        );
    }
    let began = Instant::now();
    let mut stops: Vec<Stop> = Vec::new();
    let mut cut = None;
    while let Some(reference) = walker.queue.pop_front() {
        if stops.len() >= options.max_requests {
            cut = Some(format!(
                "{} addresses were asked for; raise --max-requests to see the rest",
                stops.len()
            ));
            break;
        }
        if began.elapsed() >= options.limit {
            cut = Some(format!(
                "{} s are over; raise --timeout to see the rest",
                options.limit.as_secs()
            ));
            break;
        }
        stops.push(walker.stop(&reference));
    }
    Seen {
        stops,
        references: walker.references,
        cut,
    }
}

struct Walker<'a> {
    client: &'a Client,
    queue: VecDeque<Reference>,
    known: HashSet<Url>,
    variants: HashMap<String, usize>,
    references: Vec<Naming>,
}

impl Walker<'_> {
    /// Notes a reference, and asks for it later if it is of this app, new and harmless.
    fn name(&mut self, from: Option<&Url>, reference: Reference) {
        let used = reference.used;
        let mut url = reference.url.clone();
        url.set_fragment(None);
        let wanted = self.client.is_own(&url)
            && (used.is_asset() || !signs_out(&url))
            && !self.known.contains(&url)
            && self.is_within_variants(&url);
        self.references.push(Naming {
            from: from.cloned(),
            reference,
        });
        if wanted {
            self.known.insert(url.clone());
            self.queue.push_back(Reference { url, used });
        }
    }

    fn is_within_variants(&mut self, url: &Url) -> bool {
        if url.query().is_none() {
            return true;
        }
        let seen = self.variants.entry(url.path().to_owned()).or_default();
        *seen += 1;
        *seen <= VARIANTS
    }

    fn stop(&mut self, reference: &Reference) -> Stop {
        let used = reference.used;
        let Visit {
            asked,
            took,
            answer,
        } = self.client.get(&reference.url);
        let end = match answer {
            Err(why) => End::Failed(why),
            Ok(Answer::Elsewhere(url)) => End::Elsewhere(url),
            Ok(Answer::Loop(url)) => End::Loop(url),
            Ok(Answer::Content(content)) => {
                let text = String::from_utf8_lossy(&content.body);
                let mut page = None;
                match content.media_type.as_str() {
                    // An error page is no way on, and what is named as an image is none either.
                    _ if content.status >= 400 => {}
                    "text/html" | "application/xhtml+xml"
                        if !used.is_asset() || used == Use::Frame =>
                    {
                        page = Some(self.read_page(&content.url, &text));
                    }
                    "text/css" => self.read_sheet(&content.url, &text),
                    _ => {}
                }
                let bytes = content.body.len();
                let start = text
                    .trim_start()
                    .get(..9)
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                let looks_like_html = start == "<!doctype" || start.starts_with("<html");
                End::Content(Facts {
                    url: content.url,
                    status: content.status,
                    media_type: content.media_type,
                    bytes,
                    looks_like_html,
                    page,
                })
            }
        };
        Stop {
            asked,
            used,
            took,
            end,
        }
    }

    fn read_page(&mut self, url: &Url, text: &str) -> Page {
        let mut page = page::read(url, text);
        let mut references = std::mem::take(&mut page.references);
        if !page.has_icon
            && let Ok(url) = url.join("/favicon.ico")
        {
            // What a browser asks for by itself.
            references.push(Reference {
                url,
                used: Use::Icon,
            });
        }
        for reference in references {
            self.name(Some(url), reference);
        }
        page
    }

    fn read_sheet(&mut self, url: &Url, text: &str) {
        for address in css::addresses(text) {
            if let Ok(target) = url.join(&address) {
                self.name(
                    Some(url),
                    Reference {
                        url: target,
                        used: Use::Other,
                    },
                );
            }
        }
    }
}

/// A link that ends the session would end the walk.
fn signs_out(url: &Url) -> bool {
    let last = url
        .path()
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    matches!(last, "logout" | "log-out" | "signout" | "sign-out")
}
