//! Classifies one statement: its text goes in, [`Facts`] come out.
//!
//! It works on tokens alone, without a server or a parser, so that it is cheap for ten thousand statements. If
//! only the catalog can tell, it assumes the worse case: `ALTER COLUMN … TYPE` rewrites, `SET NOT NULL` scans. Tables
//! that the text does not name (partitions, the other side of foreign keys, what CASCADE drops) are in
//! [`Facts::also`] by their connection with what it names; the [`Catalog`](super::Catalog) tells which they are. An
//! index stands for its table. `tests/it/locks.rs` compares all this with servers.
//!
//! To add a statement: a row in [`classify`] and its function in the file of its topic.

mod alter;
mod alter_column;
mod alter_table;
mod altered;
mod block;
mod column;
mod create;
mod drop;
mod maintain;
pub(super) mod own;
mod partition;
mod parts;
mod rows;
mod session;

use super::facts::{Facts, Outside};
use super::opaque;
use super::token::{Cursor, Tok, words};
use parts::{is_off, lock_on, option, runs_unknown};

/// What a statement does to the server: locks, rewrites, data loss, whether it runs in a
/// transaction (manual, chapter 13.3 and each command's page; measured on 15, 17 and 18).
#[must_use]
pub fn facts(statement: &str) -> Facts {
    let toks = words(statement);
    let mut facts = Facts::default();
    classify(&toks, 0, &mut facts);
    facts
}

/// What [`facts`] and the SQL inside of a DO block share. `depth`: blocks around it.
fn classify(toks: &[Tok<'_>], depth: usize, facts: &mut Facts) {
    let mut c = Cursor::new(toks);
    while c.eat_sign(b'(') {}
    let Some(first) = c.bump() else { return };
    let word = first.text.to_ascii_lowercase();
    match word.as_str() {
        "alter" => alter::alter(c, facts),
        "create" => create::create(c, facts),
        "drop" => drop::drop(c, facts),
        "truncate" => drop::truncate(c, facts),
        "reassign" => {
            c.eat("owned by");
            drop::owner(c, false, facts);
        }
        "comment" | "security" => maintain::comment(c, facts),
        "lock" => maintain::lock(c, facts),
        "reindex" => maintain::reindex(c, facts),
        "cluster" => maintain::cluster(c, facts),
        "vacuum" => maintain::vacuum(c, facts),
        "analyze" | "analyse" => maintain::analyze(c, facts),
        "refresh" => maintain::refresh(c, facts),
        "commit" | "rollback" if c.sees("prepared") => facts.outside = Some(Outside::Opaque),
        "copy" => rows::copy(c, facts),
        "explain" => explain(c, depth, facts),
        "do" => block::block(toks, depth, facts, classify),
        "select" | "insert" | "update" | "delete" | "merge" | "with" | "values" | "table" => {
            rows::rows(toks, facts);
            session::of_calls(toks, facts);
            own::of_calls(toks, facts);
            if opaque::calls_unknown(toks) {
                runs_unknown(facts);
            }
        }
        "call" | "execute" => runs_unknown(facts),
        "set" | "reset" | "listen" | "prepare" | "declare" | "discard" | "load" => {
            session::settings(&word, c, facts);
        }
        _ => {}
    }
}

/// Plain `EXPLAIN` takes the locks but changes nothing; with ANALYZE the statement runs.
fn explain(mut c: Cursor<'_, '_>, depth: usize, facts: &mut Facts) {
    let mut runs = false;
    if let Some(options) = c.group() {
        let mut options = Cursor::new(options);
        runs = options.skip_past("analyze") && !options.peek().is_some_and(is_off);
    }
    while c.sees("analyze") || c.sees("verbose") {
        runs |= c.sees("analyze");
        c.bump();
    }
    // EXPLAIN EXPLAIN is no SQL; without end it would overflow the stack
    if c.sees("explain") {
        return;
    }
    let mut inner = Facts::default();
    classify(c.rest(), depth, &mut inner);
    inner.loses_data &= runs;
    inner.rewrites &= runs;
    inner.session &= runs;
    inner.also.retain(|_| runs);
    facts.merge(inner);
}

#[cfg(test)]
mod also_tests;
#[cfg(test)]
mod tests;
