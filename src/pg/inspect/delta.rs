//! What the open transaction changed.

use super::changed::{Changed, dependents, find};
use super::classes::{By, Class, PRIVILEGES};
use super::message::{CONTEXT, Filter, Prepared, answers, prepared_answers, query};
use super::read::Reader;
use super::scope::Scope;
use super::snapshot::{classes_of, sequence_values, snapshot};
use crate::base::Failure;
use crate::inspect::{Address, Delta, NotCompared, Object, ObjectKey, ObjectKind, Snapshot};
use crate::pg::connect::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// Reads what the open transaction changed relative to `base`, which is the catalog before it. Takes as long as the
/// change is large: the server tells which catalogs were written, by which rows, and which objects are locked.
///
/// # Errors
/// If the server does not answer, or the role may not read something.
pub async fn delta(connection: &Connection, scope: &Scope, base: &Snapshot) -> Result<Delta, Failure> {
    let (changed, prepared) = find(connection, scope, base).await?;
    let not_compared = changed.not_compared.clone();
    if changed.everything {
        let now = snapshot(connection, scope).await?;
        let keys: BTreeSet<&ObjectKey> = base.objects().keys().chain(now.objects().keys()).collect();
        let keys = keys.into_iter().filter(|key| base.get(key) != now.get(key));
        return Ok(Delta { changed: keys.map(|key| (key.clone(), now.get(key).cloned())).collect(), not_compared });
    }
    let classes = classes_of(connection, scope);
    let mut turns = Turns { written: changed.written.clone(), prepared, ..Turns::default() };
    let mut next = changed;
    while !next.is_empty() {
        let now = turns.read(connection, scope, &classes, base, &next).await?;
        let sources = turns.take(base, now, &next);
        next = if sources.is_empty() { Changed::default() } else { dependents(connection, base, &sources).await? };
        next.units.retain(|unit| !turns.units.contains(unit));
        next.whole.extend(turns.outside.then_some(PRIVILEGES));
        next.whole.retain(|catalog| !turns.whole.contains(catalog));
    }
    turns.finish(connection, scope, &classes, base, not_compared).await
}

/// What was read turn by turn: first what changed, then what may contain names that changed.
#[derive(Debug, Default)]
struct Turns {
    units: BTreeSet<Address>,
    whole: BTreeSet<u32>,
    /// The keys that the base has for them.
    before: BTreeSet<ObjectKey>,
    now: Reader,
    /// The catalogs that the transaction wrote.
    written: BTreeSet<String>,
    /// Whether it changed what is out of scope: a table of the server, a function of an extension.
    outside: bool,
    prepared: Prepared,
}

impl Turns {
    /// Reads the objects of these units and classes, without comments and the like.
    async fn read(
        &mut self,
        connection: &Connection,
        scope: &Scope,
        classes: &[&'static Class],
        base: &Snapshot,
        changed: &Changed,
    ) -> Result<Reader, Failure> {
        let mut oids: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for unit in &changed.units {
            oids.entry(unit.class).or_default().push(unit.oid);
        }
        let filter = |class: &Class| match class.by {
            By::Unit(catalog) if !self.is_without(class, base, changed) => {
                oids.get(&catalog).map(|oids| (Filter::Given, oids.as_slice()))
            }
            By::Whole(catalog, _) => changed.whole.contains(&catalog).then_some((Filter::All, &[][..])),
            By::Unit(_) | By::Found => None,
        };
        let asked: Vec<_> = classes.iter().filter_map(|class| Some((*class, filter(class)?))).collect();
        let mut reader = Reader::default();
        ask(connection, scope, &asked, &mut self.prepared, &mut reader).await?;
        Ok(reader)
    }

    /// Whether it is known without asking that these units have nothing of this class: they had nothing, and nothing
    /// was written.
    fn is_without(&self, class: &Class, base: &Snapshot, changed: &Changed) -> bool {
        let Some(origin) = class.origin() else { return false };
        let of_class = |key: &ObjectKey| {
            origin.kinds.contains(&key.kind)
                || base
                    .get(key)
                    .is_some_and(|object| origin.properties.iter().any(|name| object.properties.contains_key(*name)))
        };
        // what is not in the base may come from outside of the scope, with all its parts
        let is_known = |unit: &Address| base.unit(*unit).next().is_some();
        !origin.catalogs.iter().any(|catalog| self.written.contains(*catalog))
            && changed.whole.is_empty()
            && changed.units.iter().all(|unit| is_known(unit) && !base.unit(*unit).any(of_class))
    }

    /// Takes over what was read. Gives that whose dependents may have other texts now.
    fn take(&mut self, base: &Snapshot, now: Reader, changed: &Changed) -> BTreeSet<Address> {
        let of_units = changed.units.iter().flat_map(|unit| base.unit(*unit));
        let of_classes = changed.whole.iter().flat_map(|catalog| base.units_of(*catalog));
        let before: BTreeSet<&ObjectKey> = of_units.chain(of_classes).collect();
        let mut sources = BTreeSet::new();
        for key in &before {
            let Some(old) = base.get(key) else { continue };
            let labels = |object: &Object| object.property("labels").clone();
            let new = now.objects.get(key);
            // it has another name, is out of scope, or is gone, and then nothing depends on it
            let renamed = new.is_none_or(|new| new.address != old.address);
            if renamed || new.is_some_and(|new| labels(new) != labels(old)) {
                sources.insert(Address { sub: 0, ..old.address });
            }
        }
        // the text of a view changes with the names of the columns of its tables, if it was there before
        let columns = now.objects.iter().filter(|(key, _)| key.kind == ObjectKind::Column && !before.contains(key));
        let columns = columns.map(|(_, object)| object.unit).filter(|unit| base.unit(*unit).next().is_some());
        sources.extend(columns);
        // what is out of scope may have another name as well: a function of an extension
        let known: BTreeSet<Address> = now.objects.values().map(|object| object.unit).collect();
        let unknown = changed.units.iter().filter(|unit| !known.contains(unit) && base.unit(**unit).next().is_none());
        let known = sources.len();
        sources.extend(unknown.copied());
        self.outside |= sources.len() > known;
        self.before.extend(before.into_iter().cloned());
        self.units.extend(&changed.units);
        self.whole.extend(&changed.whole);
        self.now.extend(now);
        sources
    }

    /// Reads comments and the like, and compares with the base.
    async fn finish(
        mut self,
        connection: &Connection,
        scope: &Scope,
        classes: &[&'static Class],
        base: &Snapshot,
        mut not_compared: Vec<NotCompared>,
    ) -> Result<Delta, Failure> {
        let oids: BTreeSet<u32> = self.now.objects.values().map(|object| object.address.oid).collect();
        let oids: Vec<u32> = oids.into_iter().collect();
        if !oids.is_empty() {
            let all = Changed { units: self.units.clone(), whole: self.whole.clone(), ..Changed::default() };
            let found = classes.iter().filter(|class| class.by == By::Found && !self.is_without(class, base, &all));
            let found: Vec<_> = found.map(|class| (*class, (Filter::Given, oids.as_slice()))).collect();
            ask(connection, scope, &found, &mut self.prepared, &mut self.now).await?;
            if scope.dependencies {
                let queries = [include_str!("sql/dependencies.sql").to_owned()];
                let found = answers(connection, CONTEXT, &queries).await?;
                found.iter().for_each(|answer| self.now.depend(answer, Some(base)));
            }
            not_compared.extend(sequence_values(connection, scope, &mut self.now).await?);
        }
        let now = self.now.objects;
        let mut changed = BTreeMap::new();
        for key in self.before.into_iter().filter(|key| !now.contains_key(key)) {
            changed.insert(key, None);
        }
        changed
            .extend(now.into_iter().filter(|(key, new)| base.get(key) != Some(new)).map(|(key, new)| (key, Some(new))));
        Ok(Delta { changed, not_compared })
    }
}

async fn ask(
    connection: &Connection,
    scope: &Scope,
    asked: &[(&Class, (Filter, &[u32]))],
    prepared: &mut Prepared,
    reader: &mut Reader,
) -> Result<(), Failure> {
    if asked.is_empty() {
        return Ok(());
    }
    let query = |(class, (filter, oids)): &(&Class, (Filter, &[u32]))| {
        prepared.execute(&query(connection, class.sql, *filter, scope), oids)
    };
    let queries: Vec<String> = asked.iter().map(query).collect();
    let answers = prepared_answers(connection, CONTEXT, &queries).await?;
    asked.iter().zip(&answers).try_for_each(|((class, _), answer)| reader.add(class, answer))
}
