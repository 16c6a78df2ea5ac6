//! Rights that the plan needs and the role does not have.

use crate::base::{Operation, Setting};
use crate::pg::preflight::report::{Report, some};
use crate::pg::preflight::view::View;

pub(super) fn check(view: &View<'_>, report: &mut Report<'_>) {
    let (asked, facts, role) = (view.asked, view.facts, &view.server.user);
    if facts.superuser {
        return;
    }
    if facts.ledger == Some(false) {
        report.error(
            format!("the role `{role}` may not write the tables of the ledger in `{}`", view.ledger),
            "connect as their owner, or as a role with the rights that "
                + Operation::LedgerGrants.with(Setting::Applier.to(role))
                + " prints",
        );
    }
    if !facts.database_create && !asked.new_schemas.is_empty() {
        let names: Vec<String> = asked.new_schemas.iter().cloned().collect();
        report.error(
            format!("the role `{role}` may not create schemas in `{}`: {}", view.server.database, some(&names)),
            format!("GRANT CREATE ON DATABASE … TO {role}"),
        );
    }
    for schema in &facts.schemas {
        match &schema.name {
            Some(name) if !schema.there => report.missing(
                view,
                format!("the schema `{name}` does not exist and the plan does not create it"),
                "create it first, in a changeset of its own that this one depends on",
            ),
            Some(name) if !schema.create => report.error(
                format!("the role `{role}` may not create anything in the schema `{name}`"),
                format!("GRANT CREATE, USAGE ON SCHEMA {name} TO {role}"),
            ),
            None => report.error(
                "no schema of the `search_path` exists".to_owned(),
                "name the schema, or set the role's `search_path`",
            ),
            Some(_) => {}
        }
    }
    let used: Vec<_> = asked.relations.values().collect();
    let mut foreign: Vec<(&str, String)> = Vec::new();
    for relation in &facts.relations {
        let Some(used) = used.get(relation.i) else { continue };
        let name = format!("{}.{}", relation.schema, relation.name);
        if used.own && !relation.owned && !relation.schema_owned {
            foreign.push((&relation.owner, name));
            continue;
        }
        let lacks: Vec<&str> =
            used.rights.iter().copied().filter(|right| !relation.rights.iter().any(|r| r == right)).collect();
        if !lacks.is_empty() && !relation.owned && relation.kind != "S" {
            report.error(
                format!("the role `{role}` lacks {} on `{name}`", lacks.join(", ")),
                format!("GRANT {} ON {name} TO {role}", lacks.join(", ")),
            );
        }
    }
    let mut owners: Vec<&str> = foreign.iter().map(|(owner, _)| *owner).collect();
    owners.sort_unstable();
    owners.dedup();
    for owner in owners {
        let names: Vec<String> = foreign.iter().filter(|(o, _)| *o == owner).map(|(_, name)| name.clone()).collect();
        report.error(
            format!("the role `{role}` does not own {}; only `{owner}` may change them", some(&names)),
            format!("connect as `{owner}`, or GRANT {owner} TO {role}"),
        );
    }
}
