//! Pieces of SQL inside of parameters: conditions, expressions, queries, argument lists.

use crate::base::{Code, Diagnostic, Diagnostics, Place, QualifiedName};
use serde_json::{Map, Value};
use squawk_lexer::{LiteralKind, TokenKind, tokenize};
use std::ops::Range;

/// A token that means something: no white space, no comment.
struct Word {
    kind: TokenKind,
    at: Range<usize>,
    /// Brackets around it.
    depth: usize,
}

/// What is wrong with a text, and its bytes.
type Wrong = (String, Range<usize>);

/// The words of `text`, and what is wrong with its quotes, comments and brackets.
fn words(text: &str) -> (Vec<Word>, Option<Wrong>) {
    let (mut words, mut problem) = (Vec::new(), None);
    let (mut start, mut open) = (0usize, Vec::new());
    for token in tokenize(text) {
        let at = start..start + token.len as usize;
        start = at.end;
        let mut depth = open.len();
        match token.kind {
            TokenKind::Eof | TokenKind::Whitespace | TokenKind::LineComment => continue,
            TokenKind::BlockComment { terminated: true } => continue,
            TokenKind::OpenParen | TokenKind::OpenBracket => open.push((token.kind, at.clone())),
            TokenKind::CloseParen | TokenKind::CloseBracket => {
                let wanted = if matches!(token.kind, TokenKind::CloseParen) {
                    TokenKind::OpenParen
                } else {
                    TokenKind::OpenBracket
                };
                if open.pop().is_none_or(|(kind, _)| kind != wanted) {
                    let message = || format!("has a `{}` that closes nothing", &text[at.clone()]);
                    problem.get_or_insert_with(|| (message(), at.clone()));
                }
                depth = open.len();
            }
            kind if !is_closed(kind) => {
                // its first character: the rest of the text belongs to it
                let start = at.start..at.start + text[at.clone()].chars().next().map_or(0, char::len_utf8);
                problem.get_or_insert_with(|| ("has a quote or comment that is not closed".to_owned(), start));
            }
            _ => {}
        }
        words.push(Word { kind: token.kind, at, depth });
    }
    if let Some((_, at)) = open.pop() {
        problem.get_or_insert_with(|| ("has a bracket that is not closed".to_owned(), at));
    }
    (words, problem)
}

fn is_closed(kind: TokenKind) -> bool {
    match kind {
        TokenKind::BlockComment { terminated } | TokenKind::QuotedIdent { terminated, .. } => terminated,
        TokenKind::Literal { kind } => match kind {
            LiteralKind::Str { terminated }
            | LiteralKind::NationalStr { terminated }
            | LiteralKind::ByteStr { terminated }
            | LiteralKind::BitStr { terminated }
            | LiteralKind::DollarQuotedString { terminated }
            | LiteralKind::UnicodeEscStr { terminated }
            | LiteralKind::EscStr { terminated } => terminated,
            LiteralKind::Int { .. } | LiteralKind::Numeric { .. } => true,
        },
        _ => true,
    }
}

/// `text` without the semicolons, comments and white space at its end: a template goes on
/// after it, and a line comment would swallow what follows.
#[must_use]
pub fn tidy(text: &str) -> &str {
    let (words, _) = words(text);
    let end = words.iter().rev().find(|w| !matches!(w.kind, TokenKind::Semi)).map_or(0, |w| w.at.end);
    text[..end].trim_start()
}

/// The same for those values of a template's context.
pub fn tidy_all(context: &mut Map<String, Value>, keys: &[&str]) {
    for key in keys {
        if let Some(Value::String(text)) = context.get_mut(*key) {
            *text = tidy(text).to_owned();
        }
    }
}

/// Finds what would break out of the place that a template puts `text` into.
pub fn check_piece(text: &str, place: &Place, out: &mut Diagnostics) {
    let (all, problem) = words(text);
    let last = all.iter().rposition(|w| !matches!(w.kind, TokenKind::Semi));
    let inside = all.iter().take(last.unwrap_or(0)).find(|w| matches!(w.kind, TokenKind::Semi));
    let (problem, at) = match (last, inside, problem) {
        (None, ..) => ("is empty".to_owned(), None),
        (_, Some(semicolon), _) => ("holds a semicolon".to_owned(), Some(semicolon.at.clone())),
        (_, _, Some((problem, at))) => (problem, Some(at)),
        (_, _, None) => return,
    };
    let place = at.map_or(place.clone(), |at| place.clone().within(at));
    let help = "one expression or one query stands here; several statements belong into a `sql` change";
    out.push(Diagnostic::error(Code::NotOnePiece, format!("the SQL {problem}")).at(place).help(help));
}

/// Whether `word` stands in `text` outside of quotes and brackets.
#[must_use]
pub fn has_word(text: &str, word: &str) -> bool {
    words(text).0.iter().any(|w| w.depth == 0 && text[w.at.clone()].eq_ignore_ascii_case(word))
}

/// The parts of a list, divided at commas outside of quotes and brackets.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for word in words(text).0.iter().filter(|w| w.depth == 0 && matches!(w.kind, TokenKind::Comma)) {
        parts.push(text[start..word.at.start].trim());
        start = word.at.end;
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// The arguments of a function without their defaults, as DROP, COMMENT and GRANT want them
/// (manual, DROP FUNCTION).
#[must_use]
pub fn signature(arguments: &str) -> String {
    let bare = |part: &str| -> String {
        let (words, _) = words(part);
        let default = words.iter().find(|w| {
            w.depth == 0 && (matches!(w.kind, TokenKind::Eq) || part[w.at.clone()].eq_ignore_ascii_case("default"))
        });
        part[..default.map_or(part.len(), |w| w.at.start)].trim().to_owned()
    };
    parts(arguments).into_iter().map(bare).collect::<Vec<_>>().join(", ")
}

/// A function's name with the types of its arguments: `platform.f(uuid, text)`.
///
/// # Errors
/// What is wrong with it.
pub fn routine(text: &str) -> Result<(QualifiedName, Vec<String>), String> {
    let (words, problem) = words(text);
    if let Some((problem, _)) = problem {
        return Err(format!("`{text}` {problem}"));
    }
    let open = words.iter().find(|w| matches!(w.kind, TokenKind::OpenParen)).map(|w| w.at.clone());
    let (Some(open), Some(last)) = (open, words.last()) else {
        return Err(format!("`{text}` has no argument types; write `{text}()` or `{text}(uuid, text)`"));
    };
    if !matches!(last.kind, TokenKind::CloseParen) {
        return Err(format!("`{text}` goes on after its argument types"));
    }
    let types: Vec<String> = parts(&text[open.end..last.at.start]).into_iter().map(str::to_owned).collect();
    types.iter().try_for_each(|name| super::value::check_type(name))?;
    Ok((text[..open.start].trim().parse()?, types))
}

/// The SQL form of what [`routine`] reads.
#[must_use]
pub fn routine_sql(name: &QualifiedName, types: &[String]) -> String {
    format!("{}({})", name.sql(), types.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;

    fn wrong(text: &str) -> Option<String> {
        let mut out = Diagnostics::default();
        check_piece(text, &Place::value(FileId(0), vec![]), &mut out);
        out.iter().next().map(|d| d.message.clone())
    }

    #[test]
    fn pieces_stay_in_their_place() {
        for good in ["a = ';'", "f(a[1]) -- why ) ;", "a = $x$ ; ( $x$;\n", "\"od;d\" IS NULL", "'é' || E'\\')'"] {
            assert_eq!(wrong(good), None, "{good}");
        }
        for (bad, why) in [
            ("true); DROP TABLE x; --", "semicolon"),
            ("a = 1; b = 2", "semicolon"),
            ("(a", "not closed"),
            ("a) OR (b", "closes nothing"),
            ("f(a]", "closes nothing"),
            ("a = 'x", "not closed"),
            ("a /* x", "not closed"),
            (" -- nothing", "empty"),
        ] {
            assert!(wrong(bad).is_some_and(|m| m.contains(why)), "{bad}: {:?}", wrong(bad));
        }
    }

    #[test]
    fn what_is_wrong_has_its_bytes() {
        for (text, at) in [("a = 1; b", ";"), ("f(a, (b)", "("), ("a = 'é", "'"), ("a) b", ")")] {
            let mut out = Diagnostics::default();
            check_piece(text, &Place::value(FileId(0), vec![]), &mut out);
            let within = out.iter().next().unwrap().place.clone().unwrap().within;
            assert_eq!(within, text.find(at).map(|start| start..start + 1), "{text}");
        }
    }

    #[test]
    fn tidy_takes_off_what_would_swallow_the_rest() {
        assert_eq!(tidy("\n SELECT ';' -- a\n FROM t ; -- done\n;"), "SELECT ';' -- a\n FROM t");
        assert_eq!(tidy("; -- x"), "");
    }

    #[test]
    fn signatures_have_no_defaults() {
        let given = "p_a numeric(10, 2) DEFAULT 1, b text[] = '{a,b}', VARIADIC \"default\" int[], OUT d text";
        assert_eq!(signature(given), "p_a numeric(10, 2), b text[], VARIADIC \"default\" int[], OUT d text");
        assert_eq!(signature(" "), "");
    }

    #[test]
    fn routines_have_argument_types() {
        let (name, types) = routine("app.\"F(x\"(numeric(1,2), text)").unwrap();
        assert_eq!(routine_sql(&name, &types), "app.\"F(x\"(numeric(1,2), text)");
        assert!(routine("app.f").unwrap_err().contains("app.f()"));
        assert!(routine("app.f() CASCADE").is_err());
        assert!(routine("app.f(a'b')").is_err());
    }
}
