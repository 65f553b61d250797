//! What a style sheet loads: `@import`, `url(…)`, fonts and images alike.

use cssparser::{ParseError, Parser, Token};

/// Every address that `text` names, in order, without `data:` and fragments of the same document.
pub fn addresses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect(&mut Parser::new(text), false, &mut found);
    found.retain(|address| {
        !address.is_empty() && !address.starts_with('#') && !address.starts_with("data:")
    });
    found
}

/// With `strings`, a quoted string is an address too.
fn collect(parser: &mut Parser<'_>, strings: bool, found: &mut Vec<String>) {
    let mut import = false;
    while let Ok(token) = parser.next() {
        let after_import = std::mem::take(&mut import);
        let inner_strings = match token {
            Token::UnquotedUrl(address) => {
                found.push(address.to_string());
                continue;
            }
            Token::QuotedString(address) if strings || after_import => {
                found.push(address.to_string());
                continue;
            }
            Token::AtKeyword(name) => {
                import = name.eq_ignore_ascii_case("import");
                continue;
            }
            Token::Function(name) => names_addresses(name),
            Token::ParenthesisBlock | Token::SquareBracketBlock | Token::CurlyBracketBlock => false,
            _ => continue,
        };
        // A block that is broken or too deep ends there, as in a browser.
        let _ = parser.parse_nested_block(|inner| {
            collect(inner, inner_strings, found);
            Ok::<_, ParseError<()>>(())
        });
    }
}

fn names_addresses(function: &str) -> bool {
    ["url", "src", "image-set", "-webkit-image-set"]
        .iter()
        .any(|name| function.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn finds_what_a_sheet_loads() {
        let sheet = r#"
            @import "base.css"; @import url("print.css") print;
            @font-face { src: url(font.woff2) format("woff2"), url('font.woff') }
            /* url(comment.png) */
            @media (min-width: 1px) { .a { background: URL( "a b.png" ) } }
            .b { background-image: image-set("b.png" 1x, "b2.png" 2x); content: "url(no.png)" }
            .c { background: url(data:image/png;base64,AAAA) url(#gradient) }
        "#;
        let expected = [
            "base.css",
            "print.css",
            "font.woff2",
            "font.woff",
            "a b.png",
            "b.png",
            "b2.png",
        ];
        assert_eq!(addresses(sheet), expected);
    }
}
