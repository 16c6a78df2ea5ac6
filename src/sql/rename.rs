//! Definitions of the catalog with a column of another name.

use super::token::{Cursor, Kind, Tok, words};

/// The text of an index from its access method on, or of a constraint, as `pg_get_indexdef` and `pg_get_constraintdef`
/// write it, with a column of the table under another name. Both names are quoted as SQL. The names of types, functions
/// and collations stay, and so do the columns of a referenced table.
#[must_use]
pub fn with_column(definition: &str, column: &str, new: &str) -> String {
    let tokens = words(definition);
    let mut out = String::with_capacity(definition.len());
    let mut copied = 0;
    let mut cursor = Cursor::new(&tokens);
    let mut before: Option<&Tok<'_>> = None;
    while let Some(token) = cursor.bump() {
        if token.is_any(&["references", "with", "using"]) && !is_operand(token, cursor) {
            // `REFERENCES app.other(id)`, `WITH (fillfactor='70')`, `USING btree`
            while cursor.peek().is_some_and(|next| !next.is("on") && next.sign() != Some(b'(')) {
                cursor.bump();
            }
            if !token.is("using") {
                cursor.group();
            }
            before = None;
            continue;
        }
        if token.is("extract") && cursor.eat_sign(b'(') {
            // the field
            before = cursor.bump();
            continue;
        }
        if before.is_some_and(|last| last.sign() == Some(b':')) {
            // the rest of the name of a type
            while cursor.peek().is_some_and(|next| next.is_any(&TYPE_WORDS) || next.sign() == Some(b'(')) {
                if cursor.group().is_none() {
                    cursor.bump();
                }
            }
        }
        let is_argument = {
            let mut after = cursor;
            after.eat_sign(b'=') && after.eat_sign(b'>')
        };
        let is_name = matches!(token.kind, Kind::Word | Kind::Quoted) && token.text == column;
        let of_other = before.is_some_and(|last| matches!(last.sign(), Some(b'.' | b':')) || last.is("collate"));
        let is_other = cursor.sees_sign(b'.') || token.kind == Kind::Word && cursor.sees_sign(b'(');
        if is_name && !of_other && !is_other && !is_argument {
            out.push_str(&definition[copied..token.start]);
            out.push_str(new);
            copied = token.end();
        }
        before = Some(token);
    }
    out.push_str(&definition[copied..]);
    out
}

/// Words that follow the first one of a type.
const TYPE_WORDS: [&str; 13] = [
    "varying",
    "precision",
    "without",
    "with",
    "time",
    "zone",
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "to",
];

/// Whether a word is a column in an expression, and not the key word: the server quotes those that are reserved, and these
/// are followed by a name or a parenthesis.
fn is_operand(token: &Tok<'_>, after: Cursor<'_, '_>) -> bool {
    if token.is("references") {
        return false;
    }
    let next = after.peek();
    let is_method = token.is("using") && next.is_some_and(|next| matches!(next.kind, Kind::Word | Kind::Quoted));
    let is_options = token.is("with") && next.is_some_and(|next| next.sign() == Some(b'('));
    !is_method && !is_options
}

#[cfg(test)]
mod tests {
    use super::with_column;

    #[test]
    fn only_the_column_gets_the_new_name() {
        let all = [
            ("btree (code)", "btree (n)"),
            (
                "btree (code, lower(code)) INCLUDE (codes) WHERE (code > 0)",
                "btree (n, lower(n)) INCLUDE (codes) WHERE (n > 0)",
            ),
            ("UNIQUE (a, code) DEFERRABLE", "UNIQUE (a, n) DEFERRABLE"),
            (
                "FOREIGN KEY (code) REFERENCES app.codes(code) ON DELETE SET NULL (code)",
                "FOREIGN KEY (n) REFERENCES app.codes(code) ON DELETE SET NULL (n)",
            ),
            ("CHECK (((code)::code = 'code'::text))", "CHECK (((n)::code = 'code'::text))"),
            ("CHECK ((code(code) <> other.code(code)))", "CHECK ((code(n) <> other.code(n)))"),
            ("btree (code COLLATE code) WITH (code='70')", "btree (n COLLATE code) WITH (code='70')"),
            ("CHECK ((\"code\" > 1))", "CHECK ((\"code\" > 1))"),
            ("CHECK ((code = OPERATOR(code.=) 1))", "CHECK ((n = OPERATOR(code.=) 1))"),
            (
                "CHECK (((d > '2000-01-01'::timestamp without time zone) OR (code > 3)))",
                "CHECK (((d > '2000-01-01'::timestamp without time zone) OR (n > 3)))",
            ),
            (
                "CHECK ((EXTRACT(code FROM d) <> (code)::numeric(10,2)))",
                "CHECK ((EXTRACT(code FROM d) <> (n)::numeric(10,2)))",
            ),
            ("CHECK ((app.f(code => code) > 0))", "CHECK ((app.f(code => n) > 0))"),
            ("EXCLUDE USING gist (code WITH =)", "EXCLUDE USING gist (n WITH =)"),
        ];
        for (definition, expected) in all {
            assert_eq!(with_column(definition, "code", "n"), expected, "{definition}");
        }
        assert_eq!(with_column("btree (\"a\"\"b\")", "\"a\"\"b\"", "n"), "btree (n)");
    }
}
