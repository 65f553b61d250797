//! A template cut into the text that it says as it stands, the expansions whose text is made, and the tags around them.
//! The engine's own tokenizer cuts, so that whitespace is what the engine takes for whitespace.

use std::ops::Range;

use anyhow::{Result, ensure};
use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;

/// A template in parts, in the order of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut<'a> {
    pub source: &'a str,
    pub parts: Vec<Part>,
    pub tags: Vec<Range<usize>>,
    /// The blocks; the first is the whole template.
    pub scopes: Vec<Scope>,
}

/// Something of a template that makes output. Between two tags there is always a text, if an empty one: a place where text
/// can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub kind: Kind,
    /// Where it stands in the source.
    pub range: Range<usize>,
    /// The block that it stands in.
    pub scope: usize,
}

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Said as it stands.
    Text,
    /// The same, with tags that are none: in a raw block.
    Raw,
    /// `<%= … %>`.
    Expansion,
    /// A block whose output is caught and changed or said elsewhere: a filter, a macro, a `set`. It is taken as one.
    Opaque,
}

/// What stands between a tag and the one that ends it, or the next branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub depth: usize,
    /// The tag of the loop around, if there is one: what stands in it can be said several times.
    pub turns: Option<Range<usize>>,
}

/// What a tag does to the blocks around it.
enum Effect {
    Opens { repeats: bool },
    OpensOpaque,
    Branches,
    Closes,
    Stands,
}

/// Cuts `source`.
///
/// # Errors
/// When it is no template.
pub fn cut<'a>(source: &'a str, syntax: &SyntaxConfig) -> Result<Cut<'a>> {
    let mut cutter = Cutter {
        cut: Cut {
            source,
            parts: Vec::new(),
            tags: Vec::new(),
            scopes: vec![Scope {
                depth: 0,
                turns: None,
            }],
        },
        open: vec![0],
        opaque: None,
        end: 0,
    };
    let mut tag = TagTokens::default();
    for token in tokenize(source, false, syntax.clone()) {
        let (token, span) = token?;
        let (start, end) = (span.start_offset as usize, span.end_offset as usize);
        match token {
            Token::TemplateData(text) => cutter.text(text),
            Token::VariableStart | Token::BlockStart => {
                tag = TagTokens {
                    start,
                    ..TagTokens::default()
                }
            }
            Token::VariableEnd => cutter.expansion(tag.start..end),
            Token::BlockEnd => cutter.tag(&tag, end)?,
            Token::Ident(word) if tag.keyword.is_empty() => tag.keyword = word.to_owned(),
            Token::Assign => tag.assigns = true,
            _ => {}
        }
    }
    cutter.gap(source.len());
    Ok(cutter.cut)
}

/// What was seen of a tag so far.
#[derive(Default)]
struct TagTokens {
    start: usize,
    keyword: String,
    assigns: bool,
}

impl TagTokens {
    fn effect(&self) -> Effect {
        match self.keyword.as_str() {
            "for" => Effect::Opens { repeats: true },
            "if" | "with" | "autoescape" | "block" => Effect::Opens { repeats: false },
            "filter" | "macro" | "call" => Effect::OpensOpaque,
            "set" if !self.assigns => Effect::OpensOpaque,
            "elif" | "else" => Effect::Branches,
            keyword if keyword.starts_with("end") => Effect::Closes,
            _ => Effect::Stands,
        }
    }
}

struct Cutter<'a> {
    cut: Cut<'a>,
    /// The scopes around, the innermost last.
    open: Vec<usize>,
    /// Where the outermost opaque block began, and how many blocks are open in it.
    opaque: Option<(usize, usize)>,
    /// The end of the last part or tag.
    end: usize,
}

impl Cutter<'_> {
    fn text(&mut self, text: &str) {
        let start = text.as_ptr() as usize - self.cut.source.as_ptr() as usize;
        if self.opaque.is_some() {
            return;
        }
        let between = &self.cut.source[self.end..start];
        let last_tag = between.rsplit_once("<%").map_or("", |(_, tag)| tag);
        let is_raw = last_tag
            .trim_start_matches(['-', '+', ' '])
            .starts_with("raw");
        let kind = if is_raw { Kind::Raw } else { Kind::Text };
        self.part(kind, start..start + text.len());
    }

    fn expansion(&mut self, range: Range<usize>) {
        if self.opaque.is_none() {
            self.gap(range.start);
            self.part(Kind::Expansion, range);
        }
    }

    fn part(&mut self, kind: Kind, range: Range<usize>) {
        self.end = range.end;
        let scope = self.open.last().copied().unwrap_or(0);
        self.cut.parts.push(Part { kind, range, scope });
    }

    /// Makes sure that text can be written before what begins at `start`.
    fn gap(&mut self, start: usize) {
        let last = self.cut.parts.last();
        let is_text = |part: &Part| matches!(part.kind, Kind::Text | Kind::Raw);
        let is_there = last.is_some_and(|part| part.range.end == self.end && is_text(part));
        if !is_there {
            let at = self.after_newline(start);
            self.part(Kind::Text, at..at);
        }
    }

    /// Where text can be written behind what ended: a line that has only a tag takes its end with it.
    fn after_newline(&self, start: usize) -> usize {
        let between = &self.cut.source[self.end..start];
        match between.find('\n') {
            Some(at) if between[..at].trim().is_empty() => self.end + at + 1,
            _ => self.end,
        }
    }

    fn tag(&mut self, tag: &TagTokens, end: usize) -> Result<()> {
        let effect = tag.effect();
        if let Some((start, depth)) = &mut self.opaque {
            match effect {
                Effect::Opens { .. } | Effect::OpensOpaque => *depth += 1,
                Effect::Closes => *depth -= 1,
                Effect::Branches | Effect::Stands => {}
            }
            if *depth == 0 {
                let range = *start..end;
                self.opaque = None;
                self.part(Kind::Opaque, range);
            }
            return Ok(());
        }
        self.gap(tag.start);
        match effect {
            Effect::OpensOpaque => {
                self.opaque = Some((tag.start, 1));
                return Ok(());
            }
            Effect::Opens { repeats } => self.open_scope(repeats.then_some(tag.start..end)),
            // A loop's `else` is said once.
            Effect::Branches => {
                self.close()?;
                self.open_scope(None);
            }
            Effect::Closes => {
                self.close()?;
            }
            Effect::Stands => {}
        }
        self.cut.tags.push(tag.start..end);
        self.end = end;
        Ok(())
    }

    fn open_scope(&mut self, turns: Option<Range<usize>>) {
        let around = self.open.last().copied().unwrap_or(0);
        let around = &self.cut.scopes[around];
        let scope = Scope {
            depth: around.depth + 1,
            turns: turns.or_else(|| around.turns.clone()),
        };
        self.open.push(self.cut.scopes.len());
        self.cut.scopes.push(scope);
    }

    fn close(&mut self) -> Result<()> {
        self.open.pop();
        ensure!(!self.open.is_empty(), "a block ends that never began");
        Ok(())
    }
}

impl Cut<'_> {
    /// The text of a part in the source.
    pub fn text(&self, part: usize) -> &str {
        &self.source[self.parts[part].range.clone()]
    }

    /// Whether nothing stands between two parts but a comment.
    pub fn adjoin(&self, part: usize, next: usize) -> bool {
        let between = self.parts[part].range.end..self.parts[next].range.start;
        next == part + 1 && !self.tags.iter().any(|tag| between.contains(&tag.start))
    }

    /// The tag of the loop around a part.
    pub fn loop_around(&self, part: usize) -> Option<Range<usize>> {
        self.scopes[self.parts[part].scope].turns.clone()
    }

    /// The line of the source that `at` is in, from 1.
    pub fn line(&self, at: usize) -> usize {
        1 + self.source[..at].matches('\n').count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Engine;

    fn parts(source: &str) -> Vec<(Kind, &str, usize)> {
        let engine = Engine::new().expect("an engine");
        let cut = cut(source, engine.syntax()).expect("a template");
        let part = |part: &Part| {
            let depth = cut.scopes[part.scope].depth;
            (part.kind, &source[part.range.clone()], depth)
        };
        cut.parts.iter().map(part).collect()
    }

    use Kind::{Expansion, Opaque, Raw, Text};

    #[test]
    fn tags_take_their_lines_with_them() {
        assert_eq!(
            parts("a\n  <% if x %>\nb <%= y %>\n<% endif %>\nc\n"),
            [
                (Text, "a\n", 0),
                (Text, "b ", 1),
                (Expansion, "<%= y %>", 1),
                (Text, "\n", 1),
                (Text, "c\n", 0)
            ]
        );
    }

    #[test]
    fn there_is_a_place_between_two_tags() {
        assert_eq!(
            parts("<% if x %>\n<%= y %><%= z %>\n<% else %><% endif %>"),
            [
                (Text, "", 0),
                (Text, "", 1),
                (Expansion, "<%= y %>", 1),
                (Text, "", 1),
                (Expansion, "<%= z %>", 1),
                (Text, "\n", 1),
                (Text, "", 1),
                (Text, "", 0),
            ]
        );
    }

    #[test]
    fn what_is_caught_is_taken_as_one() {
        let filter = "<% filter upper %>\nb <% if x %>c<% endif %>\n<% endfilter %>";
        let source = format!("a\n{filter}\nd\n");
        assert_eq!(
            parts(&source),
            [(Text, "a\n", 0), (Opaque, filter, 0), (Text, "d\n", 0)]
        );
        let source = "<% macro m(a) %>x<% endmacro %>\n<% set y = 1 %>\n<%= m(y) %>";
        let kinds: Vec<_> = parts(source).iter().map(|part| part.0).collect();
        assert_eq!(kinds, [Text, Opaque, Text, Text, Expansion, Text]);
    }

    #[test]
    fn raw_text_is_text() {
        assert_eq!(
            parts("a<% raw %>\n<%= b %>\n<% endraw %>\nc"),
            [(Text, "a", 0), (Raw, "<%= b %>\n", 0), (Text, "c", 0)]
        );
    }

    #[test]
    fn a_comment_parts_two_texts_and_nothing_else() {
        let engine = Engine::new().expect("an engine");
        let source = "a\n<%# why %>\nb<% if x %>c<% endif %>";
        let cut = cut(source, engine.syntax()).expect("a template");
        assert_eq!((cut.text(0), cut.text(1)), ("a\n", "b"));
        assert!(cut.adjoin(0, 1) && !cut.adjoin(1, 2));
    }
}
