//! Situations that reviews of migrations know, from linters, runners and reports of incidents: what becomes of each here.

use crate::base::Rule;

/// What becomes of a situation.
pub(super) enum How {
    /// Rules find it.
    Rules(&'static [Rule]),
    /// It cannot happen, or something else finds it.
    Otherwise(&'static str),
}

impl How {
    /// In words, for a table.
    pub fn words(&self) -> String {
        match self {
            How::Rules(rules) => rules.iter().map(|rule| format!("[{rule}]({rule}.md)")).collect::<Vec<_>>().join(", "),
            How::Otherwise(why) => (*why).to_owned(),
        }
    }
}

pub(super) const HEAD: &str = "\
# The review

`dagmar lint` reviews changesets without a database: what is likely to go wrong although it can be run. It looks at raw
SQL and at the SQL of change types alike, forward and rollback, at the graph, at the project's tables as all changesets
make them, and at what the environment allows. A table that the same changeset creates blocks nobody, and no rule
reports it.

A finding has the code of its rule, a severity, its place, a reason, and the safe form of this very change:

- **blocking**: data is lost or wrong, access is opened, or the statement fails
- **high**: clients wait for as long as a table is large, clients fail, or rows are lost
- **medium**: the change works; clients may wait, or the next change is harder
- **low**: a preference, or a doubt that the text alone cannot settle

`--fail-on` (default: high) says from which severity on the command ends with exit code 10. `--base REV` reviews only
changesets that are new, or whose checksum has changed, since a commit, branch or tag.

## Levels

`dagmar.yaml` sets the level of a rule for the project or for an environment: off, low, medium, high or blocking. With
`refuse`, the gate `lint` refuses to apply and promote changesets with a finding at or above that level:

```yaml
lint:
  rules:
    wide-index: off
environments:
  production:
    lint:
      rules: { drop-not-null: high }
      refuse: high
```

## Ignoring a rule

On a changeset, for all of it, with a reason; the checksum does not change:

```yaml
- id: 020-index
  lint:
    - { ignore: index-not-concurrent, reason: the table has 40 rows }
```

Or by a comment on the line before, in YAML and in SQL, for one change or statement:

```yaml
changes:
  # dagmar-lint: ignore rename-breaks-clients: no release uses the column yet
  - renameColumn: { table: app.orders, column: note, to: remark }
```

```sql
-- dagmar-lint: ignore unbatched-backfill: the table has 40 rows
UPDATE app.orders SET note = '' WHERE note IS NULL;
```

A comment without a reason, or with an unknown rule, is an error. One that hides nothing is a finding of
[unused-ignore](unused-ignore.md). `-- squawk-ignore` has no effect: it gives no reason, and names other rules.

## Rules

| rule | default level | finds |
|---|---|---|
";

pub(super) const BETWEEN: &str = "
## Known situations

What linters, migration runners and reports of incidents warn of, and what becomes of it here:

| situation | here |
|---|---|
";

use How::{Otherwise, Rules};

/// Every situation, once.
pub(super) const ROWS: &[(&str, How)] = &[
    ("index built without CONCURRENTLY", Rules(&[Rule::IndexNotConcurrent])),
    ("index dropped without CONCURRENTLY", Rules(&[Rule::DropIndexNotConcurrent])),
    ("statement that cannot run in a transaction, placed in one", Rules(&[Rule::OutsideTransaction])),
    ("REINDEX without CONCURRENTLY", Rules(&[Rule::ReindexNotConcurrent])),
    ("concurrent build with IF NOT EXISTS", Rules(&[Rule::ConcurrentIndexIfNotExists])),
    ("SET NOT NULL without a validated check", Rules(&[Rule::SetNotNullScan])),
    ("check or foreign key validated at once", Rules(&[Rule::ConstraintScan])),
    ("NOT VALID and VALIDATE in one transaction", Rules(&[Rule::ValidateSameTransaction])),
    ("foreign key without an index", Rules(&[Rule::ForeignKeyWithoutIndex])),
    (
        "foreign key that locks its parent",
        Otherwise("the lock is short; `lockTimeout` limits the wait, and dagmar tries again; previews show it"),
    ),
    ("unique constraint that builds its index", Rules(&[Rule::UniqueBuildsIndex])),
    ("primary key that builds its index", Rules(&[Rule::PrimaryKeyBuildsIndex])),
    ("primary key over columns that may be NULL", Rules(&[Rule::PrimaryKeyNullable])),
    ("exclusion constraint", Rules(&[Rule::ExclusionConstraint])),
    ("volatile default", Rules(&[Rule::RewriteByNewColumn])),
    ("serial, identity or stored generated column", Rules(&[Rule::RewriteByNewColumn, Rule::SerialColumn])),
    ("NOT NULL column without a default", Rules(&[Rule::RequiredColumn])),
    ("column type that rewrites", Rules(&[Rule::ColumnTypeRewrite])),
    ("conversion between timestamp and timestamptz", Rules(&[Rule::TimeZoneConversion])),
    ("domain with a constraint", Rules(&[Rule::DomainConstraint])),
    ("dropped column", Rules(&[Rule::DropLosesData, Rule::DropWithoutExpand])),
    ("dropped table or schema", Rules(&[Rule::DropLosesData, Rule::DropWithoutExpand, Rule::DropObject])),
    ("dropped database", Rules(&[Rule::DropDatabase])),
    ("TRUNCATE, TRUNCATE … CASCADE", Rules(&[Rule::DropLosesData, Rule::TruncateCascade])),
    ("dropped NOT NULL", Rules(&[Rule::DropNotNull])),
    ("dropped constraint", Rules(&[Rule::DropConstraint])),
    ("renamed column, table, schema or enum value", Rules(&[Rule::RenameBreaksClients])),
    ("table dropped and created again", Rules(&[Rule::DropLosesData, Rule::DropWithoutExpand])),
    ("no lock_timeout", Otherwise("dagmar sets it for each transaction: `limits.lockTimeout`")),
    ("no statement_timeout", Otherwise("dagmar sets it: `limits.statementTimeout`; concurrent builds have none")),
    ("more work after an exclusive lock", Rules(&[Rule::WorkUnderExclusiveLock])),
    ("several tables blocked by one transaction", Rules(&[Rule::SeveralTablesLocked])),
    ("definitions and rows changed in one transaction", Rules(&[Rule::WorkUnderExclusiveLock])),
    ("backfill in one statement", Rules(&[Rule::UnbatchedBackfill])),
    ("copy that is not idempotent", Rules(&[Rule::NotIdempotentCopy])),
    ("ON CONFLICT without a unique key", Rules(&[Rule::OnConflictWithoutUnique])),
    ("key/value table without a natural key", Rules(&[Rule::KeyValueWithoutUnique])),
    ("missing rollback", Rules(&[Rule::MissingRollback, Rule::EmptyRollback])),
    ("rollback that loses data", Rules(&[Rule::RollbackLosesData, Rule::RollbackDropsRows])),
    (
        "rollback that is not the inverse",
        Otherwise("only a server can tell: `dagmar plan --dry-run` runs it there and back"),
    ),
    ("unsafe statements in the rollback", Otherwise("every rule about locks and lost rows looks at the rollback too")),
    ("keyset walk with SKIP LOCKED", Otherwise("`backfill` waits for locked rows, and sweeps at its end")),
    ("backfill without a key", Otherwise("`backfill` requires a unique key, and dagmar checks it")),
    ("new NOT NULL column without a value for old rows", Rules(&[Rule::RequiredColumn])),
    ("attached partition that has to be read", Rules(&[Rule::AttachPartitionScans])),
    ("partition detached without CONCURRENTLY", Rules(&[Rule::DetachNotConcurrent])),
    (
        "SECURITY DEFINER without search_path, or for PUBLIC",
        Rules(&[Rule::SecurityDefinerSearchPath, Rule::SecurityDefinerPublic]),
    ),
    ("BEGIN, COMMIT and savepoints", Otherwise("`check` refuses them")),
    ("SQL that drops the session's locks", Otherwise("`check` refuses it")),
    ("SET of a session, SET ROLE", Otherwise("`check` warns; dagmar resets the session after each changeset")),
    ("name longer than 63 bytes", Rules(&[Rule::IdentifierTooLong])),
    ("name without a schema", Rules(&[Rule::UnqualifiedName])),
    ("enum value added and used in one transaction", Rules(&[Rule::EnumValueUsed])),
    ("enum value without its place, or renamed", Rules(&[Rule::EnumValueOrder, Rule::RenameBreaksClients])),
    ("json column", Rules(&[Rule::JsonColumn])),
    (
        "char(n), varchar(n), small keys, serial, timestamp",
        Rules(&[
            Rule::CharColumn,
            Rule::VarcharLimit,
            Rule::IntegerKey,
            Rule::IntegerColumn,
            Rule::SerialColumn,
            Rule::TimestampWithoutTimeZone,
        ]),
    ),
    ("VACUUM FULL, CLUSTER", Rules(&[Rule::RewriteCommand])),
    (
        "trigger on a busy table",
        Otherwise("the lock is short; `lockTimeout` limits the wait, and dagmar tries again; previews show it"),
    ),
    (
        "statement outside of a transaction that cannot be repeated",
        Otherwise("dagmar looks at the catalog after a crash; where that tells nothing, `check` requires `verify`"),
    ),
    ("column assigned twice, SQL that cannot be parsed", Rules(&[Rule::DuplicateAssignment])),
    ("index with many columns", Rules(&[Rule::WideIndex])),
    ("several ALTER TABLE on one table", Rules(&[Rule::SeveralScans])),
    ("CASCADE", Rules(&[Rule::CascadeDrop])),
    (
        "changesets that run at the same time and touch the same objects",
        Otherwise("dagmar does not run them at the same time"),
    ),
];
