//! What a run tells of itself becomes a line of its log and what is known of it, and a line of the service's log where it
//! is worth one.

use super::state::{Live, Phase};
use crate::base::text::one_line;
use crate::ops::lines::{RunEvent, Stamped};
use crate::ops::now;
use crate::run::{Event, Observer};
use std::sync::Arc;

/// Listens to a run. It never waits.
pub struct Writer(pub Arc<Live>);

impl Observer for Writer {
    fn on(&mut self, event: &Event) {
        let Self(live) = self;
        // before its line: who is told of the line finds it there
        live.hear(event);
        live.log.push(&Stamped::new(now(), RunEvent::Event(event)));
        match event {
            Event::RunStarted { run, .. } => live.note(|state| {
                state.phase = Phase::Running;
                state.waits_for = None;
                state.run = Some(run.clone());
                state.started_at.get_or_insert_with(now);
            }),
            Event::StepDone { changeset, .. } => live.note(|state| state.done.push(changeset.clone())),
            Event::Waiting { message } => live.note(|state| {
                // one that has begun and connects again is the same run
                if state.started_at.is_none() {
                    state.phase = Phase::Waiting;
                }
                state.waits_for = Some(message.clone());
            }),
            Event::Warning { message, .. } => {
                tracing::warn!(request = live.id, environment = live.environment, "{}", one_line(message));
            }
            Event::StepFailed { changeset, error, .. } => tracing::error!(
                request = live.id,
                environment = live.environment,
                changeset,
                sqlstate = error.sqlstate,
                "{}",
                one_line(&error.message)
            ),
            _ => {}
        }
    }
}
