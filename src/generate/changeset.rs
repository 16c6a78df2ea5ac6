//! Changesets from groups of tasks.

use super::beside;
use super::expand::{Expansion, Names};
use super::form::{Back, Form, Made};
use super::group::Group;
use super::made::made;
use super::tasks::{LeftOut, Task, Tasks, ancestors};
use crate::base::count;
use crate::inspect::ObjectKey;
use crate::source::changeset::{MAX_ID, Phase};
use crate::source::lint::IgnoredRule;
use crate::sql::{UNPARSED_MARK, objects};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A changeset as it is written to a file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GeneratedChangeset {
    /// Its id.
    pub id: String,
    /// What it does.
    pub description: String,
    /// The environments that it is for; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// Its phase in a change of several steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// The changesets that have to be applied before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Rules of the review that do not apply to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lint: Vec<IgnoredRule>,
    /// Its changes, as in a file.
    pub changes: Vec<Value>,
    /// What takes it back, as in a file; absent: each change has its own way back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Value>,
    /// The object that it is about.
    #[serde(skip)]
    pub object: ObjectKey,
}

/// Makes changesets of groups, with ids that are not among `known`.
pub(super) fn changesets(
    tasks: &Tasks<'_>,
    groups: &[Group],
    role: &str,
    known: &BTreeSet<String>,
    left_out: &mut BTreeSet<LeftOut>,
) -> Vec<GeneratedChangeset> {
    let mut ids: BTreeSet<String> = known.clone();
    let mut all: Vec<Option<GeneratedChangeset>> = Vec::with_capacity(groups.len());
    for group in groups {
        let mut parts = Vec::new();
        for task in &group.tasks {
            match made(tasks, task).map(|made| made.without_owner(role)) {
                Some(made) if made.forward.is_empty() => {}
                Some(made) => parts.push((task, made)),
                None => {
                    let why = "the SQL for it does not follow from the catalog".to_owned();
                    left_out.insert(LeftOut { object: task.object().clone(), property: None, why });
                }
            }
        }
        if parts.is_empty() {
            all.push(None);
            continue;
        }
        let id = new_id(&parts, &group.object, &mut ids);
        let mut needed: Vec<String> = Vec::new();
        through(&group.needs, groups, &all, &mut needed);
        let (changes, rollback) = compose(tasks, &parts);
        let expanding = parts.iter().map(|(task, _)| task).find(|task| expansion(tasks, task).is_some());
        let (phase, lint) = expanding.map_or_else(Default::default, |task| beside::header(task));
        let description = describe(tasks, &parts, &group.object);
        all.push(Some(GeneratedChangeset {
            id,
            description,
            environments: Vec::new(),
            phase,
            lint,
            depends_on: needed,
            changes,
            rollback,
            object: group.object.clone(),
        }));
    }
    all.into_iter().flatten().collect()
}

/// The ids of the groups that are needed; behind one without changes, those that it needs.
fn through(needs: &BTreeSet<usize>, groups: &[Group], all: &[Option<GeneratedChangeset>], ids: &mut Vec<String>) {
    for number in needs {
        match &all[*number] {
            Some(changeset) if ids.contains(&changeset.id) => {}
            Some(changeset) => ids.push(changeset.id.clone()),
            None => through(&groups[*number].needs, groups, all, ids),
        }
    }
}

type Parts<'a> = [(&'a Task, Made)];

fn compose(tasks: &Tasks<'_>, parts: &Parts<'_>) -> (Vec<Value>, Option<Value>) {
    let derived = parts.iter().any(|(_, made)| made.back == Back::Derived);
    let never = parts.iter().find_map(|(task, made)| match &made.back {
        Back::Never(why) => Some((task, why)),
        Back::Derived | Back::Forms(_) | Back::Whole(_) => None,
    });
    if let [(_, Made { back: Back::Whole(forms), .. })] = parts {
        let back = runs(forms.iter()).into_iter().map(change).collect();
        return (together(parts), Some(Value::Array(back)));
    }
    let typed = |made: &Made| match &made.back {
        Back::Forms(forms) => forms.iter().any(|form| matches!(form, Form::Type(..))),
        Back::Derived | Back::Whole(_) | Back::Never(_) => false,
    };
    if let Some((task, why)) = never {
        let reason = format!("{}: {why}", task.object());
        return (together(parts), Some(json!({ "irreversible": reason })));
    }
    let is_nothing = |made: &Made| matches!(&made.back, Back::Forms(forms) if forms.is_empty());
    if parts.iter().any(|(_, made)| typed(made) || is_nothing(made)) && !derived {
        return (together(parts), Some(Value::Array(backwards(tasks, parts))));
    }
    let mut changes = Vec::new();
    for (_, made) in parts {
        let back = match &made.back {
            // SQL without a rollback is a mistake, also where there is nothing to take back
            Back::Forms(forms) if forms.is_empty() => Some("SELECT 1;".to_owned()),
            Back::Forms(forms) => Some(text(forms)),
            Back::Derived | Back::Whole(_) | Back::Never(_) => None,
        };
        for form in runs(made.forward.iter()) {
            changes.push(match form {
                Form::Sql(forward) => sql(&forward, back.as_deref()),
                other => change(other),
            });
        }
    }
    (changes, None)
}

/// All changes, with SQL that follows SQL in one.
fn together(parts: &Parts<'_>) -> Vec<Value> {
    let forms = runs(parts.iter().flat_map(|(_, made)| &made.forward));
    forms.into_iter().map(change).collect()
}

/// What takes them back, the last one first; what goes with the whole has no statement.
fn backwards(tasks: &Tasks<'_>, parts: &Parts<'_>) -> Vec<Value> {
    let made: BTreeSet<&ObjectKey> = parts
        .iter()
        .filter_map(|(task, made)| match (task, &made.back) {
            (Task::Create(key), Back::Forms(forms)) if matches!(forms.as_slice(), [Form::Type(..)]) => Some(key),
            _ => None,
        })
        .collect();
    // a sequence goes with the column that owns it
    let owned: BTreeSet<&ObjectKey> =
        parts.iter().filter(|(task, _)| matches!(task, Task::Own(_))).map(|(task, _)| task.object()).collect();
    let goes_along = |task: &Task| {
        let key = task.object();
        !made.contains(key) && ancestors(tasks.to, key).any(|whole| made.contains(whole))
            || matches!(task, Task::Own(_) | Task::SetDefault(_))
            || owned.contains(key)
    };
    let kept = parts.iter().rev().filter(|(task, _)| !goes_along(task));
    let forms: Vec<&Form> = kept
        .filter_map(|(_, made)| match &made.back {
            Back::Forms(forms) => Some(forms),
            Back::Derived | Back::Whole(_) | Back::Never(_) => None,
        })
        .flatten()
        .collect();
    runs(forms.into_iter()).into_iter().map(change).collect()
}

/// SQL that follows SQL becomes one text.
fn runs<'a>(forms: impl Iterator<Item = &'a Form>) -> Vec<Form> {
    let mut all: Vec<Form> = Vec::new();
    for form in forms {
        match (all.last_mut(), form) {
            (Some(Form::Sql(before)), Form::Sql(next)) => {
                let next = ended(next);
                before.push_str(if next.contains('\n') || before.contains("\n") { "\n\n" } else { "\n" });
                before.push_str(&next);
            }
            (_, Form::Sql(next)) => all.push(Form::Sql(ended(next))),
            (_, Form::Type(..) | Form::Reversible { .. }) => all.push(form.clone()),
        }
    }
    all
}

/// Statements as one text.
fn joined(sql: &[String]) -> String {
    let forms: Vec<Form> = sql.iter().cloned().map(Form::Sql).collect();
    let texts = runs(forms.iter()).into_iter().filter_map(|form| match form {
        Form::Sql(text) => Some(text),
        Form::Reversible { .. } | Form::Type(..) => None,
    });
    texts.collect()
}

/// A statement with its end, and with a word where `check` cannot read it.
fn ended(sql: &str) -> String {
    let sql = sql.trim_end();
    if sql.starts_with("--") && !sql.contains('\n') {
        return sql.to_owned();
    }
    let end = if sql.ends_with(';') { "" } else { ";" };
    let is_read = objects(sql).is_some_and(|objects| objects.mistakes.iter().all(|mistake| mistake.in_body));
    if is_read { format!("{sql}{end}") } else { format!("{UNPARSED_MARK}\n{sql}{end}") }
}

fn text(forms: &[Form]) -> String {
    let sql = forms.iter().filter_map(|form| match form {
        Form::Sql(sql) => Some(ended(sql)),
        Form::Type("dropTable", parameters) => Some(format!("DROP TABLE {};", parameters["table"].as_str()?)),
        Form::Type("dropColumn", parameters) => {
            let column = crate::base::name::quote_ident(parameters["column"].as_str()?).into_owned();
            Some(format!("ALTER TABLE {} DROP COLUMN {column};", parameters["table"].as_str()?))
        }
        Form::Type(..) | Form::Reversible { .. } => None,
    });
    sql.collect::<Vec<_>>().join("\n")
}

fn change(form: Form) -> Value {
    match form {
        Form::Sql(text) => sql(&text, None),
        Form::Reversible { forward, back } => {
            let [forward, back] = [forward, back].map(|all| joined(&all));
            sql(&forward, Some(&back))
        }
        Form::Type(kind, parameters) => object(kind, parameters),
    }
}

fn sql(forward: &str, rollback: Option<&str>) -> Value {
    let mut parameters = Map::new();
    parameters.insert("forward".to_owned(), Value::from(forward));
    parameters.extend(rollback.map(|rollback| ("rollback".to_owned(), Value::from(rollback))));
    object("sql", Value::Object(parameters))
}

fn object(kind: &str, parameters: Value) -> Value {
    Value::Object(std::iter::once((kind.to_owned(), parameters)).collect())
}

/// What the tasks do to an object, in a word.
fn verb(task: &Task) -> &'static str {
    match task {
        Task::Drop(_) => "drop",
        Task::Create(_) => "create",
        Task::Expand(_) => "expand",
        Task::Contract(_) => "contract",
        Task::DropDefault(_) | Task::Alter(_) | Task::Own(_) | Task::SetDefault(_) => "alter",
    }
}

/// What a changeset does to its object.
fn verb_of(parts: &Parts<'_>, object: &ObjectKey) -> &'static str {
    let own: Vec<&str> = parts.iter().filter(|(task, _)| task.object() == object).map(|(task, _)| verb(task)).collect();
    match own.as_slice() {
        ["drop"] => "drop",
        ["create"] => "create",
        ["drop", "create"] => "replace",
        ["expand"] => "expand",
        ["contract"] => "contract",
        _ => "alter",
    }
}

fn describe(tasks: &Tasks<'_>, parts: &Parts<'_>, object: &ObjectKey) -> String {
    if let Some((task, expansion)) =
        parts.iter().find_map(|(task, _)| expansion(tasks, task).map(|expansion| (task, expansion)))
    {
        let Names { own, new, old } = &expansion.column;
        return match task {
            Task::Expand(key) => format!("Expand {key}: {new} has the new type, is filled in batches and kept equal"),
            Task::Contract(key) => format!("Contract {key}: {old}, which has the old type, goes to the attic"),
            Task::Alter(key) if parts.len() > 1 => format!(
                "Alter {key}: {new} becomes {own}, the last column, and that of the old type {old}; what uses it is made again"
            ),
            _ => format!("Alter {object}: {new} becomes {own}, the last column, and that of the old type {old}"),
        };
    }
    let whole = verb_of(parts, object);
    if whole == "create" || whole == "drop" || whole == "replace" {
        return capital(&format!("{whole} {object}"));
    }
    let mut said: Vec<String> = Vec::new();
    for (task, _) in parts {
        let mut what = format!("{} {}", verb(task), task.object());
        if let (Task::Alter(key), Some(why)) = (task, tasks.expansions.direct.get(task.object())) {
            what += &format!(" (blocks {} while its rows are written anew: {why})", table_of(tasks, key));
        }
        if !said.contains(&what) {
            said.push(what);
        }
    }
    let more = said.len().saturating_sub(3);
    said.truncate(3);
    let rest = if more > 0 { format!(" and {}", count(more, "more change")) } else { String::new() };
    capital(&format!("{}{rest}", said.join(", ")))
}

/// How a column gets its new type, if it is a task of that.
fn expansion<'a>(tasks: &'a Tasks<'_>, task: &Task) -> Option<&'a Expansion> {
    let is_step = matches!(task, Task::Expand(_) | Task::Alter(_) | Task::Contract(_));
    tasks.expansions.all.get(task.object()).filter(|_| is_step)
}

fn table_of(tasks: &Tasks<'_>, column: &ObjectKey) -> String {
    tasks.to.get(column).and_then(|column| column.parent.as_ref()).map_or_else(String::new, |table| table.name.clone())
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// An id that says what is done: `create-table-app.users`.
fn new_id(parts: &Parts<'_>, object: &ObjectKey, known: &mut BTreeSet<String>) -> String {
    let name = object.name.split('(').next().unwrap_or_default();
    let text = format!("{}-{}-{name}", verb_of(parts, object), object.kind.word());
    let mut id = String::new();
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') => id.push(c),
            _ if id.ends_with('-') => {}
            _ => id.push('-'),
        }
    }
    // with room for a number
    id.truncate(MAX_ID - 8);
    let id = id.trim_end_matches(['-', '.']).to_owned();
    let mut new = id.clone();
    let mut number = 2;
    while !known.insert(new.clone()) {
        new = format!("{id}-{number}");
        number += 1;
    }
    new
}
