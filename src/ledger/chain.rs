//! The form in which the chain of events is hashed, as SQL.

use crate::base::fill;

/// What is hashed of an event `e` after the hash `previous`, as SQL. An array keeps the borders of
/// its parts, and NULL; `e2:` in front of the hash says that it is of this form.
pub const CONTENT: &str = "jsonb_build_array({previous}, e.seq, extract(epoch FROM e.at)::text, e.run, e.kind, \
                           e.changeset, e.db_user, e.detail)::text";

/// The same as versions up to 3 of the ledger had it: what is NULL is left out, and the borders of
/// the parts are not kept. The first event after the upgrade has a digest of all of them.
pub const CONTENT_UNTIL_3: &str = "concat_ws('|', {previous}, e.seq, extract(epoch FROM e.at)::text, e.run::text, e.kind, \
                                   coalesce(e.changeset, ''), e.db_user, e.detail::text)";

/// The hash of an event `e` after the hash `previous` (SQL as well).
#[must_use]
pub fn hash_sql(previous: &str) -> String {
    let hash = |content: &str| {
        format!("encode(sha256(convert_to({}, 'UTF8')), 'hex')", content.replace("{previous}", previous))
    };
    format!("CASE WHEN starts_with(e.hash, 'e2:') THEN 'e2:' || {} ELSE {} END", hash(CONTENT), hash(CONTENT_UNTIL_3))
}

/// A digest of all events of the old form, as an SQL expression over the rows `e`.
pub const DIGEST_UNTIL_3: &str = "encode(sha256(convert_to(coalesce(string_agg(encode(sha256(convert_to(jsonb_build_array(e.seq, \
     extract(epoch FROM e.at)::text, e.run, e.kind, e.changeset, e.db_user, e.detail, e.hash)::text, 'UTF8')), 'hex'), '' \
     ORDER BY e.seq), ''), 'UTF8')), 'hex')";

/// What the ledger has of the changeset `c`, as an SQL expression: hashes of its row, its earlier
/// versions and what the attic keeps for it, and its edges. Each event about it holds this.
#[must_use]
pub fn recorded_sql(ledger: &str) -> String {
    let kept = kept_sql(ledger, "c.id");
    fill(include_str!("../../schema/ledger/recorded.sql").trim(), &[("ledger", ledger), ("kept", &kept)])
}

/// A hash of what the attic keeps for a changeset, whose id is SQL; NULL where it keeps nothing.
#[must_use]
pub fn kept_sql(ledger: &str, id: &str) -> String {
    fill(include_str!("../../schema/ledger/kept.sql").trim(), &[("ledger", ledger), ("changeset", id)])
}
