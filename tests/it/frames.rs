//! A plan has one interpreter: what goes to the server, into the psql script and into the dry run are
//! the same statements in the same order, for every kind of step.

use crate::support::{Project, same};
use dagmar::base::Ident;
use dagmar::base::name::quote_literal;
use dagmar::exec::dry_run::dry_run;
use dagmar::exec::{BatchFrames, Frame, Printer, StatementTag, Writer};
use dagmar::ledger::record::{Recorder, RunRef};
use dagmar::plan::{About, Direction, Plan, Progress, Renamed, Rollback, Step, StepReason};
use dagmar::report::script::script;

/// The path that authors wrote for, and the epoch of the lock.
const PATH: &str = "\"$user\", public";
const EPOCH: i64 = 4711;
const RUN: &str = "00000000-0000-4000-8000-000000000000";

const PLAN: &str = "
changesets:
  - id: transaction
    preconditions: [{ schemaExists: app }]
    verify: [{ sql: SELECT true, name: it is }]
    changes:
      - sql: { forward: INSERT INTO app.b SELECT * FROM app.a; DELETE FROM app.a, rollback: DELETE FROM app.b }
  - id: sets
    dependsOn: [transaction]
    changes:
      - sql: { forward: SET ROLE somebody; CREATE TABLE mine (), rollback: DROP TABLE mine }
  - id: outside
    changes:
      - createIndex: { name: i, table: app.c, columns: [n], concurrently: true }
  - id: vacuum
    verify: [{ sql: SELECT true, name: it was }]
    changes:
      - sql: { forward: VACUUM app.d, rollback: SELECT 1 }
  - id: segments
    preconditions: [{ schemaExists: app }]
    verify: [{ sql: SELECT true, name: it is }]
    changes:
      - addColumn: { table: app.e, columns: [{ name: m, type: int }] }
      - backfill: { table: app.e, key: id, where: t.m IS NULL, set: { m: '1' } }
      - sql: { forward: SET LOCAL work_mem = '1MB'; UPDATE app.f SET n = 1, rollback: UPDATE app.f SET n = 0 }
      - createIndex: { name: j, table: app.e, columns: [m], concurrently: true }
  - id: repeatable
    repeatable: true
    changes: [{ createView: { name: app.v, query: SELECT 1 AS n } }]
";

fn compiled() -> Vec<Step> {
    let project = Project::new(&[("plans/a.yaml", PLAN)]);
    let plan = project.run(&["plan", "--offline", "--format", "json"]);
    assert_eq!(plan.code, 0, "{}", plan.err);
    let steps = plan.json()["steps"].as_array().unwrap().clone();
    steps.into_iter().map(|step| serde_json::from_value(step).unwrap()).collect()
}

/// The way back of a step.
fn back(step: &Step, why: StepReason) -> Step {
    let Rollback::Segments { segments, verify, .. } = step.rollback.clone() else { panic!("{step:?}") };
    Step { direction: Direction::Rollback, why, preconditions: Vec::new(), verify, segments, ..step.clone() }
}

/// Every kind of step, with its name.
fn kinds() -> Vec<(&'static str, Step)> {
    let steps = compiled();
    let of = |id: &str| steps.iter().find(|step| step.changeset == id).unwrap().clone();
    let resumed = |id: &str, progress: &[Progress]| {
        let mut step = of(id);
        step.why = StepReason::Resumed;
        assert_eq!(step.segments.len(), progress.len(), "{id}");
        step.segments.iter_mut().zip(progress).for_each(|(segment, progress)| segment.progress = *progress);
        step
    };
    use Progress::{Done, Started, Todo};
    let attic = |direction| Step { direction, why: StepReason::Requested, ..of("transaction") };
    vec![
        ("a transaction", of("transaction")),
        ("a session's settings", of("sets")),
        ("outside of a transaction", of("outside")),
        ("outside and in no dry run", of("vacuum")),
        ("several segments, one in batches", of("segments")),
        ("resumed in the middle", resumed("segments", &[Done, Todo, Todo, Todo])),
        ("resumed in its batches", resumed("segments", &[Done, Started, Todo, Todo])),
        ("resumed outside of a transaction", resumed("segments", &[Done, Done, Done, Started])),
        ("resumed at its end", resumed("segments", &[Done, Done, Done, Done])),
        ("repeatable, new", of("repeatable")),
        ("repeatable, changed", Step { why: StepReason::Changed, ..of("repeatable") }),
        ("a rollback", back(&of("transaction"), StepReason::Requested)),
        ("a rollback in several segments", back(&of("segments"), StepReason::Dependent)),
        ("a version restored", back(&of("repeatable"), StepReason::Restored)),
        ("the attic purged", attic(Direction::Purge)),
        ("the attic restored", attic(Direction::Restore)),
    ]
}

fn plan_of(step: &Step) -> Plan {
    Plan {
        format: 1,
        environment: "default".to_owned(),
        direction: step.direction,
        ledger_schema: "dagmar".to_owned(),
        renamed: vec![Renamed { from: "old".to_owned(), to: "new".to_owned() }],
        steps: vec![step.clone()],
        waiting: Vec::new(),
        blocked: Vec::new(),
        excluded: Vec::new(),
        overridden_templates: Vec::new(),
    }
}

fn ledger() -> Ident {
    Ident::new("dagmar").unwrap()
}

fn wire() -> Writer {
    let printer = Printer::Wire { epoch: EPOCH, author_path: PATH.to_owned() };
    Writer { recorder: Recorder::new(&ledger(), RunRef::Id(RUN.to_owned())), printer }
}

/// What stands for the batches of a segment.
const BATCHES: &str = "the batches";

/// What a run sends for a step, but for what it sends because of an answer.
fn sent(step: &Step) -> Vec<(StatementTag, String)> {
    let mut all = Vec::new();
    let own = |script: &dagmar::exec::Script| script.statements().map(|(m, s)| (m, s.to_owned())).collect::<Vec<_>>();
    for frame in wire().step(0, step) {
        match frame {
            Frame::Transactions { script, .. } => all.extend(own(&script)),
            Frame::Outside { segment, before, after } => {
                all.extend(own(&before));
                all.push((StatementTag::Statement(0, segment, 0), step.segments[segment].statements[0].sql.clone()));
                all.extend(own(&after));
            }
            Frame::Batches { segment, around: BatchFrames { before, enter, leave, after } } => {
                all.extend(own(&before));
                all.extend(own(&enter));
                all.push((StatementTag::Statement(0, segment, 0), BATCHES.to_owned()));
                all.extend(own(&leave));
                all.extend(own(&after));
            }
        }
    }
    all
}

/// Between these two texts.
fn within<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).unwrap_or_else(|| panic!("{from}\n{text}")) + from.len();
    let end = text[start..].find(to).unwrap_or_else(|| panic!("{to}\n{text}"));
    &text[start..start + end]
}

/// The difference between wire and psql: what only the session knows is in variables; a guard comes
/// first; batches are a loop, without a limit for all of them together; rows of dagmar's own are not shown.
#[test]
fn a_script_has_the_statements_of_a_run() {
    for (kind, step) in kinds() {
        let text = script(&plan_of(&step), &About::default()).unwrap();
        let first = format!("\n-- {}: {}\n", step.direction.word(), step.changeset);
        let found = within(&text, &first, "\nBEGIN;\nSET LOCAL search_path = pg_catalog, pg_temp;\nUPDATE dagmar.run");
        let (guard, found) = found.split_once("COMMIT;\n").unwrap();
        assert!(
            guard.starts_with("BEGIN;\nSET LOCAL search_path = pg_catalog, pg_temp;\nDO $guard$"),
            "{kind}: {guard}"
        );
        assert!(guard.contains("the changeset "), "{kind}: {guard}");
        let mut expected = String::new();
        let batched = step.segments.iter().any(|segment| segment.batch.is_some());
        for (mark, sql) in sent(&step) {
            let sql = sql
                .replace(&format!("'{RUN}'::uuid"), ":'dagmar_run'::uuid")
                .replace(&format!("'search_path', {}", quote_literal(PATH)), "'search_path', :'dagmar_path'")
                .replace(&format!("dagmar.fence({EPOCH})"), "dagmar.fence(:dagmar_epoch)");
            let answers = !mark.is_authors() && (sql.starts_with("SELECT") || matches!(mark, StatementTag::Took(_)));
            expected += &sql;
            expected += if answers { " \\gset dagmar_own_\n" } else { ";\n" };
        }
        let found = match batched && found.contains("DO $batches$") {
            true => {
                let body = within(found, "DO $batches$", "$batches$;");
                assert!(body.contains("    LOOP\nWITH dagmar_full") && body.contains("COMMIT;"), "{kind}: {body}");
                found.replace(&format!("DO $batches${body}$batches$"), BATCHES)
            }
            false => found.to_owned(),
        };
        same(kind, expected.trim_end(), found.trim_end());
    }
}

/// The differences between wire and dry run: neither BEGIN nor COMMIT, but what a COMMIT does to
/// constraints and settings; no fence; `rehearsed` statements; no checks of what was left out.
#[test]
fn a_dry_run_has_the_statements_of_a_run() {
    for (kind, step) in kinds() {
        let printer = Printer::DryRun { author_path: PATH.to_owned() };
        let writer = Writer { recorder: Recorder::new(&ledger(), RunRef::Transaction), printer };
        let dry = dry_run(&writer, &plan_of(&step), &["the ledger"], &[]);
        let is_whole = step.segments.iter().all(|s| s.batch.is_none() && s.statements[0].facts.outside.is_none());
        let mut expected = Vec::new();
        let mut end = 0;
        for (mark, sql) in sent(&step) {
            match mark {
                StatementTag::Begin(_) | StatementTag::Commit(_) => {}
                StatementTag::SegmentDone(..) | StatementTag::StepDone(_) => {
                    expected
                        .extend(["SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED"].map(str::to_owned));
                    // of `SET LOCAL`, which would be gone
                    end = expected.len();
                }
                StatementTag::Verify(..) if !is_whole => {}
                StatementTag::Fence(_) => {
                    let fence = sql.replace(&format!(", dagmar.fence({EPOCH})"), "");
                    assert_ne!(fence, sql, "{kind}");
                    let none =
                        "set_config('lock_timeout', '0', true), pg_catalog.set_config('statement_timeout', '0', true)";
                    expected.push(match fence.contains("'lock_timeout'") {
                        true => fence,
                        false => fence.replacen("set_config", &format!("{none}, pg_catalog.set_config"), 1),
                    });
                }
                StatementTag::Statement(_, no, i) => {
                    let segment = &step.segments[no];
                    match sql.as_str() {
                        BATCHES => expected.push(BATCHES.to_owned()),
                        _ if segment.progress == Progress::Started => {}
                        text if text.contains("CONCURRENTLY") => expected.push(text.replace("CONCURRENTLY ", "")),
                        text if text.starts_with("VACUUM") => {}
                        text => {
                            assert_eq!(text, segment.statements[i].sql, "{kind}");
                            expected.push(text.to_owned());
                        }
                    }
                }
                _ => expected.push(sql.replace(&format!("'{RUN}'::uuid"), "md5(txid_current()::text)::uuid")),
            }
        }
        assert!(end > 0, "{kind}");
        let mut found: Vec<String> = dry
            .script
            .statements()
            .filter(|(mark, _)| *mark != StatementTag::Session)
            .map(|(_, sql)| match sql.starts_with("WITH dagmar_full") {
                true => {
                    assert!(sql.ends_with("SELECT count(*) FROM dagmar_moved") && !sql.contains('$'), "{kind}: {sql}");
                    BATCHES.to_owned()
                }
                false => sql.to_owned(),
            })
            .collect();
        // what SET LOCAL has set is taken back where a transaction would have ended
        if step.changeset == "segments" && step.direction == Direction::Forward {
            assert!(found.iter().any(|sql| sql == "RESET ALL"), "{kind}: {found:#?}");
            let (resets, settings) = ("RESET ALL", "DO $$ BEGIN PERFORM set_config('client_connection_check_interval'");
            while let Some(from) = found.iter().position(|sql| sql == resets) {
                let to = found.iter().position(|sql| sql.starts_with(settings)).unwrap();
                assert_eq!(found[from - 1], "SET CONSTRAINTS ALL DEFERRED", "{kind}");
                found.drain(from..=to);
            }
        }
        same(kind, &expected.join("\n"), &found.join("\n"));
        let left = dry.left_out.iter().map(|left| left.instead.as_str()).collect::<Vec<_>>();
        assert_eq!(left.is_empty(), is_whole || kind == "resumed at its end", "{kind}: {left:?}");
    }
}

/// What each kind of step is to have, whoever prints it.
#[test]
fn each_kind_of_step_has_its_frames() {
    let has = |kind: &str, words: &[&str]| {
        let (_, step) = kinds().into_iter().find(|(name, _)| *name == kind).unwrap();
        let text: Vec<String> = sent(&step).into_iter().map(|(_, sql)| sql).collect();
        let mut rest = text.join("\n;\n");
        for word in words {
            let at = rest.find(word).unwrap_or_else(|| panic!("{kind}: {word}\n{}", text.join("\n;\n")));
            rest = rest.split_off(at + word.len());
        }
    };
    let fence = "dagmar.fence(4711)";
    let (intent, done) = ("'started', NULL)", "'done', clock_timestamp())");
    let locks = ["LOCK TABLE ONLY", "INSERT INTO app.b"];
    has(
        "a transaction",
        &[
            "BEGIN",
            "'lock_timeout'",
            fence,
            "the precondition does not hold: ",
            locks[0],
            locks[1],
            "the check does not hold: it is",
            "SET LOCAL search_path = pg_catalog, pg_temp",
            "INSERT INTO dagmar.changeset",
            "RETURNING duration_ms",
            "'applied'",
            "COMMIT",
        ],
    );
    has(
        "a session's settings",
        &[
            "SET ROLE somebody",
            "RESET SESSION AUTHORIZATION",
            "RESET ROLE",
            "INSERT INTO dagmar.changeset",
            "COMMIT",
            "BEGIN",
            "RESET ALL",
            "DISCARD TEMP",
            "SET TimeZone = 'UTC'",
            "COMMIT",
        ],
    );
    has("outside of a transaction", &[fence, "'partly'", intent, "COMMIT", "CONCURRENTLY", fence, done, "'applied'"]);
    has(
        "several segments, one in batches",
        &[
            "'begun'",
            done,
            intent,
            "COMMIT",
            "SET lock_timeout",
            "enable_seqscan = off",
            BATCHES,
            "RESET enable_seqscan",
            done,
            "SET LOCAL work_mem",
            "RESET ROLE",
            intent,
            "CONCURRENTLY",
            done,
            "it is",
            "'applied'",
        ],
    );
    has("resumed in its batches", &["SET lock_timeout", BATCHES]);
    has("resumed at its end", &[fence, "it is", "'applied'", "COMMIT"]);
    has("repeatable, changed", &["INSERT INTO dagmar.superseded", "CREATE OR REPLACE VIEW", "'applied'"]);
    has("a rollback", &["DELETE FROM app.b", "DELETE FROM dagmar.changeset", "'rolledBack'"]);
    has("a version restored", &["DELETE FROM dagmar.superseded", "'restored'"]);
    has("the attic purged", &["'purged'"]);
    has("the attic restored", &["'atticRestored'"]);
    let (_, resumed) = kinds().into_iter().find(|(name, _)| *name == "resumed in the middle").unwrap();
    assert!(
        !sent(&resumed)
            .iter()
            .any(|(mark, sql)| matches!(mark, StatementTag::Precondition(..)) || sql.contains("'begun'"))
    );
}

/// A rename comes before the first step, behind the fence, for all three.
#[test]
fn a_rename_is_part_of_the_start() {
    let (_, step) = kinds().remove(0);
    let plan = plan_of(&step);
    let printer = Printer::DryRun { author_path: PATH.to_owned() };
    let writer = Writer { recorder: Recorder::new(&ledger(), RunRef::Transaction), printer };
    let dry: Vec<String> =
        dry_run(&writer, &plan, &["the ledger"], &[]).script.statements().map(|(_, sql)| sql.to_owned()).collect();
    let psql = script(&plan, &About::default()).unwrap();
    let rename: Vec<String> = wire().recorder.rename(&plan.renamed[0]);
    let last = rename.last().unwrap();
    assert!(dry.contains(&last.replace(&format!("'{RUN}'"), "md5(txid_current()::text)")), "{dry:#?}");
    let in_psql = last.replace(&format!("'{RUN}'"), ":'dagmar_run'");
    assert!(psql.find(&in_psql).unwrap() < psql.find("-- forward: transaction").unwrap());
    assert!(psql.contains("dagmar rename") && psql.contains("dagmar.fence(:dagmar_epoch)"));
    // the settings of the session, before anything else
    for sql in ["SET statement_timeout = 0", "SET DateStyle = 'ISO, YMD'", "SET TimeZone = 'UTC'"] {
        assert!(psql.find(sql).unwrap() < psql.find("CREATE TABLE").unwrap(), "{sql}");
        assert!(dry.iter().position(|s| s == sql) < dry.iter().position(|s| s == "the ledger"), "{sql}");
    }
}
