//! Each changeset on nothing but its dependencies, and those that no dependency orders in both orders.

use super::prover::Prover;
use super::sequences::Sequences;
use super::stack::Stack;
use super::words;
use crate::base::{Failure, QualifiedName, count};
use crate::effects::{Access, ObjectClass};
use crate::graph::Graph;
use crate::inspect::{Delta, Snapshot, compare, compare_deltas};
use crate::ops::progress::{OnProgress, Progress};
use crate::pg::inspect;
use crate::pg::run::rehearse::DryRunError;
use crate::plan::Step;
use crate::proof::{ChangesetProof, Leg, ProofFinding, Severity, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// Pairs that are tried one by one.
const MOST_PAIRS: usize = 300;

/// What the order leg is asked for.
pub(super) struct Orders<'a> {
    pub graph: &'a Graph,
    /// The steps, in order, with their positions; all of them can be applied.
    pub steps: &'a [(usize, Step)],
    /// The database without anything but the ledger.
    pub empty: &'a str,
    /// The catalog after all of them.
    pub whole: &'a Snapshot,
}

impl Orders<'_> {
    fn step(&self, at: usize) -> Option<&Step> {
        self.steps.iter().find(|(position, _)| *position == at).map(|(_, step)| step)
    }

    fn id(&self, at: usize) -> &str {
        self.step(at).map_or("", |step| step.changeset.as_str())
    }

    /// These and what they depend on, in order.
    fn closed(&self, of: &BTreeSet<usize>) -> Vec<usize> {
        let all = self.graph.with_ancestors(of.iter().copied());
        self.steps.iter().map(|(at, _)| *at).filter(|at| all.contains(at)).collect()
    }

    /// What a changeset depends on, in order, without itself.
    fn needs(&self, at: usize) -> Vec<usize> {
        let mut all = self.closed(&BTreeSet::from([at]));
        all.retain(|other| *other != at);
        all
    }

    /// An order in which as many unordered pairs as possible are the other way round.
    fn reversed(&self) -> Vec<usize> {
        let rank: BTreeMap<usize, usize> = self.steps.iter().enumerate().map(|(n, (at, _))| (*at, n)).collect();
        let open = |at: usize| self.graph.dependencies(at).filter(|edge| rank.contains_key(&edge.to)).count();
        let mut waiting: BTreeMap<usize, usize> = rank.keys().map(|at| (*at, open(*at))).collect();
        let mut ready: BTreeSet<(usize, usize)> =
            waiting.iter().filter(|(_, n)| **n == 0).map(|(at, _)| (rank[at], *at)).collect();
        let mut order = Vec::with_capacity(rank.len());
        while let Some((_, at)) = ready.pop_last() {
            order.push(at);
            for dependent in self.graph.dependents(at) {
                if let Some(n) = waiting.get_mut(&dependent) {
                    *n -= 1;
                    if *n == 0 {
                        ready.insert((rank[&dependent], dependent));
                    }
                }
            }
        }
        order
    }

    /// The unordered pairs that touch the same object, the earlier one first.
    fn related(&self, chosen: &BTreeSet<usize>) -> Vec<(usize, usize)> {
        // by object: who touches it, and whether he changes it
        let mut by_object: BTreeMap<(ObjectClass, &QualifiedName), Vec<(usize, bool)>> = BTreeMap::new();
        for (at, step) in self.steps {
            let mut changes: BTreeMap<(ObjectClass, &QualifiedName), bool> = BTreeMap::new();
            for touch in step.touches.iter().flatten() {
                *changes.entry((touch.object, &touch.name)).or_default() |=
                    matches!(touch.how, Access::Create | Access::Alter | Access::Drop);
            }
            changes.into_iter().for_each(|(object, is)| by_object.entry(object).or_default().push((*at, is)));
        }
        let mut pairs = BTreeSet::new();
        for list in by_object.values() {
            for (n, (a, changes)) in list.iter().enumerate() {
                let later = list[n + 1..].iter().filter(|(_, other)| *changes || *other);
                pairs.extend(later.filter(|(b, _)| chosen.contains(a) || chosen.contains(b)).map(|(b, _)| (*a, *b)));
            }
        }
        let above: BTreeMap<usize, BTreeSet<usize>> = pairs
            .iter()
            .map(|(_, b)| *b)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|b| (b, self.graph.with_ancestors([b])))
            .collect();
        pairs.into_iter().filter(|(a, b)| !above[b].contains(a)).collect()
    }
}

impl Prover<'_> {
    /// Tries the order of the chosen changesets.
    pub(super) async fn order(
        &mut self,
        orders: &Orders<'_>,
        proofs: &mut BTreeMap<usize, ChangesetProof>,
        progress: OnProgress<'_>,
    ) -> Result<(), Failure> {
        let name = self.shadow.create(Some(orders.empty)).await?;
        let db = self.shadow.connect(&name).await?;
        let plan = self.plan(Vec::new());
        let steps = orders.steps.iter().map(|(at, step)| (*at, step)).collect();
        let mut stack = Stack::new(&db, &plan, self.target.ledger(), &self.target.secrets, steps).await?;
        let failed = failures(&mut stack, orders, proofs, progress).await?;
        let mut wrong: BTreeSet<usize> = BTreeSet::new();
        for (n, (at, step)) in orders.steps.iter().enumerate() {
            let Some(proof) = proofs.get_mut(at) else { continue };
            let needs = orders.needs(*at);
            if let Some(broken) = needs.iter().find(|needed| wrong.contains(needed)) {
                let what = format!("its dependency `{}` lacks one itself", orders.id(*broken));
                proof.find(ProofFinding::note(Leg::Order, what));
                continue;
            }
            if !failed.contains(at) {
                proof.set(Leg::Order, Verdict::Ok);
                continue;
            }
            // what one transaction cannot do, several can
            let mut list: Vec<Step> = needs.iter().filter_map(|at| orders.step(*at)).cloned().collect();
            list.push(step.clone());
            let Some(error) = self.alone(orders.empty, list).await? else {
                proof.set(Leg::Order, Verdict::Ok);
                continue;
            };
            wrong.insert(*at);
            let mut finding = words::thrown(Leg::Order, &error);
            if error.changeset != step.changeset {
                finding.message = format!("its dependency `{}` fails: {}", error.changeset, error.message);
            } else if let Some(lacks) = self.lacks(&mut stack, orders, n, *at, &needs).await? {
                let (id, lacks) = (&step.changeset, orders.id(lacks));
                finding.message = format!("it needs `{lacks}`, which it does not depend on: {}", error.message);
                finding.mend = vec![format!("add `- {lacks}` to `dependsOn` of `{id}`")];
            }
            proof.fail(finding);
        }
        stack.close().await?;
        drop(db);
        self.shadow.remove(&name).await?;
        if wrong.is_empty() {
            self.pairs(orders, proofs).await?;
        }
        Ok(())
    }

    /// Runs steps on a database of their own, as a run does; the failure.
    async fn alone(&mut self, empty: &str, steps: Vec<Step>) -> Result<Option<DryRunError>, Failure> {
        let roles = self.shadow.roles().await?;
        let name = self.shadow.create(Some(empty)).await?;
        let mut db = self.shadow.connect(&name).await?;
        let failed = self.run(&mut db, self.plan(steps)).await?;
        drop(db);
        self.shadow.remove(&name).await?;
        self.shadow.keep_roles(&roles).await?;
        Ok(failed)
    }

    /// The changeset without which another one fails: of those before it the first with which it does not.
    async fn lacks(
        &self,
        stack: &mut Stack<'_>,
        orders: &Orders<'_>,
        n: usize,
        at: usize,
        needs: &[usize],
    ) -> Result<Option<usize>, Failure> {
        let others: Vec<usize> =
            orders.steps[..n].iter().map(|(other, _)| *other).filter(|other| !needs.contains(other)).collect();
        let (mut fails, mut works) = (0, others.len());
        if works == 0 {
            return Ok(None);
        }
        // with all of them it was applied
        while works - fails > 1 {
            let middle = fails.midpoint(works);
            let with: BTreeSet<usize> = others[..middle].iter().chain(needs).copied().collect();
            let ran = match stack.reach(&orders.closed(&with)).await? {
                Ok(()) => stack.push(at).await?.is_ok(),
                Err(_) => false,
            };
            *(if ran { &mut works } else { &mut fails }) = middle;
        }
        Ok(Some(others[works - 1]))
    }

    /// Tries unordered pairs in the other order: all together first, and those that may make a difference one by one.
    async fn pairs(
        &mut self,
        orders: &Orders<'_>,
        proofs: &mut BTreeMap<usize, ChangesetProof>,
    ) -> Result<(), Failure> {
        let chosen: BTreeSet<usize> = proofs.keys().copied().collect();
        let mut pairs = orders.related(&chosen);
        if pairs.is_empty() {
            return Ok(());
        }
        let reversed = orders.reversed();
        let place: BTreeMap<usize, usize> = reversed.iter().enumerate().map(|(n, at)| (*at, n)).collect();
        let roles = self.shadow.roles().await?;
        let name = self.shadow.create(Some(orders.empty)).await?;
        let mut db = self.shadow.connect(&name).await?;
        let list = reversed.iter().filter_map(|at| orders.step(*at)).cloned().collect();
        let failed = self.run(&mut db, self.plan(list)).await?;
        let differs = match &failed {
            Some(_) => true,
            None => {
                let other = inspect::snapshot(&db.connection, &self.scope).await?;
                compare(orders.whole, &other).iter().any(|difference| !difference.is_move())
            }
        };
        drop(db);
        self.shadow.remove(&name).await?;
        self.shadow.keep_roles(&roles).await?;
        if !differs {
            // all that it turned round agree
            pairs.retain(|(a, b)| place[a] < place[b]);
        }
        if pairs.len() > MOST_PAIRS {
            let left = count(pairs.len() - MOST_PAIRS, "pair");
            let what = format!("{left} of changesets that are not ordered were not tried in both orders");
            if let Some(proof) = proofs.values_mut().next() {
                proof.find(ProofFinding::note(Leg::Order, what));
            }
            pairs.truncate(MOST_PAIRS);
        }
        self.pair_by_pair(orders, &pairs, proofs).await
    }

    async fn pair_by_pair(
        &mut self,
        orders: &Orders<'_>,
        pairs: &[(usize, usize)],
        proofs: &mut BTreeMap<usize, ChangesetProof>,
    ) -> Result<(), Failure> {
        let name = self.shadow.create(Some(orders.empty)).await?;
        let db = self.shadow.connect(&name).await?;
        let base = inspect::snapshot(&db.connection, &self.scope).await?;
        let plan = self.plan(Vec::new());
        let steps = orders.steps.iter().map(|(at, step)| (*at, step)).collect();
        let mut stack = Stack::new(&db, &plan, self.target.ledger(), &self.target.secrets, steps).await?;
        for (a, b) in pairs {
            let mut needs = orders.closed(&BTreeSet::from([*a, *b]));
            needs.retain(|at| at != a && at != b);
            if stack.reach(&needs).await?.is_err() {
                continue;
            }
            let height = stack.height();
            let mut after: Vec<Result<Delta, (usize, Box<DryRunError>)>> = Vec::new();
            for pair in [[*a, *b], [*b, *a]] {
                let mut ended = Ok(());
                for at in pair {
                    if let Err(error) = stack.push(at).await? {
                        ended = Err((at, error));
                        break;
                    }
                }
                after.push(match ended {
                    Ok(()) => Ok(inspect::delta(&db.connection, &self.scope, &base).await?),
                    Err(failed) => Err(failed),
                });
                stack.back_to(height).await?;
            }
            let found = match (&after[0], &after[1]) {
                (Ok(there), Ok(back)) => self.disagree(orders, &base, (*a, *b), there, back),
                (Ok(_), Err((at, error))) => {
                    let what = format!(
                        "`{}` cannot be applied after `{}`, and nothing orders them",
                        orders.id(*at),
                        orders.id(if at == a { *b } else { *a })
                    );
                    vec![words::failed(Leg::Order, Severity::Error, &what, error)]
                }
                _ => Vec::new(),
            };
            let mend = format!("add `- {}` to `dependsOn` of `{}`", orders.id(*a), orders.id(*b));
            for mut finding in found {
                finding.mend = vec![mend.clone()];
                // once: at the later one, if it is among the proven
                let at = if proofs.contains_key(b) { b } else { a };
                if let Some(proof) = proofs.get_mut(at) {
                    proof.find(finding);
                }
            }
        }
        stack.close().await?;
        drop(db);
        self.shadow.remove(&name).await
    }

    fn disagree(
        &self,
        orders: &Orders<'_>,
        base: &Snapshot,
        (a, b): (usize, usize),
        there: &Delta,
        back: &Delta,
    ) -> Vec<ProofFinding> {
        let differences = compare_deltas(base, there, back);
        let real = differences.iter().filter(|difference| !difference.is_move());
        real.map(|difference| {
            let mut finding = words::difference(Leg::Order, difference);
            finding.message = format!("nothing orders `{}` and `{}`; {}", orders.id(a), orders.id(b), finding.message);
            finding
        })
        .collect()
    }
}

/// The chosen changesets that fail on nothing but their dependencies, in one transaction.
async fn failures(
    stack: &mut Stack<'_>,
    orders: &Orders<'_>,
    proofs: &BTreeMap<usize, ChangesetProof>,
    progress: OnProgress<'_>,
) -> Result<BTreeSet<usize>, Failure> {
    let chosen = orders.steps.iter().enumerate().filter(|(_, (at, _))| proofs.contains_key(at));
    let sequences = chosen.filter_map(|(n, (at, _))| {
        let sequence = orders.closed(&BTreeSet::from([*at]));
        // after all others it was applied the first time
        (sequence.len() <= n).then_some(sequence)
    });
    let turns = Sequences::of(sequences).turns();
    let of = turns.iter().filter(|turn| turn.is_end).count();
    let (mut done, mut failed, mut without) = (0, BTreeSet::new(), None);
    for turn in turns {
        if turn.is_end {
            progress(Progress { what: "order", changeset: orders.id(turn.at), done, of });
            done += 1;
        }
        // what comes on one that failed
        if without.is_none_or(|height| turn.height <= height) {
            if turn.height < stack.height() {
                stack.back_to(turn.height).await?;
            }
            without = stack.push(turn.at).await?.err().map(|_| turn.height);
        }
        if without.is_some() && turn.is_end {
            failed.insert(turn.at);
        }
    }
    Ok(failed)
}
