//! What gates look at, out of the ledgers of source and target: few questions, each answered
//! by the clock of the server that is asked.

use super::{drift, read, request};
use crate::base::name::quote_literal;
use crate::base::{Actor, Failure, FailureKind, Ident, Operation};
use crate::gate::evidence::{Drift, Local, Proof, Source, SourceEvent, Target, source_histories};
use crate::gate::freeze_zone;
use crate::history::EventKind;
use crate::pg::Database;
use crate::pg::connect::Connection;
use crate::pg::connect::error;
use crate::pg::connect::query::Row;
use crate::pg::connect::server::Server;
use crate::plan::Plan;
use crate::source::Environment;
use crate::source::calendar::Zone;
use std::collections::BTreeSet;

/// Two clocks that differ by more than this are worth a word.
const APART: i64 = 60_000;

/// Asks the database of the environment for what its policies are about; `sealed` are the
/// changesets of the sealed plan that is to run. One question.
///
/// # Errors
/// When the server does not answer, or knows no such time zone.
pub async fn target(
    connection: &Connection,
    server: &Server,
    ledger: &Ident,
    policy: &Environment,
    sealed: &[&str],
    actor: &Actor,
) -> Result<Target, Failure> {
    let window = policy.window.iter().map(|w| w.timezone.clone());
    let zones: BTreeSet<Zone> = window.chain(policy.freeze.iter().map(|f| freeze_zone(f, policy))).collect();
    let l = ledger.sql();
    let (mut runs, mut applied) = ("NULL::int8[]".to_owned(), "NULL::int8[]".to_owned());
    if server.has_ledger && policy.rate.is_some() {
        let millis = |at: &str| format!("array_agg((extract(epoch FROM {at}) * 1000)::int8 ORDER BY {at})");
        // a run that found nothing to do has left no event
        runs = format!(
            "(SELECT {} FROM {l}.event WHERE kind = 'runStarted' AND detail ->> 'kind' IN ('apply', 'promote', 'script') AND \
             at > clock_timestamp() - interval '1 hour')",
            millis("at")
        );
        applied = format!(
            "(SELECT {} FROM {l}.event WHERE kind = 'applied' AND at > clock_timestamp() - interval '1 hour')",
            millis("at")
        );
    }
    let mut rolled_back = "NULL::int8".to_owned();
    if server.has_ledger && !sealed.is_empty() {
        let ids: Vec<String> = sealed.iter().map(|id| quote_literal(id)).collect();
        rolled_back = format!(
            "(SELECT (extract(epoch FROM max(at)) * 1000)::int8 FROM {l}.event WHERE kind IN ('rolledBack', 'restored') AND \
             changeset IN ({}))",
            ids.join(", ")
        );
    }
    let list: Vec<String> = zones.iter().map(|zone| quote_literal(zone.as_str())).collect();
    let local = if list.is_empty() {
        "NULL::text[]".to_owned()
    } else {
        format!(
            "(SELECT array_agg(z || '|' || to_char(t, 'YYYY-MM-DD|ID|') || (extract(hour FROM t) * 60 + extract(minute \
             FROM t))::int4) FROM (SELECT z, clock_timestamp() AT TIME ZONE z AS t FROM unnest(ARRAY[{}]) z) x)",
            list.join(", ")
        )
    };
    let sql = format!(
        "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8, session_user::text, {runs}, {applied}, {local}, {rolled_back}"
    );
    let rows = connection.try_query(&sql).await.map_err(|failure| {
        if failure.sqlstate == "22023" {
            return Failure::new(
                FailureKind::Source,
                format!("the server does not support a time zone of dagmar.yaml: {}", failure.message),
            )
            .help("write its IANA name, as `Europe/Zurich`; the view pg_timezone_names lists all");
        }
        error::query_failed("cannot read the evidence for the gates", &failure)
    })?;
    let row = rows.first().ok_or_else(|| Failure::new(FailureKind::Database, "the server returned no row"))?;
    let local = row.get::<Option<Vec<String>>>(4)?.unwrap_or_default();
    let asks = policy.drift.as_ref().is_some_and(|drift| drift.max_age.is_some());
    let drift = if asks && server.has_ledger { drift::last(connection, ledger).await? } else { None };
    Ok(Target {
        drift: drift.map(|drift| Drift { differences: drift.differences, age: drift.age_ms }),
        now: row.get(0)?,
        major: server.major(),
        db_user: row.get(1)?,
        os_user: actor.user.clone(),
        person: actor.origin.as_ref().map(|_| actor.user.clone()),
        runs: row.get::<Option<Vec<i64>>>(2)?.unwrap_or_default(),
        applied: row.get::<Option<Vec<i64>>>(3)?.unwrap_or_default(),
        rolled_back: row.get(5)?,
        local: local.iter().filter_map(|text| one_local(text)).collect(),
    })
}

/// `Europe/Zurich|2026-11-21|6|540`.
fn one_local(text: &str) -> Option<(String, Local)> {
    let mut parts = text.split('|');
    let (zone, date, day, minutes) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let weekday = day.parse::<usize>().ok()?.checked_sub(1)?;
    Some((zone.to_owned(), Local { date: date.to_owned(), weekday, minutes: minutes.parse().ok()? }))
}

/// Reads the ledger of the database that is promoted from: what it has, and whether something
/// runs there.
///
/// # Errors
/// When it cannot be read, or has no ledger.
pub async fn source(
    connection: &Connection,
    server: &Server,
    ledger: &Ident,
    environment: &str,
) -> Result<Source, Failure> {
    if !server.has_ledger {
        return Err(Failure::new(FailureKind::Refused, "it has no ledger: nothing has been applied there".to_owned())
            .help(Operation::Apply.at(environment) + " first"));
    }
    let running = request::running(connection, ledger).await?.map(|run| run.holder);
    let history = read::history(connection, server, ledger).await?;
    Ok(Source { environment: environment.to_owned(), history, running, ..Source::default() })
}

/// Reads what happened on the source to these changesets.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn follow(connection: &Connection, ledger: &Ident, source: &mut Source, ids: &[&str]) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = ids.iter().map(|id| quote_literal(id)).collect();
    let sql = format!(
        "SELECT changeset, kind, (detail - 'statement' - 'hint' - 'recorded')::text, (extract(epoch FROM at) * 1000)::int8 FROM {}.event WHERE changeset IN ({}) AND kind IN \
         ('applied', 'marked', 'failed', 'retried', 'rolledBack', 'restored') ORDER BY seq",
        ledger.sql(),
        list.join(", ")
    );
    let rows = connection.query("cannot read the ledger", &sql).await?;
    let happened = |row: &Row| {
        let detail = row.get::<Option<&str>>(2)?.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let kind = EventKind::from_word(row.get(1)?);
        Ok(kind.map(|kind| (row.get(0), row.get(3), kind, detail)))
    };
    let mut trail = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some((changeset, at, kind, detail)) = happened(row)? {
            trail.push(SourceEvent { changeset: changeset?, kind, at: at?, detail });
        }
    }
    source.trails = source_histories(&trail, &source.history);
    Ok(())
}

/// The proofs of the changesets of a plan in the ledgers of the environment and of the one it is promoted from, if the
/// policy asks for them.
///
/// # Errors
/// When a ledger cannot be read.
pub async fn proofs(
    target: &Database,
    source: Option<&Database>,
    policy: &Environment,
    plan: &Plan,
) -> Result<Vec<Proof>, Failure> {
    let list: Vec<String> = plan.steps.iter().map(|step| quote_literal(&step.digest)).collect();
    let mut proofs = Vec::new();
    if policy.proven.is_none() || list.is_empty() {
        return Ok(proofs);
    }
    // details are JSON that somebody wrote: what is no proof is passed over
    let sql = format!(
        "SELECT d.digest, e.detail ->> 'serverVersion', greatest(0, (extract(epoch FROM clock_timestamp() - e.at) * 1000)::int8) \
         FROM {}.event e CROSS JOIN LATERAL jsonb_array_elements_text(CASE jsonb_typeof(e.detail -> 'digests') WHEN 'array' \
         THEN e.detail -> 'digests' ELSE '[]' END) d (digest) WHERE e.kind = '{}' AND isfinite(e.at) AND d.digest IN ({})",
        target.ledger().sql(),
        EventKind::Proven.word(),
        list.join(", ")
    );
    for db in [Some(target), source].into_iter().flatten().filter(|db| db.server.has_ledger) {
        for row in &db.connection.query("cannot read the proofs in the ledger", &sql).await? {
            let version = row.get::<Option<String>>(1)?.unwrap_or_default();
            if let Some(major) = version.split('.').next().and_then(|major| major.parse().ok()) {
                proofs.push(Proof { digest: row.get(0)?, major, age: row.get(2)? });
            }
        }
    }
    Ok(proofs)
}

/// What tells one database from every other: when its server started, and its number there.
///
/// # Errors
/// When the server does not answer.
pub async fn identity(connection: &Connection) -> Result<String, Failure> {
    let sql = "SELECT concat_ws('/', extract(epoch FROM pg_catalog.pg_postmaster_start_time()), \
               (SELECT oid FROM pg_catalog.pg_database WHERE \
               datname = pg_catalog.current_database()))";
    let rows = connection.query("cannot query the server", sql).await?;
    Ok(rows.first().map(|row| row.get(0)).transpose()?.unwrap_or_default())
}

/// What is odd about the clocks of two servers that were asked one right after the other.
#[must_use]
pub fn clocks(source: &Source, target: &Target, environment: &str) -> Option<String> {
    let apart = source.history.now - target.now;
    (apart.abs() > APART)
        .then(|| format!("the clocks of {} and {environment} differ by {} s", source.environment, apart.abs() / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_told() {
        let target = Target { now: 1_000_000, ..Target::default() };
        let mut source = Source { environment: "staging".to_owned(), ..Source::default() };
        source.history.now = 1_059_000;
        assert_eq!(clocks(&source, &target, "production"), None);
        source.history.now = 880_000;
        let said = clocks(&source, &target, "production");
        assert_eq!(said.as_deref(), Some("the clocks of staging and production differ by 120 s"));
    }

    #[test]
    fn monday_is_the_first_day() {
        let (zone, local) = one_local("Europe/Zurich|2026-11-23|1|540").unwrap();
        assert_eq!((zone.as_str(), local.weekday, local.minutes), ("Europe/Zurich", 0, 540));
        assert_eq!(one_local("UTC|2026-11-23|0|540"), None);
    }
}
