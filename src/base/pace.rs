//! How gently a backfill goes.

use super::Code;
use super::{Diagnostic, Diagnostics, HumanDuration, Place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How gently a backfill goes; what is left out comes from the level above.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PaceSpec {
    /// How long a batch should take: their size adapts to it. `0s`: the size is fixed; left
    /// out: 10ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_time: Option<HumanDuration>,
    /// The pause after each batch; left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<HumanDuration>,
    /// It waits while a replica replays later than this. `0s`: it does not; left out: 10s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_lag: Option<HumanDuration>,
    /// It waits while a replica has more megabytes than this to replay. `0`: it does not;
    /// left out: 1024.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_lag_megabytes: Option<u32>,
    /// It waits while more sessions of the server than this are active. `0` and left out: it
    /// does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_sessions: Option<u32>,
    /// It waits for autovacuum while the table has more dead rows than this many times what
    /// starts it. `0`: it does not; left out: 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vacuum_debt: Option<u32>,
}

/// How gently a backfill goes, with nothing left open; zero is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long a batch should take.
    pub batch_time: HumanDuration,
    /// The pause after each batch.
    pub pause: HumanDuration,
    /// The longest delay of a replica.
    pub replica_lag: HumanDuration,
    /// The most that a replica has to replay, in megabytes.
    pub replica_lag_megabytes: u32,
    /// The most sessions that are active.
    pub active_sessions: u32,
    /// The most dead rows, as a multiple of what starts autovacuum.
    pub vacuum_debt: u32,
}

/// The longest batch and the longest pause that make sense.
const LONGEST: HumanDuration = HumanDuration::secs(60);

impl PaceSpec {
    /// This pace over that of the level above.
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

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// With the defaults filled in.
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

    /// Reports what makes no sense.
    pub fn check(&self, place: &Place, out: &mut Diagnostics) {
        if let Some(time) = self.batch_time
            && time.millis > 0
            && !(10..=LONGEST.millis).contains(&time.millis)
        {
            out.push(
                Diagnostic::error(Code::Pace, format!("a batch cannot be made to take {time}"))
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
                    .help("write `0s` to `1m`; `dagmar pause` stops a backfill for longer"),
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
