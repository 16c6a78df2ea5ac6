//! `DO` blocks: the statements that stand in the body as they are. What the body puts
//! together at run time (`EXECUTE`) cannot be seen.

use super::parts::runs_unknown;
use super::rows;
use crate::sql::facts::{Facts, Outside};
use crate::sql::opaque::calls_unknown;
use crate::sql::token::{Cursor, Kind, Tok, words};

/// DO blocks inside of DO blocks that are looked into; thousands would overflow the stack.
const MOST_BLOCKS: usize = 16;

/// Words before the first word of a statement in PL/pgSQL.
const OPENERS: [&str; 5] = ["begin", "then", "else", "loop", "atomic"];

/// What a statement inside does; `depth`: blocks around it.
type Classify = fn(&[Tok<'_>], usize, &mut Facts);

pub(super) fn block(toks: &[Tok<'_>], depth: usize, facts: &mut Facts, classify: Classify) {
    let mut c = Cursor::new(toks);
    if depth >= MOST_BLOCKS || c.skip_past("language") && !c.eat_any(&["plpgsql", "sql"]) {
        runs_unknown(facts);
        return;
    }
    let Some(body) = toks.iter().rev().find(|t| t.kind == Kind::Text).map(|t| unquote(t.text)) else { return };
    let inner = words(&body);
    let mut start = 0;
    for n in 0..=inner.len() {
        let ends = inner.get(n).is_none_or(|t| t.sign() == Some(b';') || t.is_any(&OPENERS));
        if !ends {
            continue;
        }
        let statement = &inner[start..n];
        if statement.first().is_some_and(|t| t.is_any(&["commit", "rollback"])) {
            // such a block ends its caller's transaction, so that it may not have one
            facts.outside = Some(Outside::Opaque);
        }
        let mut found = Facts::default();
        match statement.first() {
            Some(first) if first.is("perform") => rows::rows(statement, &mut found),
            Some(_) => classify(statement, depth + 1, &mut found),
            None => {}
        }
        if calls_unknown(statement) {
            runs_unknown(&mut found);
        }
        facts.merge(found);
        start = n + 1;
    }
}

fn unquote(text: &str) -> String {
    if let Some(tag) = text.strip_prefix('$').and_then(|t| t.find('$')) {
        let fence = tag + 2;
        return text.get(fence..text.len().saturating_sub(fence)).unwrap_or_default().to_owned();
    }
    let inner = text.trim_start_matches(['E', 'e']);
    inner.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).unwrap_or(inner).replace("''", "'")
}
