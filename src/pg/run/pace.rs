//! How large the next batch is, how long the rest takes, and what a backfill waits for.

use crate::base::Pace;
use crate::pg::connect::jittered;
use std::time::{Duration, Instant};

/// The largest batch.
const MOST: u32 = 1_000_000;

/// How often the server's state is looked at, at most.
const LOOKS: Duration = Duration::from_secs(1);

/// How long the batches of one message take together: so long the server goes on without
/// a word from here, and a request to pause is not heard.
const MESSAGE: Duration = Duration::from_secs(2);

/// The most batches of one message.
const MOST_BATCHES: u32 = 250;

/// Sizes batches so that each takes about as long as it should, and says how many of them one
/// message carries.
///
/// A server that has to wait for the next batch gives its processor away, and whoever got it
/// is pushed aside a moment later: that is felt more than work that goes on.
#[derive(Debug)]
pub struct Sizer {
    /// Rows that the next batch looks at.
    pub size: u32,
    /// Batches in the next message.
    pub batches: u32,
    target: Duration,
    /// A pause comes after each batch: one is a message.
    pauses: bool,
}

impl Sizer {
    pub fn new(size: u32, pace: &Pace) -> Self {
        let target = Duration::from_millis(pace.batch_time.millis);
        Self { size, batches: 1, target, pauses: pace.pause.millis > 0 }
    }

    /// The batches of a message took so long on average: the next are at most twice and at
    /// least half as large, and at most twice as many.
    pub fn took(&mut self, time: Duration) {
        let each = time.as_secs_f64().max(0.000_1);
        let factor = if self.target.is_zero() { 1.0 } else { (self.target.as_secs_f64() / each).clamp(0.5, 2.0) };
        self.size = scaled(self.size, factor);
        // in between its limits the cast loses nothing
        let fit = (MESSAGE.as_secs_f64() / (each * factor)).clamp(1.0, f64::from(MOST_BATCHES)) as u32;
        self.batches = if self.pauses { 1 } else { fit.min(self.batches * 2) };
    }

    /// A batch was given up; a smaller one may come through. False: it was of one row.
    pub fn gave_up(&mut self) -> bool {
        let smaller = self.size > 1;
        self.size = scaled(self.size, 0.25);
        self.batches = 1;
        smaller
    }
}

fn scaled(size: u32, factor: f64) -> u32 {
    // in between the limits of `MOST` no cast loses anything
    (f64::from(size) * factor).clamp(1.0, f64::from(MOST)) as u32
}

/// How fast it goes, its pauses included.
#[derive(Debug)]
pub struct Speed {
    since: Instant,
    /// Rows in a second, the latest batches before all.
    pub rate: f64,
}

impl Speed {
    pub fn new() -> Self {
        Self { since: Instant::now(), rate: 0.0 }
    }

    /// A batch of so many rows is done.
    pub fn note(&mut self, rows: u64) {
        let time = self.since.elapsed().as_secs_f64().max(0.000_1);
        self.since = Instant::now();
        let now = rows as f64 / time;
        self.rate = if self.rate == 0.0 { now } else { self.rate * 0.8 + now * 0.2 };
    }

    /// A wait that says nothing of the speed is over.
    pub fn forget_wait(&mut self) {
        self.since = Instant::now();
    }

    /// How long so many rows take, in milliseconds.
    pub fn left(&self, rows: i64) -> Option<u64> {
        (self.rate > 0.0 && rows >= 0).then(|| (rows as f64 / self.rate * 1e3) as u64)
    }
}

/// What a backfill waits for, as an SQL expression.
#[derive(Debug)]
pub struct Throttle {
    sql: Option<String>,
    looked: Option<Instant>,
}

impl Throttle {
    /// `table` is the relation as an SQL expression.
    pub fn new(pace: &Pace, table: &str) -> Self {
        let mut parts = Vec::new();
        if pace.replica_lag.millis > 0 {
            parts.push(format!(
                "(SELECT format('the replica %s is %s s behind (limit {})', nullif(application_name, ''), \
                 round(extract(epoch FROM replay_lag))) FROM pg_catalog.pg_stat_replication WHERE replay_lag > \
                 make_interval(secs => {}) ORDER BY replay_lag DESC LIMIT 1)",
                pace.replica_lag,
                pace.replica_lag.millis as f64 / 1e3
            ));
        }
        if pace.replica_lag_megabytes > 0 {
            let behind = "pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn)";
            parts.push(format!(
                "(SELECT format('the replica %s has %s MB to replay (limit {mb} MB)', nullif(application_name, ''), \
                 round({behind} / 1048576)) FROM pg_catalog.pg_stat_replication WHERE {behind} > {mb} * 1048576.0 ORDER BY \
                 {behind} DESC LIMIT 1)",
                mb = pace.replica_lag_megabytes
            ));
        }
        if pace.active_sessions > 0 {
            parts.push(format!(
                "(SELECT format('%s sessions are active (limit {n})', count(*)) FROM pg_catalog.pg_stat_activity WHERE \
                 state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid() HAVING count(*) > {n})",
                n = pace.active_sessions
            ));
        }
        if pace.vacuum_debt > 0 {
            parts.push(vacuum(pace.vacuum_debt, table));
        }
        let sql = (!parts.is_empty()).then(|| format!("nullif(concat_ws('; ', {}), '')", parts.join(", ")));
        Self { sql, looked: None }
    }

    /// The expression, where it is time to look; NULL: nothing to wait for.
    pub fn look(&mut self) -> &str {
        match &self.sql {
            Some(sql) if self.looked.is_none_or(|at| at.elapsed() >= LOOKS) => {
                self.looked = Some(Instant::now());
                sql
            }
            _ => "NULL::text",
        }
    }

    /// The expression, whenever it was looked at last.
    pub fn look_now(&mut self) -> &str {
        self.looked = None;
        self.look()
    }
}

/// Autovacuum is late: some partition of the table has far more dead rows than start it.
/// Where it is switched off nobody would ever come to clean up: that is not waited for.
fn vacuum(debt: u32, table: &str) -> String {
    let option = |name: &str| {
        format!(
            "(SELECT option_value FROM pg_catalog.pg_options_to_table(c.reloptions) WHERE option_name = 'autovacuum_{name}')"
        )
    };
    let setting = |name: &str| format!("current_setting('autovacuum_{name}')");
    format!(
        "(SELECT format('autovacuum is late: %s has %s dead rows', c.oid::regclass, d.dead) FROM (SELECT {table} AS oid OFFSET 0) t, \
         pg_catalog.pg_class c, \
         LATERAL (SELECT pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead, coalesce({threshold}, {threshold_all})::float8 + \
         coalesce({factor}, {factor_all})::float8 * greatest(c.reltuples, 0) AS start) d WHERE (c.oid = \
         t.oid OR c.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(t.oid))) AND c.relkind = 'r' AND current_setting('autovacuum') \
         = 'on' AND coalesce({enabled}, 'true')::boolean AND d.dead > {debt} * d.start AND d.dead > 100000 ORDER BY d.dead \
         DESC LIMIT 1)",
        threshold = option("vacuum_threshold"),
        threshold_all = setting("vacuum_threshold"),
        factor = option("vacuum_scale_factor"),
        factor_all = setting("vacuum_scale_factor"),
        enabled = option("enabled"),
    )
}

/// The wait before another attempt: doubling, at most 16 s, of which half is by chance so
/// that several runners do not come back together.
pub(super) fn backoff(attempt: u32) -> Duration {
    jittered(Duration::from_millis(250 << attempt.saturating_sub(1).min(6)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{HumanDuration, PaceSpec};

    #[test]
    fn batches_come_to_their_time() {
        let pace = PaceSpec::default().resolve();
        let mut sizer = Sizer::new(1000, &pace);
        // a server that takes 10 µs for a row
        for _ in 0..20 {
            let time = Duration::from_micros(u64::from(sizer.size) * 10);
            sizer.took(time);
        }
        assert_eq!((sizer.size, sizer.batches), (1000, 200));
        sizer.took(Duration::from_secs(60));
        assert_eq!((sizer.size, sizer.batches), (500, 1));
        sizer.took(Duration::ZERO);
        assert_eq!((sizer.size, sizer.batches), (1000, 2));
        let mut fixed =
            Sizer::new(7, &PaceSpec { batch_time: Some(HumanDuration::default()), ..PaceSpec::default() }.resolve());
        fixed.took(Duration::from_millis(700));
        assert_eq!((fixed.size, fixed.batches), (7, 2));
        fixed.took(Duration::from_secs(60));
        assert_eq!((fixed.size, fixed.batches), (7, 1));
    }

    #[test]
    fn a_pause_comes_after_each_batch() {
        let pause = PaceSpec { pause: Some(HumanDuration::millis(1)), ..PaceSpec::default() };
        let mut sizer = Sizer::new(1000, &pause.resolve());
        sizer.took(Duration::from_millis(1));
        assert_eq!(sizer.batches, 1);
    }

    #[test]
    fn a_batch_of_one_row_gets_no_smaller() {
        let mut sizer = Sizer::new(5, &PaceSpec::default().resolve());
        assert!(sizer.gave_up());
        assert_eq!(sizer.size, 1);
        assert!(!sizer.gave_up());
    }

    #[test]
    fn without_limits_nothing_is_asked() {
        let none = PaceSpec {
            replica_lag: Some(HumanDuration::default()),
            replica_lag_megabytes: Some(0),
            vacuum_debt: Some(0),
            ..PaceSpec::default()
        };
        let mut brakes = Throttle::new(&none.resolve(), "t");
        assert_eq!(brakes.look_now(), "NULL::text");
        let mut brakes = Throttle::new(&PaceSpec::default().resolve(), "t");
        assert_ne!(brakes.look(), "NULL::text");
        assert_eq!(brakes.look(), "NULL::text");
    }
}
