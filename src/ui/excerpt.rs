//! Mistakes in a file, each with the lines that it stands in, as compilers show them.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::project::yaml::Mistake;

/// The mistakes one below the other, with the lines of `text` and their places in the file `name`; in colours when
/// standard error has them.
pub fn excerpts(name: &str, text: &str, mistakes: &[Mistake]) -> String {
    let renderer = if console::colors_enabled_stderr() {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let rendered: Vec<String> = mistakes
        .iter()
        .map(|mistake| renderer.render(&[group(name, text, mistake)]))
        .collect();
    rendered.join("\n\n")
}

fn group<'a>(name: &'a str, text: &'a str, mistake: &'a Mistake) -> Group<'a> {
    let mut here = AnnotationKind::Primary.span(mistake.span.clone());
    if !mistake.label.is_empty() {
        here = here.label(mistake.label.as_str());
    }
    let mut snippet = Snippet::source(text).path(name).annotation(here);
    if let Some((span, label)) = &mistake.related {
        let there = AnnotationKind::Context.span(span.clone());
        snippet = snippet.annotation(there.label(label.as_str()));
    }
    let title = Level::ERROR
        .no_name()
        .primary_title(mistake.message.as_str());
    title.element(snippet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_line_and_what_was_meant() {
        let text = "theme: htmx\r\nmodules:\r\n  aüth: {} # c\r\nthema: x\r\n";
        let at = |word: &str| {
            text.find(word)
                .map(|start| start..start + word.len())
                .unwrap()
        };
        let mistakes = [
            Mistake::new(at("aüth"), "unknown module `aüth`").label("did you mean `auth`?"),
            Mistake::new(at("thema"), "`thema` twice").related(at("theme"), "first here"),
            Mistake::new(text.len()..text.len(), "the file ends too early"),
        ];
        console::set_colors_enabled_stderr(false);
        insta::assert_snapshot!(excerpts("quickscale.yml", text, &mistakes));
    }
}
