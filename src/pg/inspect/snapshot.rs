//! The whole catalog.

use super::classes::{CLASSES, Class, DATABASE};
use super::message::{CONTEXT, Filter, answers, query, values_of};
use super::read::Reader;
use super::scope::Scope;
use crate::base::Failure;
use crate::inspect::{NotCompared, ObjectKey, Snapshot};
use crate::pg::connect::Connection;
use crate::pg::connect::query::Answer;

/// Reads the whole catalog.
///
/// # Errors
/// If the server does not answer, or the role may not read something.
pub async fn snapshot(connection: &Connection, scope: &Scope) -> Result<Snapshot, Failure> {
    let classes = classes_of(connection, scope);
    let mut queries: Vec<String> =
        classes.iter().map(|class| query(connection, class.sql, Filter::All, scope)).collect();
    queries.push(query(connection, include_str!("sql/not_compared.sql"), Filter::All, scope));
    if scope.dependencies {
        queries.push(include_str!("sql/dependencies.sql").to_owned());
    }
    let found = answers(connection, CONTEXT, &queries).await?;
    let mut reader = Reader::default();
    for (class, answer) in classes.iter().zip(&found) {
        reader.add(class, answer)?;
    }
    let mut not_compared = found.get(classes.len()).map(not_compared).unwrap_or_default();
    if let Some(answer) = found.get(classes.len() + 1) {
        reader.depend(answer, None);
    }
    not_compared.extend(sequence_values(connection, scope, &mut reader).await?);
    not_compared.sort();
    let mut snapshot: Snapshot = reader.objects.into_iter().collect();
    snapshot.major = connection.server_major;
    snapshot.not_compared = not_compared;
    Ok(snapshot)
}

/// The classes that a server has and a scope asks for.
pub(super) fn classes_of(connection: &Connection, scope: &Scope) -> Vec<&'static Class> {
    let wanted =
        |class: &&Class| class.since <= connection.server_major && (scope.database || class.units() != DATABASE);
    CLASSES.iter().filter(wanted).collect()
}

fn not_compared(answer: &Answer) -> Vec<NotCompared> {
    let text = |text: Option<&Option<String>>| text.cloned().flatten().unwrap_or_default();
    answer.rows.iter().map(|row| NotCompared { what: text(row.first()), why: text(row.get(1)) }).collect()
}

/// Reads the values of the sequences that were found; gives those that must not be read.
pub(super) async fn sequence_values(
    connection: &Connection,
    scope: &Scope,
    reader: &mut Reader,
) -> Result<Vec<NotCompared>, Failure> {
    if !scope.sequence_values {
        return Ok(Vec::new());
    }
    let mut unread = Vec::new();
    let mut sequences: Vec<(&ObjectKey, u32)> = Vec::new();
    for (key, oid) in reader.sequences() {
        if reader.unreadable.contains(key) {
            unread.push(NotCompared {
                what: format!("the value of the {key}"),
                why: "the role may not read it".to_owned(),
            });
        } else {
            sequences.push((key, oid));
        }
    }
    if let Some(query) = values_of(&sequences) {
        let found = answers(connection, CONTEXT, &[query]).await?;
        found.iter().try_for_each(|answer| reader.amend("values of sequences", answer))?;
    }
    Ok(unread)
}
