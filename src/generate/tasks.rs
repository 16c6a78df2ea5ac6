//! What has to be done so that a database with one catalog gets the other one, object by object.

use super::expand::Expansions;
use super::identity;
use super::rewrite::is_type;
use crate::inspect::{
    Change, Difference, Object, ObjectKey, ObjectKind as Kind, Snapshot, compare, create_object, ddl, drop_object,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One thing to do. The order of the variants is the order in which they are written where nothing else asks for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    /// Drops an object with its parts.
    Drop(ObjectKey),
    /// Takes the default of a column away, which uses something that is made again.
    DropDefault(ObjectKey),
    /// Makes a column of the new type beside the old one, before it takes the place.
    Expand(ObjectKey),
    /// Changes properties of an object.
    Alter(ObjectKey),
    /// Makes an object without its parts.
    Create(ObjectKey),
    /// Gives a sequence to the column that owns it.
    Own(ObjectKey),
    /// Gives a column its default.
    SetDefault(ObjectKey),
    /// Removes the column of the old type.
    Contract(ObjectKey),
}

impl Task {
    pub fn object(&self) -> &ObjectKey {
        match self {
            Task::Drop(key)
            | Task::DropDefault(key)
            | Task::Expand(key)
            | Task::Alter(key)
            | Task::Create(key)
            | Task::Own(key)
            | Task::SetDefault(key)
            | Task::Contract(key) => key,
        }
    }
}

/// A difference for which there is no SQL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[schemars(rename = "ObjectLeftOut")]
pub struct LeftOut {
    /// The object.
    pub object: ObjectKey,
    /// The property that differs; null: the whole object.
    pub property: Option<String>,
    /// Why there is no SQL for it.
    pub why: String,
}

impl LeftOut {
    /// Whether it is no more than another order of columns.
    #[must_use]
    pub fn is_move(&self) -> bool {
        self.property.as_deref() == Some("position")
    }

    /// Whether it is this difference of the object.
    #[must_use]
    pub fn is_about(&self, difference: &Difference) -> bool {
        match (&self.property, &difference.change) {
            (Some(property), Change::Changed { property: other, .. }) => property == other,
            (Some(property), Change::Moved { .. }) => property == "position",
            (Some(_), Change::Missing | Change::Extra) => false,
            (None, _) => true,
        }
    }
}

/// All tasks between two catalogs.
#[derive(Debug)]
pub(super) struct Tasks<'a> {
    pub from: &'a Snapshot,
    pub to: &'a Snapshot,
    pub all: BTreeSet<Task>,
    /// The properties that change.
    pub changed: BTreeMap<ObjectKey, Vec<Difference>>,
    /// Columns that get their default on its own.
    pub later: BTreeSet<ObjectKey>,
    /// Functions whose bodies use what comes after them.
    pub unchecked: BTreeSet<ObjectKey>,
    pub left_out: BTreeSet<LeftOut>,
    /// Single statements, although they block others.
    pub blocking: bool,
    /// Columns that get a new type beside the old one.
    pub expansions: Expansions,
    /// What is made again around a column that gets its new type beside the old one, and the column.
    pub around: BTreeMap<ObjectKey, ObjectKey>,
    /// Partitions that are made with all their parts.
    pub whole: BTreeSet<ObjectKey>,
    /// Indexes and constraints whose new one is there before the old one goes.
    pub replaced: BTreeSet<ObjectKey>,
    dependents: BTreeMap<&'a ObjectKey, Vec<&'a ObjectKey>>,
}

impl<'a> Tasks<'a> {
    /// Finds out what has to be done. `later`: columns that get their default on its own. `blocking`: single statements.
    pub fn between(from: &'a Snapshot, to: &'a Snapshot, later: BTreeSet<ObjectKey>, blocking: bool) -> Self {
        let mut dependents: BTreeMap<&ObjectKey, Vec<&ObjectKey>> = BTreeMap::new();
        for (key, object) in from.objects() {
            object.depends.iter().for_each(|other| dependents.entry(other).or_default().push(key));
        }
        let mut tasks = Self {
            from,
            to,
            all: BTreeSet::new(),
            changed: BTreeMap::new(),
            later,
            unchecked: BTreeSet::new(),
            left_out: BTreeSet::new(),
            blocking,
            expansions: Expansions::default(),
            around: BTreeMap::new(),
            whole: BTreeSet::new(),
            replaced: BTreeSet::new(),
            dependents,
        };
        let mut changed: BTreeMap<ObjectKey, Vec<Difference>> = BTreeMap::new();
        let (properties, rest): (Vec<_>, Vec<_>) =
            compare(to, from).into_iter().partition(|one| matches!(one.change, Change::Changed { .. }));
        for difference in properties {
            changed.entry(difference.object.clone()).or_default().push(difference);
        }
        let of_identity = identity::sequences(from, to, &changed);
        changed.retain(|key, _| !of_identity.contains(key));
        let odd = tasks.other_kinds(&changed);
        changed.retain(|key, _| !odd.contains(key));
        for difference in rest {
            let key = difference.object.clone();
            match &difference.change {
                _ if of_identity.contains(&key) => {}
                Change::Missing | Change::Extra if comes_along(from, to, &key) => {}
                Change::Missing | Change::Extra
                    if odd.iter().any(|of| is_part_of(from, &key, of) || is_part_of(to, &key, of)) =>
                {
                    if !odd.iter().any(|of| tasks.is_dropped(of)) {
                        tasks.leave_out(&key, None, OTHER_KIND);
                    }
                }
                Change::Missing if tasks.create_partition(&key) => {}
                Change::Missing => tasks.create(&key),
                Change::Extra if tasks.goes_with_table(&key) => {}
                Change::Extra => tasks.drop(&key),
                Change::Changed { .. } => {}
                Change::Moved { .. } => {
                    tasks.leave_out(&key, Some("position"), "only a new table has columns in another order");
                }
            }
        }
        if !blocking {
            tasks.expansions = Expansions::of(from, to, &changed);
        }
        for (key, differences) in changed {
            tasks.change(key, differences);
        }
        // what is made with a column is not made on its own
        let expansions = &tasks.expansions.all;
        tasks.all.retain(|task| !expansions.values().any(|expansion| expansion.has(task.object())));
        // what is made again as a whole has no changes
        let again = |task: &Task| matches!(task, Task::Alter(key) if tasks.is_dropped(key));
        let again: Vec<Task> = tasks.all.iter().filter(|task| again(task)).cloned().collect();
        tasks.all.retain(|task| !again.contains(task));
        if !blocking {
            tasks.replace();
        }
        tasks.around = tasks.around_expansions();
        tasks.free_the_attic();
        let later: Vec<ObjectKey> = tasks.later.iter().cloned().collect();
        for column in later {
            let parent = to.get(&column).and_then(|column| column.parent.clone());
            let is_made = parent.is_some_and(|table| tasks.all.contains(&Task::Create(table)));
            if is_made || tasks.all.contains(&Task::Create(column.clone())) {
                tasks.all.insert(Task::SetDefault(column));
            }
        }
        tasks
    }

    pub(super) fn leave_out(&mut self, object: &ObjectKey, property: Option<&str>, why: impl Into<String>) {
        let property = property.map(str::to_owned);
        self.left_out.insert(LeftOut { object: object.clone(), property, why: why.into() });
    }

    /// Makes an object with its parts.
    fn create(&mut self, key: &ObjectKey) {
        let Some(object) = self.to.get(key) else { return };
        if create_object(self.to, key, &self.later).is_none() {
            return self.leave_out(key, None, "the SQL that makes it does not follow from the catalog");
        }
        self.all.insert(Task::Create(key.clone()));
        if key.kind == Kind::Sequence && object.text("ownedBy").is_some() {
            self.all.insert(Task::Own(key.clone()));
        }
        let parts = self.to.children(key).filter(|part| !matches!(part.kind, Kind::Column | Kind::Attribute));
        // that of an identity column comes with it
        for part in parts.filter(|part| part.kind != Kind::Sequence).cloned().collect::<Vec<_>>() {
            self.create(&part);
        }
    }

    fn drop(&mut self, key: &ObjectKey) {
        let Some(object) = self.from.get(key) else { return };
        if let Some(column) = object.text("ownedBy").filter(|_| key.kind == Kind::Sequence) {
            // it goes with the column that owns it
            let column = ObjectKey::new(Kind::Column, column);
            let table = self.from.get(&column).and_then(|column| column.parent.as_ref());
            if self.to.get(&column).is_none() || table.is_some_and(|table| self.to.get(table).is_none()) {
                return;
            }
        }
        if key.kind == Kind::Sequence && object.parent.is_some() {
            return;
        }
        if drop_object(self.from, key).is_none() && key.kind != Kind::DefaultPrivileges {
            return self.leave_out(key, None, "there is no statement that drops it");
        }
        self.all.insert(Task::Drop(key.clone()));
    }

    fn change(&mut self, key: ObjectKey, mut differences: Vec<Difference>) {
        let is_inherited = self.to.get(&key).is_some_and(|column| column.properties.contains_key("inheritance"));
        if key.kind == Kind::Column && is_inherited {
            // it gets the type of its parent's
            differences.retain(|difference| !is_type(difference));
        }
        let view = self.to.get(&key).and_then(|object| object.parent.clone());
        let view = view.filter(|parent| matches!(parent.kind, Kind::View | Kind::MaterializedView));
        if let (Kind::Column, Some(view)) = (key.kind, view)
            && differences.iter().any(is_type)
        {
            return self.make_again(&view);
        }
        let again = drop_object(self.from, &key);
        let is_again = |difference: &Difference| match ddl(self.to, self.from, difference) {
            Some(sql) => again.is_some() && sql.first() == again.as_ref(),
            None => self.can_be_made_again(&key),
        };
        if differences.iter().any(is_again) {
            return self.make_again(&key);
        }
        let (known, unknown): (Vec<_>, Vec<_>) =
            differences.into_iter().partition(|difference| ddl(self.to, self.from, difference).is_some());
        for difference in unknown {
            let Change::Changed { property, .. } = &difference.change else { continue };
            self.leave_out(&key, Some(property), "no statement changes it without making the object again");
        }
        if key.kind == Kind::Column && known.iter().any(is_type) {
            let expanded = self.expansions.all.contains_key(&key);
            for dependent in self.dependents_of(&key) {
                // PostgreSQL makes them again itself
                let itself = match dependent.kind {
                    Kind::Index | Kind::Constraint => true,
                    Kind::Statistics => !expanded,
                    _ => false,
                };
                if !itself {
                    self.make_dependent_again(&dependent, &key);
                }
            }
            if expanded {
                self.all.extend([Task::Expand(key.clone()), Task::Contract(key.clone())]);
            }
        }
        if !known.is_empty() {
            self.all.insert(Task::Alter(key.clone()));
            self.changed.insert(key, known);
        }
    }

    /// Whether an object holds nothing that is lost when it is dropped.
    fn can_be_made_again(&self, key: &ObjectKey) -> bool {
        let is_generated = |catalog: &Snapshot| catalog.get(key).is_some_and(|o| o.text("generated").is_some());
        match key.kind {
            Kind::Function
            | Kind::Procedure
            | Kind::Aggregate
            | Kind::Operator
            | Kind::OperatorClass
            | Kind::OperatorFamily
            | Kind::Cast
            | Kind::Transform
            | Kind::Conversion
            | Kind::TextSearchParser
            | Kind::TextSearchTemplate
            | Kind::TextSearchDictionary
            | Kind::TextSearchConfiguration
            | Kind::View
            | Kind::MaterializedView
            | Kind::Constraint
            | Kind::Index
            | Kind::Statistics
            | Kind::Rule
            | Kind::Trigger
            | Kind::Policy
            | Kind::EventTrigger
            | Kind::Publication => {
                drop_object(self.from, key).is_some() && create_object(self.to, key, &self.later).is_some()
            }
            // its values follow from others
            Kind::Column => is_generated(self.from) && is_generated(self.to),
            _ => false,
        }
    }

    /// Drops an object and makes it again, with what depends on it.
    pub(super) fn make_again(&mut self, key: &ObjectKey) {
        if self.is_dropped(key) || self.to.get(key).is_none() {
            return;
        }
        self.all.insert(Task::Drop(key.clone()));
        self.create(key);
        for dependent in self.dependents_of(key) {
            self.make_dependent_again(&dependent, key);
        }
    }

    fn make_dependent_again(&mut self, key: &ObjectKey, of: &ObjectKey) {
        if self.is_dropped(key) || self.is_part(key, of) {
            return;
        }
        let Some(object) = self.from.get(key) else { return };
        let parent = object.parent.clone();
        if key.kind == Kind::Column && object.text("generated").is_none() && object.text("default").is_some() {
            self.all.insert(Task::DropDefault(key.clone()));
            if self.to.get(key).is_some_and(|column| column.text("default").is_some()) {
                self.all.insert(Task::SetDefault(key.clone()));
            }
        } else if self.can_be_made_again(key) {
            self.make_again(key);
        } else if let Some(view) = parent.filter(|of| matches!(of.kind, Kind::View | Kind::MaterializedView)) {
            self.make_again(&view);
        } else if key.kind != Kind::Sequence {
            self.leave_out(key, None, format!("it depends on {of}, which has to be made again"));
        }
    }

    /// What depends on an object or its parts.
    pub(super) fn dependents_of(&self, key: &ObjectKey) -> Vec<ObjectKey> {
        let of = |key: &ObjectKey| self.dependents.get(key).into_iter().flatten().map(|key| (*key).clone());
        of(key).chain(self.from.children(key).flat_map(of)).collect()
    }

    pub(super) fn is_part(&self, key: &ObjectKey, of: &ObjectKey) -> bool {
        is_part_of(self.from, key, of)
    }

    fn is_dropped(&self, key: &ObjectKey) -> bool {
        ancestors(self.from, key).any(|ancestor| self.all.contains(&Task::Drop(ancestor.clone())))
    }
}

/// Why a type of another kind is left out.
pub(super) const OTHER_KIND: &str =
    "a type becomes one of another kind only by being made again, and something uses it";

/// Whether an object is a part of another one, or it itself.
pub(super) fn is_part_of(catalog: &Snapshot, key: &ObjectKey, of: &ObjectKey) -> bool {
    ancestors(catalog, key).any(|ancestor| ancestor == of)
}

/// Whether a part comes and goes with something else: a column with its view, what is inherited with the parent's.
fn comes_along(from: &Snapshot, to: &Snapshot, key: &ObjectKey) -> bool {
    let Some(object) = to.get(key).or_else(|| from.get(key)) else { return false };
    let of_view = object.parent.as_ref().is_some_and(|of| matches!(of.kind, Kind::View | Kind::MaterializedView));
    let is_inherited = object.text("inheritance") == Some("inherited") || object.properties.contains_key("partitionOf");
    match key.kind {
        Kind::Column => of_view || is_inherited,
        Kind::Constraint => is_inherited,
        // a new one is made on each partition, as pg_dump does it
        Kind::Index => is_inherited && to.get(key).is_none(),
        _ => false,
    }
}

/// An object, what it is a part of, and so on.
pub(super) fn ancestors<'a>(catalog: &'a Snapshot, key: &'a ObjectKey) -> impl Iterator<Item = &'a ObjectKey> {
    std::iter::successors(Some(key), move |key| catalog.get(key).and_then(|object: &Object| object.parent.as_ref()))
}
