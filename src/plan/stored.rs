//! What the ledger keeps of a step, so that it can be taken back without its file, by a later
//! version of dagmar too: one form for writing and reading, with a number. What can be found out
//! again (the facts of a statement, how far it came) is no part of it.

use super::facts;
use super::model::{Limits, Mode, Progress, Rollback, Segment, Statement, Step, StepCheck};
use super::origin::Origin;
use super::rollback::StoredForward;
use crate::change::Batch;
use crate::effects::Touch;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The version of the form. Absent is the one before the first, which had the domain's types; until the
/// second the statement of a batched segment was the beginning of one.
pub const FORMAT: u32 = 2;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form<T> {
    #[serde(default)]
    format: u32,
    #[serde(flatten)]
    what: T,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Forward<'a> {
    segments: Vec<Part<'a>>,
    #[serde(default)]
    verify: Cow<'a, [StepCheck]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    touches: Option<Cow<'a, [Touch]>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
enum Back<'a> {
    Segments {
        derived: bool,
        segments: Vec<Part<'a>>,
        #[serde(default)]
        verify: Cow<'a, [StepCheck]>,
    },
    Irreversible {
        reason: Cow<'a, str>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    mode: Mode,
    statements: Vec<Line<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch: Option<Cow<'a, Batch>>,
    limits: Limits,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    sql: Cow<'a, str>,
    change: usize,
    kind: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Cow<'a, Origin>>,
}

/// What was run, as JSON.
///
/// # Errors
/// When it is no JSON.
pub fn forward(step: &Step) -> Result<String, serde_json::Error> {
    written(Forward {
        segments: step.segments.iter().map(Part::of).collect(),
        verify: Cow::Borrowed(&step.verify),
        touches: step.touches.as_deref().map(Cow::Borrowed),
    })
}

/// What rolls it back, as JSON.
///
/// # Errors
/// When it is no JSON.
pub fn rollback(rollback: &Rollback) -> Result<String, serde_json::Error> {
    written(match rollback {
        Rollback::Segments { derived, segments, verify } => Back::Segments {
            derived: *derived,
            segments: segments.iter().map(Part::of).collect(),
            verify: Cow::Borrowed(verify),
        },
        Rollback::Irreversible { reason } => Back::Irreversible { reason: Cow::Borrowed(reason) },
    })
}

/// Reads what was run.
///
/// # Errors
/// When it is of a later version, or was not written by dagmar.
pub fn read_forward(text: &str) -> Result<StoredForward, String> {
    let (format, Forward { segments, verify, touches }) = read::<Forward<'static>>(text)?;
    let segments = whole(segments, format);
    Ok(StoredForward { segments, verify: verify.into_owned(), touches: touches.map(Cow::into_owned) })
}

/// Reads what rolls it back.
///
/// # Errors
/// As [`read_forward`].
pub fn read_rollback(text: &str) -> Result<Rollback, String> {
    let (format, back) = read::<Back<'static>>(text)?;
    Ok(match back {
        Back::Segments { derived, segments, verify } => {
            Rollback::Segments { derived, segments: whole(segments, format), verify: verify.into_owned() }
        }
        Back::Irreversible { reason } => Rollback::Irreversible { reason: reason.into_owned() },
    })
}

fn written<T: Serialize>(what: T) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Form { format: FORMAT, what })
}

fn read<T: DeserializeOwned>(text: &str) -> Result<(u32, T), String> {
    let Form { format, what } = serde_json::from_str::<Form<T>>(text).map_err(|e| e.to_string())?;
    if format > FORMAT {
        return Err(format!("it has the format {format}; this version of dagmar supports formats up to {FORMAT}"));
    }
    Ok((format, what))
}

/// The segments with what is known of their statements.
fn whole(parts: Vec<Part<'_>>, format: u32) -> Vec<Segment> {
    let mut segments: Vec<Segment> = parts.into_iter().map(Part::whole).collect();
    if format < 2 {
        let batches = segments.iter_mut().filter(|segment| segment.mode == Mode::Batched);
        batches.flat_map(|segment| &mut segment.statements).for_each(|s| s.sql = batch_until_1(&s.sql));
    }
    facts::renew(&mut segments);
    segments
}

/// The statement of a batch, of a form until 1: common table expressions with places by name.
fn batch_until_1(list: &str) -> String {
    let list = list.replace("$batchSize", "$3").replace("$cursor IS NULL", "$2").replace("$cursor", "$1");
    format!("{list}\nSELECT looked, last, (SELECT count(*) FROM dagmar_done) AS changed FROM dagmar_walk")
}

impl<'a> Part<'a> {
    fn of(segment: &'a Segment) -> Self {
        let line = |s: &'a Statement| Line {
            sql: (&s.sql).into(),
            change: s.change,
            kind: (&s.kind).into(),
            origin: s.origin.as_ref().map(Cow::Borrowed),
        };
        Self {
            mode: segment.mode,
            statements: segment.statements.iter().map(line).collect(),
            batch: segment.batch.as_ref().map(Cow::Borrowed),
            limits: segment.limits,
        }
    }

    fn whole(self) -> Segment {
        let statement = |line: Line<'_>| Statement {
            sql: line.sql.into_owned(),
            change: line.change,
            kind: line.kind.into_owned(),
            facts: Default::default(),
            origin: line.origin.map(Cow::into_owned),
        };
        Segment {
            mode: self.mode,
            statements: self.statements.into_iter().map(statement).collect(),
            batch: self.batch.map(Cow::into_owned),
            limits: self.limits,
            progress: Progress::Todo,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was written in a form is read for ever. Without a number: as versions up to 3 of the
    /// ledger had it.
    #[test]
    fn every_form_that_was_written_is_read() {
        let forms = include_str!("../../tests/data/stored.json");
        let forms: Vec<[serde_json::Value; 2]> = serde_json::from_str(forms).unwrap();
        assert_eq!(forms.len() as u32, FORMAT + 1, "one for each form, without a number and from 1 on");
        for (number, [forward, back]) in forms.iter().enumerate() {
            assert_eq!(forward.get("format").and_then(serde_json::Value::as_u64).unwrap_or(0), number as u64);
            let forward = read_forward(&forward.to_string()).unwrap();
            let sql: Vec<&str> = forward.segments.iter().flat_map(|s| &s.statements).map(|s| s.sql.as_str()).collect();
            assert_eq!(sql[..2], ["CREATE TABLE app.t (id int)", "CREATE INDEX CONCURRENTLY i ON app.t (id)"]);
            assert_eq!((forward.segments[1].mode, forward.verify.len()), (Mode::Outside, 1));
            for batched in forward.segments.iter().filter(|segment| segment.mode == Mode::Batched) {
                let sql = &batched.statements[0].sql;
                assert_eq!(crate::sql::batch_fault(sql), None);
                assert!(sql.contains("WHERE $2 OR t.id > $1\n") && sql.contains("LIMIT $3\n"), "{sql}");
            }
            assert_eq!(forward.segments.iter().filter(|segment| segment.mode == Mode::Batched).count(), 1);
            assert_eq!(forward.touches.unwrap().len(), 1);
            let locks: Vec<usize> =
                forward.segments.iter().flat_map(|s| &s.statements).map(|s| s.facts.locks.len()).collect();
            assert_eq!(locks[..2], [0, 0], "nobody waits for a new table");
            let Rollback::Segments { derived: true, segments, verify } = read_rollback(&back.to_string()).unwrap()
            else {
                panic!("{back}")
            };
            assert_eq!((segments[0].statements[0].sql.as_str(), verify.len()), ("DROP TABLE app.t", 0));
            assert!(segments[0].statements[0].facts.loses_data);
        }
    }

    #[test]
    fn a_later_form_is_refused() {
        let of = |format: u32| format!(r#"{{"format":{format},"kind":"irreversible","reason":"x"}}"#);
        assert!(read_rollback(&of(FORMAT + 1)).unwrap_err().contains("the format 3"));
        assert_eq!(read_rollback(&of(FORMAT)), Ok(Rollback::Irreversible { reason: "x".to_owned() }));
    }
}
