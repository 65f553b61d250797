//! Plain and quoted values as text.

/// A value to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Something that reads the same with or without quotes: a word, a number, `true`.
    Word(&'a str),
    /// Any text of one line.
    Text(&'a str),
}

impl Value<'_> {
    /// As it is written where nothing stood.
    pub fn fresh(&self) -> String {
        match self {
            Self::Word(word) => (*word).to_owned(),
            Self::Text(text) => double_quoted(text),
        }
    }

    /// As it is written in the place of `old`, with its kind of quotes.
    pub fn in_place_of(&self, old: &str) -> String {
        let (Self::Word(text) | Self::Text(text)) = self;
        if old.starts_with('\'') {
            format!("'{}'", text.replace('\'', "''"))
        } else if old.starts_with('"') {
            double_quoted(text)
        } else if is_prose(text) && !old.starts_with(['|', '>']) {
            (*text).to_owned()
        } else {
            self.fresh()
        }
    }
}

fn double_quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Whether a text needs no quotes anywhere and is nothing but a text to every reader of YAML: words with single spaces
/// between them, the first with a letter that no number starts with.
fn is_prose(text: &str) -> bool {
    const MEANING: [&str; 10] = [
        "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan",
    ];
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    text.starts_with(char::is_alphabetic)
        && text.split(' ').all(is_word)
        && !MEANING.contains(&text.to_lowercase().as_str())
}
