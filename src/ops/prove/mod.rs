//! Proves changesets on a database that is thrown away: up, down and up again, with rows; on nothing but their
//! dependencies; twice.

mod accept;
mod choice;
mod copies;
mod data;
mod order;
mod prover;
mod retry;
pub(super) mod roles;
mod rows;
mod sequences;
mod stack;
mod transaction;
mod words;

pub use crate::ops::progress::{OnProgress, Progress};
use choice::Chosen;
pub use choice::Which;

use super::Target;
use super::run::install;
use crate::base::{Diagnostics, Failure, FailureKind, Operation, time};
use crate::history::EventKind;
use crate::ledger::schema;
use crate::pg::inspect::Scope;
use crate::pg::ledger::events::{self, NewEvent};
use crate::pg::shadow::Shadow;
use crate::pg::{Settings, Stop};
use crate::plan::Step;
use crate::proof::{ChangesetProof, Leg, ProofFinding};
use crate::report::ProofAnswer;
use crate::run::Observer;
use order::Orders;
use prover::{Prover, Round};
use rows::Rows;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

/// What a proof is asked for.
#[derive(Debug, Clone, Default)]
pub struct ProveOptions {
    /// Which changesets.
    pub which: Which,
    /// Only those of them that these match; empty: all.
    pub selectors: Vec<String>,
    /// The URL of the server to use; absent: a private one.
    pub shadow: Option<String>,
    /// Leaves out the rows.
    pub without_data: bool,
    /// Leaves out the order.
    pub without_order: bool,
    /// Whether warnings are failures.
    pub strict: bool,
    /// Whether the ledger of the environment notes what is proven.
    pub record: bool,
}

/// A proof with warnings.
pub struct Proof {
    /// The proof.
    pub answer: ProofAnswer,
    /// Warnings about the project's files: findings are accepted, and there are none.
    pub warnings: Diagnostics,
}

/// Proves changesets of the environment.
///
/// # Errors
/// Problems in the files, a shadow that cannot be used, or changesets before the chosen ones that cannot be applied. What
/// was not proven is in the answer.
pub async fn prove(
    target: &Target,
    options: &ProveOptions,
    observer: &mut dyn Observer,
    stop: &Arc<Stop>,
    progress: OnProgress<'_>,
) -> Result<Proof, Failure> {
    let began = Instant::now();
    let view = target.view()?;
    let steps = view.steps()?;
    let other = match options.which {
        Which::Pending => Some(target.connect(observer).await?),
        Which::All | Which::Since(_) => None,
    };
    let history = match &other {
        Some(db) => Some(db.history().await?),
        None => None,
    };
    let applied = other.as_ref().zip(history.as_ref());
    let Chosen { positions: chosen, versions } =
        choice::chosen(target, &view, &options.which, &options.selectors, applied).await?;
    let major = other.as_ref().and_then(|db| u32::try_from(db.server.major()).ok());
    let rows = if options.without_data { Rows::default() } else { Rows::of(view.fixtures()?) };
    target.secrets.values().for_each(crate::pg::remember);
    let mut shadow = start(target, options, major).await?;
    if let Some(db) = &other {
        shadow.resemble(&db.connection).await?;
        if shadow.major != db.server.major() {
            let (here, there) = (&shadow.version, db.server.major());
            let warning = match options.shadow {
                Some(_) => format!("the proof is on PostgreSQL {here}, and {} has version {there}", db.describe()),
                None => {
                    format!(
                        "the proof is on PostgreSQL {here}: version {there} of {} is not installed here",
                        db.describe()
                    )
                }
            };
            observer.on(&crate::run::Event::warning(warning));
        }
    }
    if let Some(db) = other {
        db.close().await?;
    }
    shadow.add_roles(&roles::unmade(&steps)).await?;
    let mut answer = ProofAnswer {
        environment: target.environment.clone(),
        server_version: shadow.version.clone(),
        proved_at: time::rfc3339_millis(shadow.now().await?),
        base: match &options.which {
            Which::Since(revision) => Some(revision.clone()),
            Which::Pending | Which::All => None,
        },
        strict: options.strict,
        ..ProofAnswer::default()
    };
    let mut prover = Prover {
        target,
        shadow,
        stop: Arc::clone(stop),
        main: String::new(),
        db: None,
        scope: Scope::outside_of(target.ledger()),
        base: crate::inspect::Snapshot::default(),
        rows,
        versions,
    };
    let graph = &view.graph;
    let proven = tokio::select! {
        proven = all(&mut prover, graph, &steps, &chosen, options, progress) => proven,
        // what runs on the shadow goes with it
        () = stop.requested() => Err(stopped()),
    };
    let Prover { shadow, db, rows, base, .. } = prover;
    drop(db);
    let proven = match proven {
        Err(failure) if failure.kind == FailureKind::Database && !shadow.answers().await => {
            Err(lost(&failure, options.shadow.is_some()))
        }
        proven => proven,
    };
    let closed = shadow.close().await;
    let mut proofs = proven?;
    closed?;
    let accepted = &target.workspace().loaded.config.prove.ignore;
    let mut warnings = Diagnostics::default();
    let is_whole = !options.without_data && !options.without_order;
    accept::accept(accepted, &mut proofs, is_whole).into_iter().for_each(|warning| warnings.push(warning));
    let warnings = view.sources.locate(warnings);
    answer.changesets = proofs;
    answer.not_compared = base.not_compared;
    answer.tables_without_rows = rows.skipped.into_iter().map(|(table, why)| (table.to_string(), why)).collect();
    answer.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    answer.sum();
    if options.record {
        answer.recorded = record(target, &answer, observer).await?;
    }
    Ok(Proof { answer, warnings })
}

/// The failure of a proof that was asked to stop.
fn stopped() -> Failure {
    Failure::new(FailureKind::Interrupted, "the proof was stopped by a signal")
        .note("nothing of it is kept; no environment was changed")
}

/// The failure of a proof whose server has ended; `is_given`: it was named by a URL.
fn lost(failure: &Failure, is_given: bool) -> Failure {
    let help = match is_given {
        true => "start the server, and run the command again: it removes what is left there",
        false => "run the command again; look whether memory and disk space are enough",
    };
    Failure::new(FailureKind::Database, format!("the shadow server ended during the proof: {}", failure.message))
        .note("nothing of the proof is kept; no environment was changed")
        .help(help)
}

/// Notes in the ledger of the environment what is proven; how many changesets.
async fn record(target: &Target, answer: &ProofAnswer, observer: &mut dyn Observer) -> Result<Option<usize>, Failure> {
    let proven: Vec<&ChangesetProof> = answer.changesets.iter().filter(|p| p.is_proven(answer.strict)).collect();
    if proven.is_empty() {
        return Ok(Some(0));
    }
    let db = target.connect(observer).await?;
    db.check_writable()?;
    let history = db.history().await?;
    target.check_bound(&history)?;
    if history.version != schema::VERSION {
        return Err(Failure::new(
            FailureKind::Refused,
            "the proof cannot be recorded: the database has no ledger of this version",
        )
        .help(Operation::LedgerInstall.at(&target.environment) + " makes it"));
    }
    let detail = json!({
        "environment": target.environment,
        "serverVersion": answer.server_version,
        "strict": answer.strict,
        "changesets": proven.iter().map(|proof| proof.id.as_str()).collect::<Vec<_>>(),
        "digests": proven.iter().map(|proof| proof.digest.as_str()).collect::<Vec<_>>(),
    });
    let event = NewEvent { kind: EventKind::Proven, detail };
    events::insert(&db.connection, target.ledger(), &target.actor, None, &[event]).await?;
    db.close().await?;
    Ok(Some(proven.len()))
}

/// The server on which databases are thrown away.
async fn start(target: &Target, options: &ProveOptions, major: Option<u32>) -> Result<Shadow, Failure> {
    let Some(url) = &options.shadow else {
        return Shadow::private(target.binaries().as_deref(), major, target.ledger_config()).await;
    };
    let settings = Settings::resolve(Some(url), target.process())?;
    let environments = &target.workspace().loaded.config.environment_list;
    let mut others = Vec::new();
    for (name, _) in environments {
        // one whose variables have no value here is not reached from here
        others.extend(target.of(name).and_then(|other| other.written_settings()).ok().flatten());
    }
    Shadow::of_url(settings, &others, target.ledger_config()).await
}

/// Proves the chosen changesets one after the other, then their order.
async fn all(
    prover: &mut Prover<'_>,
    graph: &crate::graph::Graph,
    steps: &[(usize, Step)],
    chosen: &BTreeSet<usize>,
    options: &ProveOptions,
    progress: OnProgress<'_>,
) -> Result<Vec<ChangesetProof>, Failure> {
    let roles = prover.shadow.roles().await?;
    prover.main = prover.shadow.create(None).await?;
    let mut db = prover.shadow.connect(&prover.main).await?;
    install(prover.target, &mut db).await?;
    drop(db);
    let empty = prover.main.clone();
    prover.main = prover.shadow.create(Some(&empty)).await?;
    prover.enter().await?;
    let mut proofs: BTreeMap<usize, ChangesetProof> = BTreeMap::new();
    let (mut broken, mut before, mut sound) = (BTreeSet::new(), Vec::new(), Vec::new());
    let mut is_fresh = false;
    let last = steps.iter().rposition(|(at, _)| chosen.contains(at)).map_or(0, |n| n + 1);
    let of = chosen.len();
    for (position, step) in &steps[..last] {
        if !chosen.contains(position) {
            before.push(step.clone());
            sound.push((*position, step.clone()));
            continue;
        }
        if !before.is_empty() {
            let plan = prover.plan(std::mem::take(&mut before));
            prover.apply(plan).await?;
            is_fresh = false;
        }
        if !is_fresh {
            prover.inspect().await?;
            is_fresh = true;
        }
        let mut proof = ChangesetProof::new(&step.changeset, step.file.as_deref(), &step.checksum, &step.digest);
        progress(Progress { what: "up, down, up again", changeset: &step.changeset, done: proofs.len(), of });
        let began = Instant::now();
        let lacks = graph.dependencies(*position).find(|edge| broken.contains(&edge.to));
        let round = match lacks {
            Some(edge) => {
                let id = steps.iter().find(|(at, _)| *at == edge.to).map_or("", |(_, step)| step.changeset.as_str());
                let what = format!("not tried: it depends on `{id}`, which cannot be applied");
                proof.find(ProofFinding::note(Leg::Up, what));
                Round::Broken
            }
            None => prover.prove(step, &mut proof).await?,
        };
        match round {
            Round::Broken => drop(broken.insert(*position)),
            Round::Done | Round::Elsewhere => sound.push((*position, step.clone())),
        }
        proof.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        proofs.insert(*position, proof);
    }
    if is_fresh {
        prover.check_base().await?;
    }
    if is_fresh && !options.without_order {
        let whole = prover.base.clone();
        // roles are those of the server: what is tried on its own must not find them
        prover.leave();
        prover.shadow.remove(&prover.main).await?;
        prover.shadow.keep_roles(&roles).await?;
        let orders = Orders { graph, steps: &sound, empty: &empty, whole: &whole };
        prover.order(&orders, &mut proofs, progress).await?;
    }
    Ok(steps.iter().filter_map(|(at, _)| proofs.remove(at)).collect())
}
