//! How far each step of a run is: the sum of what the run has told, for who looks at it now.

use crate::base::words::{grouped, short};
use crate::run::Event;
use std::collections::{BTreeMap, VecDeque};

/// The most warnings that are kept.
const WARNINGS: usize = 20;

/// The steps of a run that have begun, and what it warned of.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    steps: BTreeMap<String, StepProgress>,
    warnings: VecDeque<String>,
}

/// How far a step is.
#[derive(Debug, Clone, Default)]
pub struct StepProgress {
    /// Whether it is done, and how long it took.
    pub done: Option<Option<u64>>,
    /// Why it failed.
    pub failed: Option<String>,
    /// What it does now.
    pub doing: Option<String>,
    /// How much of it, of how much; of nothing: not known.
    pub part: Option<(u64, u64)>,
    /// What it waits for.
    pub waits: Option<String>,
    /// The sessions that hold what it waits for.
    pub blockers: Vec<String>,
}

impl StepProgress {
    /// What it waited for is there.
    fn goes_on(&mut self) {
        self.waits = None;
        self.blockers.clear();
    }

    fn end(&mut self) {
        self.goes_on();
        self.doing = None;
        self.part = None;
    }
}

impl Progress {
    /// The step of a changeset, once it has begun.
    #[must_use]
    pub fn step(&self, changeset: &str) -> Option<&StepProgress> {
        self.steps.get(changeset)
    }

    /// The changesets whose steps are under way.
    pub fn running(&self) -> impl Iterator<Item = &str> {
        let is_open = |step: &StepProgress| step.done.is_none() && step.failed.is_none();
        self.steps.iter().filter(move |(_, step)| is_open(step)).map(|(id, _)| id.as_str())
    }

    /// The last warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.warnings.iter().map(String::as_str)
    }

    /// Takes note of an event.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Warning { message, .. } => {
                self.warnings.push_back(message.clone());
                if self.warnings.len() > WARNINGS {
                    self.warnings.pop_front();
                }
            }
            // a step that begins again, after a lost connection, has forgotten what it was at
            Event::StepStarted { changeset, .. } => *self.of(changeset) = StepProgress::default(),
            Event::SegmentStarted { changeset, gist, .. } => {
                let step = self.of(changeset);
                step.end();
                step.doing = Some(gist.clone());
            }
            Event::SegmentDone { changeset, .. } => self.of(changeset).end(),
            Event::BatchDone { changeset, rows, table_rows, seen, pass, rate, eta_ms, .. } => {
                let step = self.of(changeset);
                step.goes_on();
                step.doing = Some(pace(*rows, *rate, *eta_ms, *pass));
                let whole = |n: i64| u64::try_from(n).unwrap_or_default();
                step.part = Some((whole(*seen), whole(*table_rows)));
            }
            Event::BackfillWaits { changeset, paused, reason, .. } => {
                let word = if *paused { "paused" } else { "the server is busy" };
                self.of(changeset).waits = Some(format!("{word}: {reason}"));
            }
            Event::BackfillGoesOn { changeset, .. } => self.of(changeset).goes_on(),
            Event::Retry { changeset, attempt, of, reason, .. } => {
                let step = self.of(changeset);
                step.goes_on();
                step.waits = Some(format!("{reason}; attempt {attempt} of {of} follows"));
            }
            Event::Blocked { changeset, by, waiting_behind } => {
                let step = self.of(changeset);
                let behind = match waiting_behind {
                    0 => String::new(),
                    n => format!("; sessions that wait behind it: {n}"),
                };
                step.waits = Some(format!("waits for a lock{behind}"));
                step.blockers.clone_from(by);
            }
            Event::IndexProgress { changeset, phase, done, total } => {
                let step = self.of(changeset);
                step.goes_on();
                step.doing = Some(phase.clone());
                step.part = Some((*done, *total));
            }
            Event::StepDone { changeset, took_ms, .. } => {
                let step = self.of(changeset);
                step.end();
                step.done = Some(*took_ms);
            }
            Event::StepFailed { changeset, error, .. } => {
                let step = self.of(changeset);
                step.end();
                step.failed = Some(error.message.clone());
            }
            Event::Note { .. }
            | Event::Waiting { .. }
            | Event::HookStarted { .. }
            | Event::HookSaid { .. }
            | Event::HookDone { .. }
            | Event::RunStarted { .. }
            | Event::Notice { .. }
            | Event::RunFinished { .. } => {}
        }
    }

    fn of(&mut self, changeset: &str) -> &mut StepProgress {
        self.steps.entry(changeset.to_owned()).or_default()
    }
}

/// How far a backfill is, how fast it goes and how long it still takes.
fn pace(rows: i64, rate: u64, eta_ms: Option<u64>, pass: i64) -> String {
    let rows = grouped(u64::try_from(rows).unwrap_or_default());
    let left = eta_ms.map_or_else(String::new, |ms| format!(", about {} left", short(ms)));
    let again = if pass > 1 { format!(", pass {pass} for rows inserted meanwhile") } else { String::new() };
    format!("{rows} rows changed, {}/s{left}{again}", grouped(rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Direction, Mode};

    #[test]
    fn a_step_says_what_it_is_at() {
        let mut progress = Progress::default();
        let id = || "a".to_owned();
        let direction = Direction::Forward;
        progress.note(&Event::StepStarted { changeset: id(), direction, number: 1, of: 2 });
        assert_eq!(progress.running().collect::<Vec<_>>(), ["a"]);
        let segment =
            Event::SegmentStarted { changeset: id(), segment: 0, mode: Mode::Batched, gist: "UPDATE t".into() };
        progress.note(&segment);
        assert_eq!(progress.step("a").unwrap().doing.as_deref(), Some("UPDATE t"));
        let batch = |eta_ms, pass| Event::BatchDone {
            changeset: id(),
            segment: 0,
            rows: 1200,
            table_rows: 4000,
            seen: 1000,
            pass,
            took_ms: 5,
            rate: 50,
            eta_ms,
        };
        progress.note(&batch(Some(60_000), 1));
        let step = progress.step("a").unwrap();
        assert_eq!(step.doing.as_deref(), Some("1,200 rows changed, 50/s, about 1 min 0 s left"));
        assert_eq!(step.part, Some((1000, 4000)));
        progress.note(&batch(None, 2));
        let step = progress.step("a").unwrap();
        assert_eq!(step.doing.as_deref(), Some("1,200 rows changed, 50/s, pass 2 for rows inserted meanwhile"));
        let pause = Event::BackfillWaits { changeset: id(), segment: 0, paused: true, reason: "by anna".to_owned() };
        progress.note(&pause);
        assert_eq!(progress.step("a").unwrap().waits.as_deref(), Some("paused: by anna"));
        progress.note(&Event::BackfillGoesOn { changeset: id(), segment: 0, waited_ms: 1 });
        progress.note(&Event::Blocked { changeset: id(), by: vec!["psql".to_owned()], waiting_behind: 2 });
        let step = progress.step("a").unwrap();
        assert_eq!(step.waits.as_deref(), Some("waits for a lock; sessions that wait behind it: 2"));
        assert_eq!(step.blockers, ["psql"]);
        progress.note(&Event::StepDone { changeset: id(), direction, took_ms: Some(7) });
        let step = progress.step("a").unwrap();
        assert_eq!((step.done, step.waits.as_ref(), step.blockers.len(), step.part), (Some(Some(7)), None, 0, None));
        assert_eq!(progress.running().count(), 0);
    }

    #[test]
    fn the_last_warnings_are_kept() {
        let mut progress = Progress::default();
        for n in 1..=25 {
            progress.note(&Event::warning(format!("w{n}")));
        }
        let kept: Vec<&str> = progress.warnings().collect();
        assert_eq!((kept.len(), kept[0], kept[19]), (20, "w6", "w25"));
    }
}
