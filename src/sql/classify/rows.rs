//! Statements that read and write rows: which tables stand where.

use crate::base::{Ident, QualifiedName};
use crate::sql::also::{AlsoLocked, Through};
use crate::sql::facts::{Facts, LockMode};
use crate::sql::token::{Cursor, Tok};
use std::collections::BTreeSet;

/// Functions whose arguments have a `FROM` of their own.
const FROM_INSIDE: [&str; 5] = ["extract", "substring", "trim", "overlay", "position"];

/// Words after which the list of `FROM` is over.
const AFTER_FROM: [&str; 17] = [
    "where",
    "group",
    "having",
    "window",
    "union",
    "intersect",
    "except",
    "order",
    "limit",
    "offset",
    "fetch",
    "for",
    "returning",
    "set",
    "select",
    "values",
    "with",
];

/// What a level of parentheses is.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Arguments of `extract(… FROM …)`.
    argument: bool,
    /// Inside of a FROM list, where a comma is followed by a table.
    from: bool,
}

/// Takes a query, or a statement that changes rows, with everything in its parentheses.
pub(super) fn rows(toks: &[Tok<'_>], facts: &mut Facts) {
    let ctes = ctes(toks);
    let read = if locks_rows(toks) { LockMode::RowShare } else { LockMode::AccessShare };
    let mut levels = vec![Level::default()];
    let mut table_next = false;
    let mut c = Cursor::new(toks);
    let mut before: Option<&Tok<'_>> = None;
    let mut note = |name: QualifiedName, mode: LockMode| {
        if name.schema.is_some() || !ctes.contains(&name.name) {
            if mode == LockMode::RowExclusive {
                facts.through(Through::Triggers, &name, LockMode::AccessExclusive);
            }
            facts.lock(name, mode);
        }
    };
    let mut loses = false;
    let mut cascades = Vec::new();
    while let Some(tok) = c.peek() {
        let inside = levels.len() > 1;
        let level = levels.last_mut().expect("the first level stays");
        match tok.sign() {
            Some(b'(') => {
                let argument = before.is_some_and(|t| t.is_any(&FROM_INSIDE));
                levels.push(Level { argument, from: table_next });
                before = c.bump();
                continue;
            }
            Some(b')') if inside => {
                levels.pop();
                table_next = false;
                before = c.bump();
                continue;
            }
            Some(b',') => {
                table_next = level.from;
                before = c.bump();
                continue;
            }
            _ => {}
        }
        if table_next && !tok.is_any(&["select", "with", "values", "lateral", "only", "table", "rows"]) {
            table_next = false;
            if let Some(name) = c.qname() {
                before = Some(tok);
                if !c.sees_sign(b'(') {
                    note(name, read);
                }
                continue;
            }
        }
        let after = |word: &str| before.is_some_and(|t| t.is(word));
        if tok.is("from") && after("delete") || tok.is("into") && (after("insert") || after("merge")) {
            loses |= tok.is("from");
            let deletes = tok.is("from");
            before = c.bump();
            let only = c.eat("only");
            if let Some(name) = c.qname() {
                if deletes {
                    cascades.push((name.clone(), only));
                }
                note(name, LockMode::RowExclusive);
            }
            continue;
        }
        if tok.is("update") && !["for", "key", "do", "then", "on"].iter().any(|w| after(w)) {
            before = c.bump();
            c.eat("only");
            if let Some(name) = c.qname() {
                note(name, LockMode::RowExclusive);
            }
            continue;
        }
        // MERGE … THEN DELETE
        loses |= tok.is("delete") && after("then");
        if tok.is("from") && !level.argument && !after("distinct") || tok.is("join")
            // in a FROM list it is `JOIN … USING (columns)`
            || tok.is("using") && !level.from
        {
            level.from |= !tok.is("join");
            table_next = true;
        } else if tok.is_any(&AFTER_FROM) {
            level.from = false;
            table_next = false;
        } else if tok.is("table") && (before.is_none() || table_next || after("as") || after("union")) {
            table_next = true;
        }
        before = c.bump();
    }
    facts.loses_data |= loses;
    for (table, only) in cascades {
        if !only {
            let below = AlsoLocked::new(Through::Descendants, Some(table.clone()), LockMode::RowExclusive);
            facts.add(AlsoLocked { loses_data: true, ..below });
        }
        // ON DELETE CASCADE
        let referencing = AlsoLocked::new(Through::ReferencingTables, Some(table), LockMode::RowExclusive);
        facts.add(AlsoLocked { loses_data: true, ..referencing });
    }
}

/// Whether some rows are locked: `FOR UPDATE`, `FOR NO KEY UPDATE`, `FOR SHARE`, `FOR KEY SHARE`.
fn locks_rows(toks: &[Tok<'_>]) -> bool {
    toks.windows(2).any(|w| w[0].is("for") && w[1].is_any(&["update", "share", "no", "key"]))
}

/// The names of `WITH` queries: `name [(columns)] AS [NOT] [MATERIALIZED] (query)`.
fn ctes(toks: &[Tok<'_>]) -> BTreeSet<Ident> {
    let mut names = BTreeSet::new();
    if !toks.iter().any(|t| t.is("with")) {
        return names;
    }
    for n in 1..toks.len() {
        let leads = toks[n - 1].is_any(&["with", "recursive"]) || toks[n - 1].sign() == Some(b',');
        if !leads {
            continue;
        }
        let mut c = Cursor::new(&toks[n..]);
        let Some(name) = c.ident() else { continue };
        c.group();
        if c.eat("as") {
            c.eat("not");
            c.eat("materialized");
            if c.sees_sign(b'(') {
                names.insert(name);
            }
        }
    }
    names
}

/// `COPY`, of a table or a query.
pub(super) fn copy(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    if let Some(query) = c.group() {
        rows(query, facts);
    } else if let Some(table) = c.qname() {
        c.group();
        if c.sees("from") {
            facts.through(Through::Triggers, &table, LockMode::AccessExclusive);
            facts.lock(table, LockMode::RowExclusive);
        } else {
            facts.lock(table, LockMode::AccessShare);
        }
    }
}
