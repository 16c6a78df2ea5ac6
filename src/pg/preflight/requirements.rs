//! What a plan needs of a server, read from its steps: the base of the one question.

use crate::base::QualifiedName;
use crate::effects::{Access, ObjectClass};
use crate::plan::{Direction, Mode, Plan, Segment, Statement, Step, worked_on};
use crate::sql::{self, LockMode};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is done with a relation that already exists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Use {
    /// The strongest lock.
    pub lock: Option<LockMode>,
    /// The modes whose conflicting locks the plan waits for; also of tables that statements lock and do not name.
    pub waits: BTreeSet<LockMode>,
    /// Whether only its owner may do it.
    pub own: bool,
    /// The rights that are needed: `INSERT`, `UPDATE`, `DELETE`, `REFERENCES`.
    pub rights: BTreeSet<&'static str>,
    /// Whether its definition changes.
    pub altered: bool,
    /// Whether its rows change.
    pub written: bool,
    /// Whether it is written anew.
    pub rewritten: bool,
    /// Indexes that are built on it.
    pub indexes: u64,
}

/// What a plan needs of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Relations that are there already, as far as the plan tells.
    pub relations: BTreeMap<QualifiedName, Use>,
    /// Schemas in which something is made; `None`: the first of the `search_path`.
    pub schemas: BTreeSet<Option<String>>,
    /// Schemas that are made by this role.
    pub new_schemas: BTreeSet<String>,
    /// Extensions that are made, with the version where one is asked for.
    pub extensions: BTreeMap<String, Option<String>>,
    /// Roles that have to be there.
    pub roles: BTreeSet<String>,
    /// Whether something waits for the snapshots of others (`CONCURRENTLY`).
    pub concurrent: bool,
    /// Whether what some step touches is not known: it may make what seems to be missing.
    pub opaque: bool,
    /// Sessions that the run needs beside the one that asks.
    pub sessions: u32,
}

/// Words that stand for roles and are none.
const NO_ROLES: [&str; 4] = ["public", "current_role", "current_user", "session_user"];

impl Use {
    /// Whether the plan changes it or its rows.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.altered || self.written || self.rewritten || self.lock >= Some(LockMode::RowExclusive)
    }
}

impl Requirements {
    /// What this plan needs.
    #[must_use]
    pub fn of(plan: &Plan, sessions: u32) -> Self {
        let mut asked = Self { sessions, ..Self::default() };
        let mut made: BTreeSet<&QualifiedName> = BTreeSet::new();
        let (mut new_roles, mut made_schemas) = (BTreeSet::new(), BTreeSet::new());
        for step in &plan.steps {
            asked.opaque |= step.touches.is_none();
            // another role may do it: what this one may do says nothing
            let other = statements(step).any(|(_, s)| s.facts.session);
            // a policy goes away whatever its role is called by now
            let names_roles = step.direction == Direction::Forward
                || statements(step).any(|(_, s)| matches!(sql::command(&s.sql).as_str(), "grant" | "revoke"));
            for touch in step.touches.iter().flatten() {
                let name = touch.name.name.as_str().to_owned();
                match (touch.object, touch.how) {
                    (ObjectClass::Schema, Access::Create) => {
                        if !other {
                            asked.new_schemas.insert(name.clone());
                        }
                        made_schemas.insert(name);
                    }
                    (ObjectClass::Extension, Access::Create) => drop(asked.extensions.insert(name, None)),
                    (ObjectClass::Role, Access::Create) => drop(new_roles.insert(name)),
                    (ObjectClass::Role, Access::Read) if names_roles => drop(asked.roles.insert(name)),
                    (
                        ObjectClass::Table
                        | ObjectClass::View
                        | ObjectClass::Sequence
                        | ObjectClass::Function
                        | ObjectClass::Type,
                        Access::Create,
                    ) => {
                        if touch.object.is_relation() {
                            made.insert(&touch.name);
                        }
                        if !other {
                            asked.schemas.insert(touch.name.schema.as_ref().map(|s| s.as_str().to_owned()));
                        }
                    }
                    (object, how) if object.is_relation() => {
                        let used = asked.relations.entry(touch.name.clone()).or_default();
                        used.altered |= matches!(how, Access::Alter | Access::Drop);
                        used.written |= how == Access::Write;
                        // a foreign key that goes away needs no right on what it points at
                        if how == Access::Reference && !other && step.direction == Direction::Forward {
                            used.rights.insert("REFERENCES");
                        }
                    }
                    _ => {}
                }
            }
            for (segment, statement) in statements(step) {
                asked.statement(segment, statement, other);
            }
            if step.body.text().contains("createExtension") {
                versions(&step.body.value(), &mut asked.extensions);
            }
        }
        asked.relations.retain(|name, _| !made.contains(name));
        asked.schemas.retain(|schema| schema.as_ref().is_none_or(|s| !made_schemas.contains(s)));
        asked.roles.retain(|role| !new_roles.contains(role) && !NO_ROLES.contains(&role.to_lowercase().as_str()));
        asked
    }

    fn statement(&mut self, segment: &Segment, statement: &Statement, other: bool) {
        let facts = &statement.facts;
        // dropping and detaching wait for users of the table alone
        self.concurrent |= facts.builds && facts.waits.is_some();
        // a batch begins with its own common table expressions
        let command = if segment.mode == Mode::Batched { String::new() } else { sql::command(&statement.sql) };
        let built_on = worked_on(statement);
        for (name, mode) in &facts.locks {
            let used = self.relations.entry(name.clone()).or_default();
            used.lock = used.lock.max(Some(*mode));
            used.waits.extend(facts.waits_with(*mode));
            used.rewritten |= facts.rewrites && *mode == LockMode::AccessExclusive;
            used.indexes += u64::from(facts.builds && built_on.contains(&name));
            if other {
                continue;
            }
            let strong = matches!(mode, LockMode::AccessExclusive | LockMode::Share | LockMode::ShareUpdateExclusive);
            used.own |= strong && matches!(command.as_str(), "alter" | "create" | "drop");
            if *mode == LockMode::RowExclusive {
                match command.as_str() {
                    "insert" => drop(used.rights.insert("INSERT")),
                    "update" => drop(used.rights.insert("UPDATE")),
                    "delete" => drop(used.rights.insert("DELETE")),
                    _ => {}
                }
            }
        }
        for also in &facts.also {
            for name in &also.tables {
                let used = self.relations.entry(name.clone()).or_default();
                used.waits.insert(also.mode);
            }
        }
    }
}

/// The statements that are still to run.
pub(super) fn statements(step: &Step) -> impl Iterator<Item = (&Segment, &Statement)> {
    let todo = step.left().map(|(_, segment)| segment);
    todo.flat_map(|segment| segment.statements.iter().map(move |statement| (segment, statement)))
}

/// The versions that `createExtension` asks for.
fn versions(body: &Value, extensions: &mut BTreeMap<String, Option<String>>) {
    for change in body["changes"].as_array().into_iter().flatten() {
        let extension = &change["createExtension"];
        if let (Some(name), Some(version)) = (extension["name"].as_str(), extension["version"].as_str())
            && let Some(known) = extensions.get_mut(name)
        {
            *known = Some(version.to_owned());
        }
    }
}
