//! The comparison itself.

use super::finding::{Finding, Kind, Reason};
use super::summary::{Summary, Use, same};
use super::{reach, settle};
use crate::base::{Ident, QualifiedName};
use crate::graph::Graph;
use crate::sql::{Lookup, Object};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Objects of extensions that SQL names without the extension: name, extension.
const OF_EXTENSIONS: [(&str, &str); 22] = [
    ("citext", "citext"),
    ("crypt", "pgcrypto"),
    ("cube", "cube"),
    ("decrypt", "pgcrypto"),
    ("digest", "pgcrypto"),
    ("encrypt", "pgcrypto"),
    ("gen_random_bytes", "pgcrypto"),
    ("gen_salt", "pgcrypto"),
    ("geography", "postgis"),
    ("geometry", "postgis"),
    ("hmac", "pgcrypto"),
    ("hstore", "hstore"),
    ("ltree", "ltree"),
    ("pgp_sym_decrypt", "pgcrypto"),
    ("pgp_sym_encrypt", "pgcrypto"),
    ("similarity", "pg_trgm"),
    ("unaccent", "unaccent"),
    ("uuid_generate_v1", "uuid-ossp"),
    ("uuid_generate_v1mc", "uuid-ossp"),
    ("uuid_generate_v4", "uuid-ossp"),
    ("uuid_generate_v5", "uuid-ossp"),
    ("vector", "vector"),
];

/// Columns that every table has (manual, chapter 5.6).
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The declared dependencies.
    pub graph: &'a Graph,
    /// The changesets, by their positions in the changelog.
    pub changesets: &'a [(usize, Summary)],
    /// Whether these are all that an environment gets, so that what none of them makes is made by nobody.
    pub complete: bool,
}

/// What was found, and why edges are there.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// The findings, by changeset.
    pub findings: Vec<Finding>,
    /// Edges that the SQL has, whether they are declared or not.
    pub reasons: Vec<Reason>,
}

type Places<'a> = Vec<(usize, &'a Use)>;

/// Two changesets and where they define an object.
type Conflict<'a> = ((usize, &'a Use), (usize, &'a Use), Object);

struct Check<'a> {
    scope: Scope<'a>,
    /// Objects with the changesets that make them, in an order of the graph.
    makers: ByKey<'a>,
    drops: ByKey<'a>,
    /// Tables with columns that are not in the text.
    open: HashSet<Object>,
    /// Tables of which a changeset makes a column.
    with_columns: HashSet<&'a QualifiedName>,
    /// Where each changeset stands in an order of the graph.
    ranks: Vec<usize>,
    after: HashSet<(usize, usize)>,
}

/// What an object is looked for by: functions of one name are looked for together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key<'a> {
    Functions(&'a QualifiedName),
    Object(&'a Object),
}

type ByKey<'a> = HashMap<Key<'a>, Places<'a>>;

fn key(object: &Object) -> Key<'_> {
    match object {
        Object::Function(name, _) => Key::Functions(name),
        other => Key::Object(other),
    }
}

/// The changesets known under an object's key.
fn of_key<'m, 'a, 'k>(known: &'m HashMap<Key<'k>, Places<'a>>, object: &'k Object) -> &'m [(usize, &'a Use)] {
    known.get(&key(object)).map(Vec::as_slice).unwrap_or_default()
}

/// Compares the declared dependencies with what the changesets do.
#[must_use]
pub fn check(scope: Scope<'_>) -> Compared {
    let mut check = Check {
        scope,
        makers: HashMap::new(),
        drops: HashMap::new(),
        open: HashSet::new(),
        with_columns: HashSet::new(),
        ranks: scope.graph.ranks(),
        after: HashSet::new(),
    };
    check.collect();
    let needs = check.needs();
    let conflicts = check.conflicts();
    let gone = check.gone();
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    pairs.extend(needs.iter().flat_map(|(user, _, makers)| makers.iter().map(|(maker, _)| (*user, *maker))));
    pairs.extend(conflicts.iter().map(|((a, _), (b, _), _)| (*a, *b)));
    pairs.extend(gone.iter().map(|(user, _, drop, _)| (*user, *drop)));
    let both = pairs.into_iter().flat_map(|(a, b)| [(a, b), (b, a)]);
    check.after = reach::after(scope.graph, both);
    let mut found = Compared::default();
    check.report_needs(&needs, &mut found);
    for ((a, first), (b, second), object) in conflicts {
        if !check.is_ordered(a, b) {
            found.findings.push(Finding {
                changeset: b,
                kind: Kind::BothDefine { other: a, at: first.spot.clone() },
                object,
                more: 0,
                spot: second.spot.clone(),
                certain: !(first.guarded && second.guarded),
            });
        }
    }
    for (user, used, drop, dropped) in gone {
        if !check.is_ordered(user, drop) {
            found.findings.push(Finding {
                changeset: user,
                kind: Kind::DroppedBy { other: drop, at: dropped.spot.clone() },
                object: used.object.clone(),
                more: 0,
                spot: used.spot.clone(),
                certain: !used.guarded && used.lookup != Lookup::Call,
            });
        }
    }
    found.findings = settle::merged(found.findings);
    settle::once_of_drops(&mut found.findings);
    settle::without_implied(scope.graph, &mut found.findings);
    found
}

impl<'a> Check<'a> {
    fn collect(&mut self) {
        for (position, summary) in self.scope.changesets {
            for made in &summary.makes {
                self.makers.entry(key(&made.object)).or_default().push((*position, made));
            }
            for dropped in &summary.drops {
                self.drops.entry(key(&dropped.object)).or_default().push((*position, dropped));
            }
            let columns = summary.makes.iter().filter_map(|made| match &made.object {
                Object::Column(table, _) => Some(table),
                _ => None,
            });
            self.with_columns.extend(columns);
            self.open.extend(summary.open.iter().cloned().map(Object::Relation));
        }
        for places in self.makers.values_mut().chain(self.drops.values_mut()) {
            places.sort_by_key(|(position, _)| self.ranks[*position]);
        }
    }

    fn is_ordered(&self, a: usize, b: usize) -> bool {
        self.after.contains(&(a, b)) || self.after.contains(&(b, a))
    }

    /// The changesets that make what a use can mean.
    fn makers_of(&self, user: usize, object: &Object) -> Places<'a> {
        let of = |object: &Object| {
            let fits = |(maker, made): &&(usize, &Use)| *maker != user && same(object, &made.object);
            of_key(&self.makers, object).iter().filter(fits).copied().collect::<Places<'a>>()
        };
        let found = of(object);
        if !found.is_empty() {
            return found;
        }
        match object {
            // each table has a type of its name
            Object::Type(name) => {
                let rows = of(&Object::Relation(name.clone()));
                if rows.is_empty() { self.of_extension(name.name.as_str(), user) } else { rows }
            }
            Object::Function(name, _) => self.of_extension(name.name.as_str(), user),
            _ => found,
        }
    }

    fn of_extension(&self, name: &str, user: usize) -> Places<'a> {
        let Ok(n) = OF_EXTENSIONS.binary_search_by_key(&name, |(name, _)| name) else { return Vec::new() };
        let Ok(extension) = Ident::new(OF_EXTENSIONS[n].1) else { return Vec::new() };
        of_key(&self.makers, &Object::Extension(extension))
            .iter()
            .filter(|(maker, _)| *maker != user)
            .copied()
            .collect()
    }

    /// Uses with the changesets that make what they use.
    fn needs(&self) -> Vec<(usize, &'a Use, Places<'a>)> {
        let mut all = Vec::new();
        for (position, summary) in self.scope.changesets {
            for used in &summary.uses {
                if used.loose && !self.is_closed(used) {
                    continue;
                }
                let objects = || std::iter::once(&used.object).chain(&used.or);
                let makers: Places<'a> = if used.loose {
                    objects().flat_map(|object| self.makers_of(*position, object)).collect()
                } else {
                    objects()
                        .map(|object| self.makers_of(*position, object))
                        .find(|m| !m.is_empty())
                        .unwrap_or_default()
                };
                all.push((*position, used, makers));
            }
        }
        all
    }

    /// Whether all columns of the tables that a column can be of are known.
    fn is_closed(&self, used: &Use) -> bool {
        std::iter::once(&used.object).chain(&used.or).all(|object| {
            let Object::Column(table, _) = object else { return false };
            let table = Object::Relation(table.clone());
            self.makers.contains_key(&key(&table)) && !self.open.contains(&table)
        })
    }

    fn report_needs(&self, needs: &[(usize, &'a Use, Places<'a>)], found: &mut Compared) {
        let is_told =
            self.scope.complete && self.scope.changesets.iter().all(|(_, summary)| summary.unknown.is_empty());
        for (user, used, makers) in needs {
            let finding = |kind: Kind, certain: bool, object: &Object| Finding {
                changeset: *user,
                kind,
                object: object.clone(),
                more: 0,
                spot: used.spot.clone(),
                certain: certain && !used.guarded && used.lookup != Lookup::Call,
            };
            let before: Places<'_> =
                makers.iter().filter(|(m, _)| self.after.contains(&(*user, *m))).copied().collect();
            if !before.is_empty() {
                let reason =
                    |(maker, made): (usize, &Use)| Reason { from: *user, to: maker, object: made.object.clone() };
                found.reasons.extend(before.into_iter().map(reason));
                continue;
            }
            let unordered = makers.iter().find(|(maker, _)| !self.after.contains(&(*maker, *user)));
            if let Some((maker, made)) = unordered {
                found.reasons.push(Reason { from: *user, to: *maker, object: made.object.clone() });
                let object = if used.or.is_empty() { &used.object } else { &made.object };
                let kind = Kind::Missing { maker: *maker, made: made.spot.clone() };
                found.findings.push(finding(kind, true, object));
            } else if let [(maker, made), ..] = makers.as_slice() {
                if self.is_first(made) && !used.guarded && used.lookup != Lookup::Call {
                    let kind = Kind::Reversed { maker: *maker, made: made.spot.clone() };
                    found.findings.push(finding(kind, true, &used.object));
                }
            } else if is_told && self.is_unmade(used) {
                found.findings.push(finding(Kind::Unmade, false, &used.object));
            }
        }
    }

    /// Whether nothing of this name can have been there before.
    fn is_first(&self, made: &Use) -> bool {
        !made.guarded
            && !made.again
            && !self.drops.contains_key(&key(&made.object))
            && matches!(made.object, Object::Relation(_) | Object::Column(..) | Object::Type(_))
    }

    /// Whether a name that no changeset makes should be made by one.
    fn is_unmade(&self, used: &Use) -> bool {
        if used.guarded || used.lookup == Lookup::Call || used.loose {
            return false;
        }
        let makes = |schema: &Option<Ident>| {
            schema.as_ref().is_some_and(|schema| self.makers.contains_key(&key(&Object::Schema(schema.clone()))))
        };
        match &used.object {
            Object::Relation(name) => {
                let own = name.schema.is_none() && name.name.as_str().starts_with("pg_");
                // sequences and indexes that come with columns and constraints
                let implied = ["_seq", "_pkey", "_key", "_idx"].iter().any(|end| name.name.as_str().ends_with(end));
                !own && !implied
            }
            Object::Column(table, column) => {
                let relation = Object::Relation(table.clone());
                let known = self.makers.get(&key(&relation));
                known.is_some_and(|known| known.iter().all(|(_, made)| !made.guarded && !made.renamed))
                    && !self.open.contains(&relation)
                    && self.with_columns.contains(table)
                    && !SYSTEM_COLUMNS.contains(&column.as_str())
            }
            Object::Type(name) | Object::Function(name, _) => makes(&name.schema),
            Object::Schema(schema) => !schema.as_str().starts_with("pg_") && schema.as_str() != "public",
            _ => false,
        }
    }

    /// Pairs that make or change the same definition, next to each other in an order of the graph.
    fn conflicts(&self) -> Vec<Conflict<'a>> {
        let mut pairs = Vec::new();
        for places in self.makers.values() {
            for group in alike(places) {
                let harmless = |made: &Use| {
                    matches!(made.object, Object::Grant { .. })
                        || made.guarded
                            && matches!(made.object, Object::Schema(_) | Object::Extension(_) | Object::Role(_))
                };
                let next = group.windows(2).filter(|pair| !(harmless(pair[0].1) && harmless(pair[1].1)));
                pairs.extend(next.map(|pair| (pair[0], pair[1], pair[1].1.object.clone())));
            }
        }
        let mut changes: ByKey<'a> = HashMap::new();
        for (position, summary) in self.scope.changesets {
            for used in summary.uses.iter().filter(|used| used.changes) {
                if matches!(used.object, Object::Column(..) | Object::Function(..) | Object::Policy(..)) {
                    changes.entry(key(&used.object)).or_default().push((*position, used));
                }
            }
        }
        for places in changes.values_mut() {
            places.sort_by_key(|(position, _)| self.ranks[*position]);
            for group in alike(places) {
                pairs.extend(group.windows(2).map(|pair| (pair[0], pair[1], pair[1].1.object.clone())));
            }
        }
        pairs
    }

    /// Uses of what another changeset drops.
    fn gone(&self) -> Vec<(usize, &'a Use, usize, &'a Use)> {
        let mut all = Vec::new();
        if self.drops.is_empty() {
            return all;
        }
        for (position, summary) in self.scope.changesets {
            let uses = summary.uses.iter().filter(|used| !used.loose);
            for used in uses.chain(&summary.makes) {
                let known = of_key(&self.drops, &used.object);
                let schema = used.object.name().and_then(|name| name.schema.clone()).map(Object::Schema);
                let of_schema = schema.as_ref().map(|schema| of_key(&self.drops, schema)).unwrap_or_default();
                let fits = |(_, dropped): &&(usize, &Use)| {
                    matches!(dropped.object, Object::Schema(_)) || same(&dropped.object, &used.object)
                };
                let places = known.iter().chain(of_schema).filter(|(other, _)| other != position).filter(fits);
                all.extend(places.map(|(other, dropped)| (*position, used, *other, *dropped)));
            }
        }
        all
    }
}

/// Those of one name that are the same object: functions with the same arguments.
fn alike<'a>(places: &Places<'a>) -> Vec<Places<'a>> {
    // most objects have one changeset that makes them
    if places.len() < 2 {
        return Vec::new();
    }
    let mut groups: BTreeMap<&Object, Places<'a>> = BTreeMap::new();
    for (position, made) in places {
        groups.entry(&made.object).or_default().push((*position, made));
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn objects_of_extensions_are_sorted() {
        assert!(super::OF_EXTENSIONS.is_sorted());
    }
}
