//! Looks after long statements from a connection of its own: how far an index build is
//! (manual, chapter 28.4), and who is in the way of what waits for a lock.

use super::blockers::{Blocker, WHO};
use super::shared::{Busy, Shared};
use crate::ledger::record::application_name;
use crate::pg::connect::settings::Settings;
use crate::pg::connect::{self, Connection};
use crate::run::Event;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// How often at least, where there is nothing to tell: each look takes a processor for a
/// moment, which is felt on a server that has few. Shorter than it waits for a lock.
const SELDOM: Duration = Duration::from_secs(4);

/// Watches until it is dropped. Short steps are never looked at: the connection is opened
/// when one has been running between two looks.
pub(super) async fn watch(shared: &Shared<'_>, settings: &Settings) {
    let mut connection: Option<Connection> = None;
    let mut before = Busy::new();
    let mut said: BTreeMap<i32, String> = BTreeMap::new();
    let mut watched = Busy::new();
    let (mut pause, mut looked) = (EVERY, Instant::now());
    loop {
        tokio::time::sleep(EVERY).await;
        let busy = shared.sessions.borrow().clone();
        let mut long = busy.clone();
        long.retain(|pid, steps| before.get(pid) == Some(steps));
        before = busy;
        said.retain(|pid, _| long.contains_key(pid));
        if long != watched {
            pause = EVERY;
        }
        watched.clone_from(&long);
        if long.is_empty() || looked.elapsed() < pause {
            continue;
        }
        if connection.is_none() {
            let settings = settings.clone().with_application_name("dagmar watch");
            connection = connect::connect(&settings, Duration::ZERO).await.ok();
        }
        let Some(open) = &connection else { continue };
        let Ok(rows) = open.texts(&question(&long)).await else {
            connection = None;
            continue;
        };
        (pause, looked) = ((pause * 2).min(SELDOM), Instant::now());
        for row in rows {
            let text = |at: usize| row.get(at).and_then(Option::as_deref);
            let Some(pid) = text(0).and_then(|p| p.parse::<i32>().ok()) else { continue };
            let Some(step) = long.get(&pid).and_then(|steps| current(shared, steps, text(8))) else { continue };
            shared.announce(step);
            let changeset = shared.plan.steps[step].changeset.clone();
            if text(1).is_some() || text(3).is_some() {
                pause = EVERY;
            }
            let by: Vec<Blocker> = text(1)
                .and_then(|list| serde_json::from_str::<Vec<Value>>(list).ok())
                .map_or_else(Vec::new, |list| list.iter().filter_map(Blocker::of).collect());
            if !by.is_empty() && said.insert(pid, processes(&by)) != Some(processes(&by)) {
                let by = by.iter().map(Blocker::to_string).collect();
                let waiting_behind = text(2).and_then(|n| n.parse().ok()).unwrap_or(0);
                shared.tell(&Event::Blocked { changeset: changeset.clone(), by, waiting_behind });
            }
            if let Some(phase) = text(3) {
                let number = |i: usize| text(i).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
                let (done, total) = if number(5) > 0 { (number(4), number(5)) } else { (number(6), number(7)) };
                shared.tell(&Event::IndexProgress { changeset, phase: phase.to_owned(), done, total });
            }
        }
    }
}

/// The processes of these sessions: what is said once is not said again.
fn processes(list: &[Blocker]) -> String {
    list.iter().filter_map(Blocker::pid).collect::<Vec<_>>().join(" ")
}

/// Which of the steps that a session was sent it runs now.
fn current(shared: &Shared<'_>, steps: &[usize], name: Option<&str>) -> Option<usize> {
    let named = |step: &&usize| Some(application_name(&shared.plan.steps[**step].changeset).as_str()) == name;
    steps.iter().find(named).or_else(|| steps.iter().find(|step| !shared.is_done(**step))).copied()
}

/// One row for each session: process, blockers as a list, sessions waiting behind it, and the
/// progress of a build.
fn question(long: &Busy) -> String {
    let pids: Vec<String> = long.keys().map(i32::to_string).collect();
    format!(
        "SELECT m.pid, b.who, (SELECT count(*) FROM pg_catalog.pg_stat_activity w WHERE w.wait_event_type = 'Lock' AND \
         m.pid = ANY (pg_catalog.pg_blocking_pids(w.pid))), p.phase, p.blocks_done, p.blocks_total, p.tuples_done, \
         p.tuples_total, s.application_name FROM pg_catalog.unnest(ARRAY[{pids}]) m(pid) \
         JOIN pg_catalog.pg_stat_activity s ON s.pid = m.pid \
         LEFT JOIN pg_catalog.pg_stat_progress_create_index p ON p.pid = m.pid \
         LEFT JOIN LATERAL (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('who', {WHO}, 'query', a.query) \
         ORDER BY a.pid) AS who FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(m.pid)) x(pid) JOIN \
         pg_catalog.pg_stat_activity a ON a.pid = x.pid) b ON true",
        pids = pids.join(", "),
    )
}
