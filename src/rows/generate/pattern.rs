//! Texts that match a pattern.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Repetitions of what may be repeated without end.
const MORE: u32 = 2;

/// Characters of a text that is made of a pattern.
const LONGEST: usize = 1_000;

/// Texts for `LIKE`: `%` for nothing and for a letter, `_` for a letter.
pub(super) fn like(pattern: &str) -> [String; 2] {
    let fill = |many: &str| {
        let mut text = String::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            match c {
                '%' => text.push_str(many),
                '_' => text.push('a'),
                '\\' => text.extend(chars.next()),
                c => text.push(c),
            }
        }
        text
    };
    [fill("a"), fill("")]
}

/// Texts that match a regular expression: one with few repetitions, one with more. None where it cannot be read; some of
/// PostgreSQL's expressions are not known here.
pub(super) fn regex(pattern: &str) -> Vec<String> {
    let pattern = pattern.strip_prefix("***:").unwrap_or(pattern);
    // known as class shorthands there, and not here
    let pattern = pattern.replace("\\m", "\\b").replace("\\M", "\\b").replace("\\Z", "\\z");
    let Ok(tree) = regex_syntax::parse(&pattern) else { return Vec::new() };
    let mut texts = Vec::new();
    for more in [0, MORE] {
        let mut text = String::new();
        if write(&tree, more, &mut text).is_some() && !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

fn write(tree: &Hir, more: u32, out: &mut String) -> Option<()> {
    if out.len() > LONGEST {
        return None;
    }
    match tree.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => out.push(one_of(class)?),
        HirKind::Repetition(part) => {
            let most = part.max.unwrap_or(u32::MAX);
            for _ in 0..part.min.saturating_add(more).min(most) {
                write(&part.sub, more, out)?;
            }
        }
        HirKind::Capture(part) => write(&part.sub, more, out)?,
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| write(part, more, out))?,
        HirKind::Alternation(parts) => write(parts.first()?, more, out)?,
    }
    Some(())
}

/// A readable character of a class.
fn one_of(class: &Class) -> Option<char> {
    let Class::Unicode(class) = class else { return None };
    let has = |c: char| class.ranges().iter().any(|range| range.start() <= c && c <= range.end());
    ['a', 'A', '1', '-', ' ', '.']
        .into_iter()
        .find(|c| has(*c))
        .or_else(|| class.ranges().first().map(|range| range.start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_match_their_patterns() {
        for pattern in [
            "^[A-Z]{3}$",
            "^\\d{2,4}-\\w+$",
            "^(a|b)c?$",
            "^[^@]+@[^@]+\\.[a-z]{2,}$",
            "^[[:alpha:]]+$",
            "^#[0-9a-f]{6}$",
        ] {
            let texts = regex(pattern);
            let matches = regex::Regex::new(pattern).unwrap();
            assert!(!texts.is_empty() && texts.iter().all(|text| matches.is_match(text)), "{pattern}: {texts:?}");
        }
        assert_eq!(regex("^a{3}b*$"), ["aaa", "aaabb"]);
        assert!(regex("(").is_empty());
        assert_eq!(like("%@_.de"), ["a@a.de", "@a.de"]);
    }
}
