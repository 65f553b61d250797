//! What a page holds: the addresses that it names, and what makes it a page that a person can use.

use std::collections::HashSet;

use scraper::node::Element;
use scraper::{ElementRef, Html, Node};
use url::Url;

use super::css;

/// How a page or a style sheet uses an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// A link to be followed by a person.
    Link,
    /// Where a form that only reads leads.
    Form,
    /// A piece of a page that a script fetches.
    Fragment,
    Frame,
    Stylesheet,
    Script,
    Image,
    Icon,
    Manifest,
    /// Sound, film, or what a style sheet or a preload names.
    Other,
}

impl Use {
    /// Part of the page, not a way from it.
    pub fn is_asset(self) -> bool {
        match self {
            Self::Link | Self::Form | Self::Fragment => false,
            Self::Frame
            | Self::Stylesheet
            | Self::Script
            | Self::Image
            | Self::Icon
            | Self::Manifest
            | Self::Other => true,
        }
    }
}

/// An address as it is named, made absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub url: Url,
    pub used: Use,
}

/// A page, read.
#[derive(Debug, Default)]
pub struct Page {
    pub title: String,
    pub has_heading: bool,
    /// Whether there is any text to be seen, in `<main>` if it has one, else in `<body>`.
    pub has_text: bool,
    pub has_stylesheet: bool,
    pub has_icon: bool,
    pub ids: HashSet<String>,
    /// Ids that stand more than once, each once.
    pub doubled_ids: Vec<String>,
    pub references: Vec<Reference>,
}

/// Reads the page that stands at `url`.
pub fn read(url: &Url, text: &str) -> Page {
    let html = Html::parse_document(text);
    let mut reader = Reader {
        base: base_of(&html, url),
        page: Page::default(),
    };
    for element in html
        .root_element()
        .descendants()
        .filter_map(ElementRef::wrap)
    {
        reader.element(element);
    }
    reader.page.has_text = has_text(&html);
    reader.page
}

struct Reader {
    base: Url,
    page: Page,
}

impl Reader {
    fn element(&mut self, element: ElementRef<'_>) {
        let value = element.value();
        if let Some(id) = value.id() {
            self.id(id);
        }
        if let Some(style) = value.attr("style") {
            self.sheet(style);
        }
        for name in ["hx-get", "data-hx-get"] {
            self.named(value, name, Use::Fragment);
        }
        match value.name() {
            "title" if self.page.title.is_empty() && !is_inside(element, "svg") => {
                self.page.title = element.text().collect::<String>().trim().to_owned();
            }
            "h1" => self.page.has_heading |= !is_blank(element),
            "a" | "area" => self.named(value, "href", Use::Link),
            "form" => self.form(element),
            "link" => self.link(value),
            "style" => self.sheet(&element.text().collect::<String>()),
            "script" => self.named(value, "src", Use::Script),
            "iframe" | "frame" => self.named(value, "src", Use::Frame),
            "img" => self.image(value),
            "image" | "use" => {
                self.named(value, "href", Use::Image);
                self.named(value, "xlink:href", Use::Image);
            }
            "source" => {
                self.named(value, "src", Use::Other);
                self.set(value);
            }
            "video" => {
                self.named(value, "src", Use::Other);
                self.named(value, "poster", Use::Image);
            }
            "audio" | "track" | "embed" => self.named(value, "src", Use::Other),
            "object" => self.named(value, "data", Use::Other),
            "input" if value.attr("type") == Some("image") => self.named(value, "src", Use::Image),
            _ => {}
        }
    }

    fn id(&mut self, id: &str) {
        if !self.page.ids.insert(id.to_owned())
            && !self.page.doubled_ids.iter().any(|known| known == id)
        {
            self.page.doubled_ids.push(id.to_owned());
        }
    }

    fn named(&mut self, element: &Element, attribute: &str, used: Use) {
        if let Some(address) = element.attr(attribute) {
            self.refer(address, used);
        }
    }

    fn refer(&mut self, address: &str, used: Use) {
        let Ok(url) = self.base.join(address.trim()) else {
            return;
        };
        if matches!(url.scheme(), "http" | "https") {
            self.page.references.push(Reference { url, used });
        }
    }

    fn sheet(&mut self, text: &str) {
        for address in css::addresses(text) {
            self.refer(&address, Use::Other);
        }
    }

    fn image(&mut self, element: &Element) {
        self.named(element, "src", Use::Image);
        self.set(element);
    }

    /// `srcset`: addresses with a width or a density, separated by commas.
    fn set(&mut self, element: &Element) {
        let candidates = element.attr("srcset").unwrap_or_default().split(", ");
        for candidate in
            candidates.filter_map(|candidate| candidate.split_ascii_whitespace().next())
        {
            self.refer(candidate.trim_end_matches(','), Use::Image);
        }
    }

    fn link(&mut self, element: &Element) {
        let relations = element.attr("rel").unwrap_or_default().to_ascii_lowercase();
        let is = |wanted: &str| {
            relations
                .split_ascii_whitespace()
                .any(|relation| relation == wanted)
        };
        let used = if is("stylesheet") {
            self.page.has_stylesheet = true;
            Use::Stylesheet
        } else if is("icon") || is("apple-touch-icon") || is("mask-icon") {
            self.page.has_icon |= is("icon");
            Use::Icon
        } else if is("manifest") {
            Use::Manifest
        } else if is("preload") || is("modulepreload") || is("prefetch") {
            Use::Other
        } else if is("next")
            || is("prev")
            || is("help")
            || is("license")
            || is("author")
            || is("search")
        {
            Use::Link
        } else {
            // `canonical`, `alternate`, `preconnect` and the like name what need not be here.
            return;
        };
        self.named(element, "href", used);
    }

    /// A form that only reads, sent as it stands.
    fn form(&mut self, form: ElementRef<'_>) {
        let value = form.value();
        if !value
            .attr("method")
            .unwrap_or("get")
            .eq_ignore_ascii_case("get")
        {
            return;
        }
        let Ok(mut url) = self.base.join(value.attr("action").unwrap_or_default()) else {
            return;
        };
        let fields = fields_of(form);
        url.set_query(None);
        if !fields.is_empty() {
            url.query_pairs_mut().extend_pairs(&fields);
        }
        url.set_fragment(None);
        self.page.references.push(Reference {
            url,
            used: Use::Form,
        });
    }
}

/// The fields that a browser would send if nobody touched the form.
pub fn fields_of(form: ElementRef<'_>) -> Vec<(String, String)> {
    let elements = form.descendants().filter_map(ElementRef::wrap);
    elements.filter_map(field_of).collect()
}

fn field_of(element: ElementRef<'_>) -> Option<(String, String)> {
    let value = element.value();
    let name = value
        .attr("name")
        .filter(|name| !name.is_empty() && value.attr("disabled").is_none())?;
    let sent = match value.name() {
        "input" => match value.attr("type").unwrap_or("text") {
            "submit" | "button" | "image" | "reset" | "file" => return None,
            "checkbox" | "radio" if value.attr("checked").is_none() => return None,
            "checkbox" | "radio" => value.attr("value").unwrap_or("on").to_owned(),
            _ => value.attr("value").unwrap_or_default().to_owned(),
        },
        "textarea" => element.text().collect(),
        "select" => {
            let options: Vec<_> = element
                .descendants()
                .filter_map(ElementRef::wrap)
                .filter(|option| option.value().name() == "option")
                .collect();
            let chosen = options
                .iter()
                .find(|option| option.value().attr("selected").is_some());
            let option = chosen.or(options.first())?;
            option
                .value()
                .attr("value")
                .map_or_else(|| option.text().collect(), str::to_owned)
        }
        _ => return None,
    };
    Some((name.to_owned(), sent))
}

/// Addresses are relative to `<base href>` where a page has one.
fn base_of(html: &Html, url: &Url) -> Url {
    let mut elements = html
        .root_element()
        .descendants()
        .filter_map(ElementRef::wrap);
    let base = elements
        .find(|element| element.value().name() == "base" && element.value().attr("href").is_some());
    base.and_then(|base| url.join(base.value().attr("href")?).ok())
        .unwrap_or_else(|| url.clone())
}

fn has_text(html: &Html) -> bool {
    let find = |name: &str| {
        let mut elements = html
            .root_element()
            .descendants()
            .filter_map(ElementRef::wrap);
        elements.find(|element| element.value().name() == name)
    };
    find("main")
        .or_else(|| find("body"))
        .is_some_and(|element| !is_blank(element))
}

/// Whether an element shows no text to a person.
fn is_blank(element: ElementRef<'_>) -> bool {
    element.children().all(|child| match child.value() {
        Node::Text(text) => text.trim().is_empty(),
        Node::Element(inner) => {
            let unseen = matches!(
                inner.name(),
                "script" | "style" | "template" | "noscript" | "title" | "datalist"
            );
            unseen || inner.attr("hidden").is_some() || ElementRef::wrap(child).is_none_or(is_blank)
        }
        _ => true,
    })
}

fn is_inside(element: ElementRef<'_>, name: &str) -> bool {
    element
        .ancestors()
        .filter_map(ElementRef::wrap)
        .any(|ancestor| ancestor.value().name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        read(&Url::parse("http://app/a/page").expect("a url"), text)
    }

    fn references(text: &str) -> Vec<(String, Use)> {
        page(text)
            .references
            .into_iter()
            .map(|one| (one.url.to_string(), one.used))
            .collect()
    }

    #[test]
    fn finds_what_a_page_names() {
        let table: [(&str, &str, Use); 13] = [
            ("<a href='/x?a=1#b'>", "http://app/x?a=1#b", Use::Link),
            ("<a href='next'>", "http://app/a/next", Use::Link),
            ("<div hx-get='/part'>", "http://app/part", Use::Fragment),
            (
                "<link rel='stylesheet' href='/s.css'>",
                "http://app/s.css",
                Use::Stylesheet,
            ),
            (
                "<link rel='shortcut icon' href='/i.ico'>",
                "http://app/i.ico",
                Use::Icon,
            ),
            (
                "<link rel='manifest' href='/m.json'>",
                "http://app/m.json",
                Use::Manifest,
            ),
            (
                "<script src='/s.js'></script>",
                "http://app/s.js",
                Use::Script,
            ),
            (
                "<img src='https://other/i.png'>",
                "https://other/i.png",
                Use::Image,
            ),
            (
                "<style>b { background: url(b.png) }</style>",
                "http://app/a/b.png",
                Use::Other,
            ),
            (
                "<p style=\"background: url('c.png')\">",
                "http://app/a/c.png",
                Use::Other,
            ),
            ("<iframe src='/f'></iframe>", "http://app/f", Use::Frame),
            (
                "<svg><use href='/icons.svg#x'/></svg>",
                "http://app/icons.svg#x",
                Use::Image,
            ),
            ("<base href='/b/'><a href='x'>", "http://app/b/x", Use::Link),
        ];
        for (text, url, used) in table {
            assert_eq!(references(text), [(url.to_owned(), used)], "{text}");
        }
        let set = references("<img srcset='/1.png 1x, /2.png 2x'>");
        assert_eq!(
            set,
            [
                ("http://app/1.png".into(), Use::Image),
                ("http://app/2.png".into(), Use::Image)
            ]
        );
    }

    #[test]
    fn passes_over_what_is_not_fetched_or_would_change_something() {
        let text =
            "<a href='mailto:me@app'><a href='javascript:go()'><img src='data:image/png;base64,AA'>
            <form method='post' action='/delete'><input name='a'></form><button hx-post='/delete'>
            <link rel='canonical' href='https://app.example/'>";
        assert_eq!(references(text), []);
    }

    #[test]
    fn sends_a_reading_form_as_it_stands() {
        let text = "<form action='/find?old=1'><input name='q' value='a b'><input type='checkbox' name='no'>
            <input type='checkbox' name='yes' checked><input type='submit' name='go'><input name='off' disabled>
            <select name='s'><option value='1'>one<option value='2' selected>two</select>
            <select name='t'><option>first</select><textarea name='u'>text</textarea></form>";
        let expected = "http://app/find?q=a+b&yes=on&s=2&t=first&u=text";
        assert_eq!(references(text), [(expected.to_owned(), Use::Form)]);
    }

    #[test]
    fn knows_a_page_that_shows_something() {
        let table = [
            ("<main><p>text</p></main>", true),
            ("<body>text", true),
            (
                "<nav>menu</nav><main> <p>\u{a0}</p> <script>x()</script><noscript>no</noscript></main>",
                false,
            ),
            (
                "<main><p hidden>text</p><template>t</template></main>",
                false,
            ),
            ("", false),
        ];
        for (text, expected) in table {
            assert_eq!(page(text).has_text, expected, "{text}");
        }
    }

    #[test]
    fn reads_head_and_ids() {
        let seen = page(
            "<svg><title>icon</title></svg><title> A page </title><link rel='icon' href='/i'>
            <h1><span> </span></h1><p id='a'><p id='b'><p id='a'><p id='a'>",
        );
        assert_eq!(seen.title, "A page");
        assert!(!seen.has_heading && seen.has_icon && !seen.has_stylesheet);
        assert_eq!(seen.doubled_ids, ["a"]);
        assert!(page("<h1>x</h1>").has_heading);
    }
}
