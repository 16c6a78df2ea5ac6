//! What other tools call their change types, and what to write here.

/// Names of Liquibase and pgroll that are none here, each with what does the same.
const NAMES: &[(&str, &str)] = &[
    (
        "addAutoIncrement",
        "give the column `identity: byDefault` in `createTable` or `addColumn`; for one that is there write it as `sql`",
    ),
    ("addCheckConstraint", "in dagmar this is `addCheck`"),
    ("addDefaultValue", "in dagmar this is `setDefault`"),
    ("addForeignKeyConstraint", "in dagmar this is `addForeignKey`"),
    ("addLookupTable", "write it as `createTable`, `insert` and `addForeignKey`, or as `sql`"),
    ("addNotNullConstraint", "in dagmar this is `setNotNull`"),
    ("addUniqueConstraint", "in dagmar this is `addUnique`"),
    ("alterColumn", "in dagmar these are `changeColumnType`, `setDefault`, `setNotNull`, `renameColumn`"),
    ("alterSequence", SQL),
    (
        "alterTable",
        "in dagmar each kind of it is a change type: `addColumn`, `dropColumn`, `renameTable`, …; others write as `sql`",
    ),
    ("changeColumn", "in dagmar these are `changeColumnType`, `setDefault`, `setNotNull`, `renameColumn`"),
    ("createMaterializedView", "in dagmar this is `createView` with `materialized: true`"),
    ("createPackage", "PostgreSQL has no packages: write schemas and functions"),
    ("createProcedure", SQL),
    ("createRole", SQL),
    ("createSequence", SQL),
    ("createSynonym", "PostgreSQL has no synonyms: write a view"),
    ("createType", "an enumeration is `createEnum`; other types write as `sql`"),
    ("customChange", "write a change type of your own: a template below `templates/`, see docs/templates.md"),
    ("dropAllForeignKeyConstraints", "name each with `dropConstraint`"),
    ("dropCheckConstraint", "in dagmar this is `dropConstraint`"),
    ("dropDefaultValue", "in dagmar this is `dropDefault`"),
    ("dropEnum", SQL),
    ("dropExtension", SQL),
    ("dropForeignKey", "in dagmar this is `dropConstraint`"),
    ("dropForeignKeyConstraint", "in dagmar this is `dropConstraint`"),
    ("dropFunction", SQL),
    ("dropNotNullConstraint", "in dagmar this is `dropNotNull`"),
    ("dropPolicy", SQL),
    ("dropPrimaryKey", "in dagmar this is `dropConstraint`"),
    ("dropProcedure", SQL),
    ("dropSchema", SQL),
    ("dropSequence", SQL),
    ("dropTrigger", SQL),
    ("dropType", SQL),
    ("dropUnique", "in dagmar this is `dropConstraint`"),
    ("dropUniqueConstraint", "in dagmar this is `dropConstraint`"),
    ("dropView", SQL),
    ("empty", "a changeset has at least one change; to order others name them in `dependsOn`"),
    ("executeCommand", "commands are run before a run: `beforeApply` of an environment, see docs/format.md"),
    ("include", "all files below the folder of the changesets are read, in any order"),
    ("includeAll", "all files below the folder of the changesets are read, in any order"),
    ("loadData", "write the rows as `insert`, or `COPY` them from a file of the server with `sql`"),
    ("loadUpdateData", "write the rows as `insert` with `onConflict`, or as `sql`"),
    ("mergeColumns", "write it as `addColumn`, `backfill` and `dropColumn`"),
    ("modifyDataType", "in dagmar this is `changeColumnType`"),
    ("output", "write what there is to be said as `description`"),
    ("rawSql", "in dagmar this is `sql`"),
    ("renameConstraint", SQL),
    ("renameIndex", SQL),
    ("renameSequence", SQL),
    ("renameTrigger", SQL),
    ("renameView", SQL),
    ("revoke", SQL),
    ("setColumnRemarks", "in dagmar this is `comment`"),
    ("setTableRemarks", "in dagmar this is `comment`"),
    ("stop", "write a precondition that does not hold"),
    ("tagDatabase", "give the changesets `labels`"),
    ("truncate", SQL),
];

const SQL: &str = "write it as `sql`, with a `rollback`";

/// What to write instead of a change type that another tool has; also in snake case.
#[must_use]
pub fn help(name: &str) -> Option<String> {
    let plain = |text: &str| text.chars().filter(|c| *c != '_').collect::<String>().to_ascii_lowercase();
    let given = plain(name);
    if let Some((_, help)) = NAMES.iter().find(|(known, _)| plain(known) == given) {
        return Some((*help).to_owned());
    }
    super::KINDS.iter().find(|kind| plain(kind.name) == given).map(|kind| format!("did you mean `{}`?", kind.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::find;

    #[test]
    fn what_is_told_exists() {
        for (name, help) in NAMES {
            assert!(find(name).is_none(), "{name} is a change type");
            if let Some((_, kind)) = help.split_once("in dagmar this is `") {
                let kind = kind.split('`').next().unwrap();
                assert!(find(kind).is_some(), "{name}: {kind}");
            }
        }
        assert!(NAMES.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn names_of_other_tools_are_known() {
        assert_eq!(help("addNotNullConstraint").unwrap(), "in dagmar this is `setNotNull`");
        assert_eq!(help("drop_view").unwrap(), SQL);
        assert_eq!(help("create_table").unwrap(), "did you mean `createTable`?");
        assert_eq!(help("bake"), None);
    }
}
