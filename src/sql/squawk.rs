//! The rules of squawk's linter that the review takes over, each as one of ours. Where a rule of ours finds the same,
//! squawk's is not asked.

use super::objects::{has_mistake, with_tree};
use crate::base::Rule;
use squawk_linter::{Linter, LinterSettings, Rule as Squawk};
use squawk_syntax::{Parse, SourceFile};
use std::ops::Range;

/// Squawk's rule, and ours.
const TABLE: &[(Squawk, Rule)] = &[
    (Squawk::BanAlterDomainWithAddConstraint, Rule::DomainConstraint),
    (Squawk::BanCharField, Rule::CharColumn),
    (Squawk::BanCreateDomainWithConstraint, Rule::DomainConstraint),
    (Squawk::BanDropConstraint, Rule::DropConstraint),
    (Squawk::BanDropDatabase, Rule::DropDatabase),
    (Squawk::BanDropNotNull, Rule::DropNotNull),
    (Squawk::BanDuplicateColumnAssignments, Rule::DuplicateAssignment),
    (Squawk::BanTruncateCascade, Rule::TruncateCascade),
    (Squawk::IdentifierTooLong, Rule::IdentifierTooLong),
    (Squawk::PreferBigintOverInt, Rule::IntegerColumn),
    (Squawk::PreferBigintOverSmallint, Rule::IntegerColumn),
    (Squawk::PreferIdentity, Rule::SerialColumn),
    (Squawk::PreferTextField, Rule::VarcharLimit),
    (Squawk::PreferTimestampTz, Rule::TimestampWithoutTimeZone),
    (Squawk::RequireConcurrentPartitionDetach, Rule::DetachNotConcurrent),
    (Squawk::RequireConcurrentReindex, Rule::ReindexNotConcurrent),
    (Squawk::RequireEnumValueOrdering, Rule::EnumValueOrder),
    (Squawk::RequireTableSchema, Rule::UnqualifiedName),
];

/// What squawk finds in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Our rule.
    pub rule: Rule,
    /// The bytes in the statement.
    pub at: Range<usize>,
}

/// What squawk finds in a statement that its parser understands.
pub(super) fn violations(parsed: &Parse<SourceFile>, sql: &str) -> Vec<Violation> {
    if sql.len() > MOST_BYTES {
        return Vec::new();
    }
    if !sql.contains("squawk-") {
        return lint(parsed, sql);
    }
    // its own comments give no reason and name other rules: ours are the only ones
    let text = sql.replace("squawk-", "squawk_");
    with_tree(&text, |parsed| if has_mistake(parsed) { Vec::new() } else { lint(parsed, &text) }).unwrap_or_default()
}

fn lint(parsed: &Parse<SourceFile>, text: &str) -> Vec<Violation> {
    let rules: Vec<Squawk> = TABLE.iter().map(|(squawk, _)| *squawk).collect();
    let mut linter = Linter::with_rules(&rules, &[]);
    linter.settings = LinterSettings { assume_in_transaction: true, ..LinterSettings::default() };
    let ours = |squawk: Squawk| TABLE.iter().find(|(known, _)| *known == squawk).map(|(_, rule)| *rule);
    let violation = |v: squawk_linter::Violation| {
        let at = usize::from(v.text_range.start())..usize::from(v.text_range.end());
        Some(Violation { rule: ours(v.code)?, at })
    };
    linter.lint(parsed, text).into_iter().filter_map(violation).collect()
}

/// Bytes of a statement that squawk reads; larger ones are data.
const MOST_BYTES: usize = 1 << 20;

/// The rules that squawk finds.
#[must_use]
pub fn squawk_rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = TABLE.iter().map(|(_, rule)| *rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::review;

    #[test]
    fn squawk_finds_what_the_table_says() {
        let rules = |sql: &str| {
            let mut rules: Vec<Rule> = review(sql).1.into_iter().map(|v| v.rule).collect();
            rules.dedup();
            rules
        };
        for (sql, rule) in [
            ("ALTER DOMAIN a.d ADD CHECK (value > 0)", Rule::DomainConstraint),
            ("CREATE TABLE a.t (c char(3))", Rule::CharColumn),
            ("CREATE DOMAIN a.d AS int CHECK (value > 0)", Rule::DomainConstraint),
            ("ALTER TABLE a.t DROP CONSTRAINT c", Rule::DropConstraint),
            ("DROP DATABASE d", Rule::DropDatabase),
            ("ALTER TABLE a.t ALTER COLUMN c DROP NOT NULL", Rule::DropNotNull),
            ("UPDATE a.t SET b = 1, b = 2 WHERE c = 1", Rule::DuplicateAssignment),
            ("TRUNCATE a.t CASCADE", Rule::TruncateCascade),
            ("CREATE TABLE a.t (c int)", Rule::IntegerColumn),
            ("CREATE TABLE a.t (c smallint)", Rule::IntegerColumn),
            ("CREATE TABLE a.t (c bigserial)", Rule::SerialColumn),
            ("CREATE TABLE a.t (c varchar(3))", Rule::VarcharLimit),
            ("CREATE TABLE a.t (c timestamp)", Rule::TimestampWithoutTimeZone),
            ("ALTER TABLE a.t DETACH PARTITION a.p", Rule::DetachNotConcurrent),
            ("REINDEX INDEX a.i", Rule::ReindexNotConcurrent),
            ("ALTER TYPE a.e ADD VALUE 'x'", Rule::EnumValueOrder),
            ("CREATE TABLE t (c text)", Rule::UnqualifiedName),
        ] {
            assert_eq!(rules(sql), [rule], "{sql}");
        }
        let long = format!("CREATE TABLE a.t ({} text)", "é".repeat(32));
        assert_eq!(rules(&long), [Rule::IdentifierTooLong]);
        assert_eq!(rules("CREATE TABEL a.t (c char(3)"), []);
        let ignored = "-- squawk-ignore prefer-text-field\nCREATE TABLE a.t (c varchar(3))";
        assert_eq!(rules(ignored), [Rule::VarcharLimit]);
        assert!(TABLE.is_sorted_by(|(a, _), (b, _)| format!("{a:?}") < format!("{b:?}")));
    }
}
