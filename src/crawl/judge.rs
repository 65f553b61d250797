//! From what was seen to what is wrong. Pure.

use std::collections::{HashMap, HashSet};

use url::Url;

use super::page::{Page, Use};
use super::report::{Finding, Kind, PageRow, Report, Role};
use super::walk::{End, Facts, Naming, Seen, Stop};
use super::{Options, STAFF, sign_in};

/// How many of the pages that name a wrong address are told.
const NAMED: usize = 5;

/// Judges everything that was seen.
pub fn judge(options: &Options, seen: &Seen) -> Report {
    let mut judge = Judge {
        origin: &options.url,
        signed_in: options.credentials.is_some(),
        findings: Vec::new(),
    };
    let stops: HashMap<&Url, &Stop> = seen.stops.iter().map(|stop| (&stop.asked, stop)).collect();
    for naming in &seen.references {
        judge.reference(naming, &stops);
    }
    let pages = judge.pages(seen);
    if options.admin {
        judge.staff_pages(&stops);
    }
    if let Some(why) = &seen.cut {
        judge.find(Kind::Incomplete, &options.url, why.clone(), None);
    }
    judge
        .findings
        .sort_by(|a, b| (a.kind, &a.url, &a.detail).cmp(&(b.kind, &b.url, &b.detail)));
    let listed = seen.stops.iter().filter(|stop| is_listed(stop)).count();
    Report {
        format_version: 1,
        url: options.url.to_string(),
        role: match (options.admin, judge.signed_in) {
            (true, _) => Role::Staff,
            (false, true) => Role::User,
            (false, false) => Role::Visitor,
        },
        pages,
        assets: seen.stops.len() - listed,
        findings: judge.findings,
    }
}

struct Judge<'a> {
    origin: &'a Url,
    signed_in: bool,
    findings: Vec<Finding>,
}

impl Judge<'_> {
    /// Adds a finding, or a page that names it to one that is known.
    fn find(&mut self, kind: Kind, url: &Url, detail: String, from: Option<&Url>) {
        let on = from.map(|from| self.shown(from));
        let url = self.shown(url);
        let known = self
            .findings
            .iter_mut()
            .find(|one| one.kind == kind && one.url == url && one.detail == detail);
        match known {
            None => self.findings.push(Finding {
                kind,
                url,
                detail,
                on: on.into_iter().collect(),
            }),
            Some(finding) => {
                if let Some(on) =
                    on.filter(|on| finding.on.len() < NAMED && !finding.on.contains(on))
                {
                    finding.on.push(on);
                }
            }
        }
    }

    /// An address of the app by its path, another one whole.
    fn shown(&self, url: &Url) -> String {
        if url.origin() == self.origin.origin() {
            url[url::Position::BeforePath..].to_owned()
        } else {
            url.to_string()
        }
    }

    fn reference(&mut self, naming: &Naming, stops: &HashMap<&Url, &Stop>) {
        let Naming { from, reference } = naming;
        let (url, used, from) = (&reference.url, reference.used, from.as_ref());
        if url.origin() != self.origin.origin() {
            self.foreign(url, used, from);
            return;
        }
        let mut asked = url.clone();
        asked.set_fragment(None);
        let Some(stop) = stops.get(&asked) else {
            return;
        };
        match &stop.end {
            End::Failed(why) => self.find(Kind::NoAnswer, &asked, why.clone(), from),
            End::Loop(at) => self.find(
                Kind::RedirectLoop,
                &asked,
                format!("redirects without end, at {at}"),
                from,
            ),
            End::Elsewhere(to) => self.foreign(to, used, from),
            End::Content(facts) => self.content(naming, &asked, facts),
        }
    }

    /// Links lead out of the app as they like; its pages are made of nothing that is not its own.
    fn foreign(&mut self, url: &Url, used: Use, from: Option<&Url>) {
        if !used.is_asset() {
            return;
        }
        if url.scheme() == "http" && self.origin.scheme() == "https" {
            self.find(
                Kind::MixedContent,
                url,
                "part of a page, without encryption".into(),
                from,
            );
        } else {
            self.find(
                Kind::ExternalAsset,
                url,
                "part of a page, from another host".into(),
                from,
            );
        }
    }

    fn content(&mut self, naming: &Naming, asked: &Url, facts: &Facts) {
        let (reference, from) = (&naming.reference, naming.from.as_ref());
        let status = facts.status;
        if status >= 500 {
            self.find(Kind::ServerError, asked, format!("answers {status}"), from);
        } else if status >= 400 {
            let kind = if reference.used.is_asset() {
                Kind::MissingAsset
            } else {
                Kind::BrokenLink
            };
            self.find(kind, asked, format!("answers {status}"), from);
        } else if self.signed_in
            && facts.url.path() == sign_in::PATH
            && asked.path() != sign_in::PATH
        {
            self.find(
                Kind::SignedOut,
                asked,
                "asks to sign in, although somebody is signed in".into(),
                from,
            );
        } else {
            self.sound(naming, asked, facts);
        }
    }

    /// What is there, but may not be what it is used as.
    fn sound(&mut self, naming: &Naming, asked: &Url, facts: &Facts) {
        let (reference, from) = (&naming.reference, naming.from.as_ref());
        if !fits(reference.used, facts) {
            let kind = if facts.media_type.is_empty() {
                "no content type"
            } else {
                &facts.media_type
            };
            let detail = format!("{} is served as {kind}", noun_of(reference.used));
            self.find(Kind::WrongContentType, asked, detail, from);
        }
        if facts.bytes == 0 && reference.used.is_asset() {
            self.find(
                Kind::EmptyAsset,
                asked,
                format!("{} with nothing in it", noun_of(reference.used)),
                from,
            );
        }
        let anchor = reference
            .url
            .fragment()
            .filter(|anchor| !anchor.is_empty() && *anchor != "top");
        if let (Some(anchor), Some(page), false) = (anchor, &facts.page, reference.used.is_asset())
        {
            let decoded = percent_encoding::percent_decode_str(anchor).decode_utf8_lossy();
            if !page.ids.contains(decoded.as_ref()) {
                self.find(
                    Kind::BrokenAnchor,
                    &reference.url,
                    format!("the page has no id {decoded:?}"),
                    from,
                );
            }
        }
    }

    /// Looks at each page once, wherever redirects came from, and returns the list of them.
    fn pages(&mut self, seen: &Seen) -> Vec<PageRow> {
        let pieces: HashSet<&Url> = pieces(seen);
        let mut judged = HashSet::new();
        let mut rows = Vec::new();
        for stop in seen.stops.iter().filter(|stop| is_listed(stop)) {
            let End::Content(facts) = &stop.end else {
                continue;
            };
            if !judged.insert(&facts.url) {
                continue;
            }
            let page = facts.page.as_ref();
            rows.push(PageRow {
                url: self.shown(&facts.url),
                status: facts.status,
                title: page.map(|page| page.title.clone()).unwrap_or_default(),
                bytes: facts.bytes,
                milliseconds: u64::try_from(stop.took.as_millis()).unwrap_or(u64::MAX),
            });
            if let Some(page) = page.filter(|_| !pieces.contains(&stop.asked)) {
                self.page(&facts.url, page);
            }
        }
        rows
    }

    fn page(&mut self, url: &Url, page: &Page) {
        let faults = [
            (!page.has_text, Kind::BlankPage, "shows no text"),
            (page.title.is_empty(), Kind::MissingTitle, "has no <title>"),
            (
                !page.has_heading,
                Kind::MissingHeading,
                "has no <h1> with text",
            ),
            (
                !page.has_stylesheet,
                Kind::MissingStylesheet,
                "names no style sheet",
            ),
        ];
        for (_, kind, detail) in faults.into_iter().filter(|(wrong, ..)| *wrong) {
            self.find(kind, url, detail.to_owned(), None);
        }
        for id in &page.doubled_ids {
            self.find(
                Kind::DuplicateId,
                url,
                format!("the id {id:?} stands more than once"),
                None,
            );
        }
    }

    fn staff_pages(&mut self, stops: &HashMap<&Url, &Stop>) {
        let Ok(url) = self.origin.join(STAFF) else {
            return;
        };
        let open = stops.get(&url).is_some_and(|stop| match &stop.end {
            End::Content(facts) => facts.page.is_some() && facts.url.path().starts_with(STAFF),
            End::Elsewhere(_) | End::Loop(_) | End::Failed(_) => false,
        });
        if !open {
            self.find(
                Kind::AdminUnreachable,
                &url,
                "is not open to this account".into(),
                None,
            );
        }
    }
}

/// The addresses that are pieces of pages and never pages: fetched by scripts, or frames.
fn pieces(seen: &Seen) -> HashSet<&Url> {
    let named = |as_piece: bool| {
        let references = seen.references.iter().map(|naming| &naming.reference);
        references
            .filter(move |one| matches!(one.used, Use::Fragment | Use::Frame) == as_piece)
            .map(|one| &one.url)
    };
    let whole: HashSet<&Url> = named(false).collect();
    named(true).filter(|url| !whole.contains(url)).collect()
}

/// Whether a stop is told as a page: one that was read, or an error where a link led.
fn is_listed(stop: &Stop) -> bool {
    match &stop.end {
        End::Content(facts) => {
            facts.page.is_some() || (facts.status >= 400 && !stop.used.is_asset())
        }
        End::Elsewhere(_) | End::Loop(_) | End::Failed(_) => false,
    }
}

/// Whether a browser takes what is served for what it is used as.
fn fits(used: Use, facts: &Facts) -> bool {
    let media_type = facts.media_type.as_str();
    match used {
        Use::Link | Use::Form => {
            !media_type.is_empty() && (facts.page.is_some() || !facts.looks_like_html)
        }
        Use::Fragment | Use::Frame => media_type == "text/html",
        Use::Stylesheet => media_type == "text/css",
        Use::Script => matches!(media_type, "text/javascript" | "application/javascript"),
        Use::Image | Use::Icon => media_type.starts_with("image/"),
        Use::Manifest => {
            matches!(media_type, "application/manifest+json" | "application/json")
        }
        Use::Other => !matches!(media_type, "" | "text/html" | "text/plain"),
    }
}

fn noun_of(used: Use) -> &'static str {
    match used {
        Use::Link | Use::Form => "a page",
        Use::Fragment => "a piece of a page",
        Use::Frame => "a frame",
        Use::Stylesheet => "a style sheet",
        Use::Script => "a script",
        Use::Image => "an image",
        Use::Icon => "an icon",
        Use::Manifest => "a manifest",
        Use::Other => "a part of a page",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::crawl::page::Reference;

    #[test]
    fn an_asset_without_encryption_on_an_encrypted_page_is_mixed_content() {
        let url = Url::parse("https://app.example/").expect("a url");
        let options = Options {
            url: url.clone(),
            credentials: None,
            admin: false,
            max_requests: 1,
            limit: Duration::ZERO,
        };
        let named = |address: &str, used| Naming {
            from: Some(url.clone()),
            reference: Reference {
                url: Url::parse(address).expect("a url"),
                used,
            },
        };
        let references = vec![
            named("http://app.example/logo.png", Use::Image),
            named("http://other.example/page", Use::Link),
        ];
        let seen = Seen {
            stops: Vec::new(),
            references,
            cut: None,
        };
        let findings = judge(&options, &seen).findings;
        let kinds: Vec<_> = findings
            .iter()
            .map(|one| (one.kind, one.url.as_str()))
            .collect();
        assert_eq!(kinds, [(Kind::MixedContent, "http://app.example/logo.png")]);
    }
}
