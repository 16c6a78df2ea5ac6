//! Pieces of SQL inside of parameters: conditions, expressions, queries, argument lists.

use crate::base::{Code, Diagnostic, Diagnostics, Place, QualifiedName};
use crate::sql::{Word, brackets};
use serde_json::{Map, Value};

/// `text` without the semicolons, comments and white space at its end: a template goes on
/// after it, and a line comment would swallow what follows.
#[must_use]
pub fn tidy(text: &str) -> &str {
    let (words, _) = brackets(text);
    let end = words.iter().rev().find(|w| w.sign != Some(b';')).map_or(0, Word::end);
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
    let (all, problem) = brackets(text);
    let last = all.iter().rposition(|w| w.sign != Some(b';'));
    let inside = all.iter().take(last.unwrap_or(0)).find(|w| w.sign == Some(b';'));
    let (problem, at) = match (last, inside, problem) {
        (None, ..) => ("is empty".to_owned(), None),
        (_, Some(semicolon), _) => ("holds a semicolon".to_owned(), Some(semicolon.start..semicolon.end())),
        (_, _, Some((problem, at))) => (problem, Some(at)),
        (_, _, None) => return,
    };
    let place = at.map_or(place.clone(), |at| place.clone().within(at));
    let help = "write one expression or one query; put several statements into a `sql` change";
    out.push(Diagnostic::error(Code::NotOnePiece, format!("the SQL {problem}")).at(place).help(help));
}

/// Whether `word` stands in `text` outside of quotes and brackets.
#[must_use]
pub fn has_word(text: &str, word: &str) -> bool {
    brackets(text).0.iter().any(|w| w.depth == 0 && w.text.eq_ignore_ascii_case(word))
}

/// The parts of a list, divided at commas outside of quotes and brackets.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for word in brackets(text).0.iter().filter(|w| w.depth == 0 && w.sign == Some(b',')) {
        parts.push(text[start..word.start].trim());
        start = word.end();
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
        let (words, _) = brackets(part);
        let default =
            words.iter().find(|w| w.depth == 0 && (w.sign == Some(b'=') || w.text.eq_ignore_ascii_case("default")));
        part[..default.map_or(part.len(), |w| w.start)].trim().to_owned()
    };
    parts(arguments).into_iter().map(bare).collect::<Vec<_>>().join(", ")
}

/// A function's name with the types of its arguments: `platform.f(uuid, text)`.
///
/// # Errors
/// What is wrong with it.
pub fn routine(text: &str) -> Result<(QualifiedName, Vec<String>), String> {
    let (words, problem) = brackets(text);
    if let Some((problem, _)) = problem {
        return Err(format!("`{text}` {problem}"));
    }
    let open = words.iter().find(|w| w.sign == Some(b'('));
    let (Some(open), Some(last)) = (open, words.last()) else {
        return Err(format!("`{text}` has no argument types; write `{text}()` or `{text}(uuid, text)`"));
    };
    if last.sign != Some(b')') {
        return Err(format!("`{text}` has more text after its argument types"));
    }
    let types: Vec<String> = parts(&text[open.end()..last.start]).into_iter().map(str::to_owned).collect();
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
