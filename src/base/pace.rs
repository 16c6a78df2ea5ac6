//! How gently a backfill goes.

use super::{Code, Operation};
use super::{Diagnostic, Diagnostics, HumanDuration, Place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The load limits of a backfill; an omitted value comes from the next higher level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PaceSpec {
    /// The target duration of a batch, to which the batch size adapts. `0s`: the size is fixed; default: 10ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_time: Option<HumanDuration>,
    /// The pause after each batch; default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<HumanDuration>,
    /// The backfill waits while the replay lag of a replica exceeds this limit. `0s`: no limit; default: 10s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_lag: Option<HumanDuration>,
    /// The backfill waits while a replica has more megabytes than this to replay. `0`: no limit; default: 1024.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_lag_megabytes: Option<u32>,
    /// The backfill waits while more sessions than this are active on the server. `0`: no limit, the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_sessions: Option<u32>,
    /// The backfill waits for autovacuum while the table has more dead rows than this many times the autovacuum
    /// threshold. `0`: no limit; default: 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vacuum_debt: Option<u32>,
}

/// The load limits of a backfill, with all defaults; zero means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The target duration of a batch.
    pub batch_time: HumanDuration,
    /// The pause after each batch.
    pub pause: HumanDuration,
    /// The maximum replay lag of a replica.
    pub replica_lag: HumanDuration,
    /// The maximum number of megabytes that a replica has to replay.
    pub replica_lag_megabytes: u32,
    /// The maximum number of active sessions.
    pub active_sessions: u32,
    /// The maximum number of dead rows, as a multiple of the autovacuum threshold.
    pub vacuum_debt: u32,
}

/// The longest batch and the longest pause that make sense.
const LONGEST: HumanDuration = HumanDuration::secs(60);

impl PaceSpec {
    /// These limits, with those of the level above for omitted values.
    #[must_use]
    pub fn or(self, above: Self) -> Self {
        Self {
            batch_time: self.batch_time.or(above.batch_time),
            pause: self.pause.or(above.pause),
            replica_lag: self.replica_lag.or(above.replica_lag),
            replica_lag_megabytes: self.replica_lag_megabytes.or(above.replica_lag_megabytes),
            active_sessions: self.active_sessions.or(above.active_sessions),
            vacuum_debt: self.vacuum_debt.or(above.vacuum_debt),
        }
    }

    /// Whether no value is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The limits with defaults for omitted values.
    #[must_use]
    pub fn resolve(self) -> Pace {
        Pace {
            batch_time: self.batch_time.unwrap_or(HumanDuration::millis(10)),
            pause: self.pause.unwrap_or_default(),
            replica_lag: self.replica_lag.unwrap_or(HumanDuration::secs(10)),
            replica_lag_megabytes: self.replica_lag_megabytes.unwrap_or(1024),
            active_sessions: self.active_sessions.unwrap_or(0),
            vacuum_debt: self.vacuum_debt.unwrap_or(5),
        }
    }

    /// Reports invalid values.
    pub fn check(&self, place: &Place, out: &mut Diagnostics) {
        if let Some(time) = self.batch_time
            && time.millis > 0
            && !(10..=LONGEST.millis).contains(&time.millis)
        {
            out.push(
                Diagnostic::error(Code::Pace, format!("`batchTime` cannot be {time}"))
                    .at(place.child("batchTime"))
                    .help("write `10ms` to `1m`; with `0s` all batches have the size `batchSize`"),
            );
        }
        if let Some(pause) = self.pause
            && pause > LONGEST
        {
            out.push(
                Diagnostic::error(Code::Pace, format!("a pause of {pause} after each batch is too long"))
                    .at(place.child("pause"))
                    .help("write `0s` to `1m`; " + Operation::Pause + " stops a backfill for longer"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;

    fn here() -> Place {
        Place::value(FileId(0), Vec::new())
    }

    #[test]
    fn the_nearest_level_wins() {
        let own = PaceSpec { pause: Some(HumanDuration::secs(1)), ..Default::default() };
        let above = PaceSpec { pause: Some(HumanDuration::secs(2)), vacuum_debt: Some(0), ..Default::default() };
        let pace = own.or(above).resolve();
        assert_eq!(
            (pace.pause, pace.vacuum_debt, pace.batch_time),
            (HumanDuration::secs(1), 0, HumanDuration::millis(10))
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let mut out = Diagnostics::default();
        let fine = PaceSpec { batch_time: Some(HumanDuration::default()), pause: Some(LONGEST), ..Default::default() };
        fine.check(&here(), &mut out);
        assert_eq!(out.counts(), (0, 0));
        let wrong =
            PaceSpec { batch_time: Some(HumanDuration::millis(1)), pause: Some(HumanDuration::secs(61)), ..fine };
        wrong.check(&here(), &mut out);
        assert_eq!(out.counts(), (2, 0));
    }
}
