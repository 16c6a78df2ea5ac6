//! Values of domains that stand inside of other types, where a row's constraints do not name them.

use super::factors::{Checked, Probe, Rows, groups};
use super::hints::Shows;
use super::known::Known;
use crate::rows::table::{Column, Oid, Table, TypeKind, Types};
use std::collections::BTreeSet;

/// Values of a domain that are kept.
const SAMPLES: usize = 20;

/// The domains with checks that arrays, ranges and composite types are made of.
#[must_use]
pub fn inner_domains(types: &Types) -> Vec<Oid> {
    let parts: BTreeSet<Oid> = types
        .values()
        .filter(|kind| kind.kind != TypeKind::Domain)
        .flat_map(|kind| kind.of.into_iter().chain(kind.attributes.iter().map(|(oid, _)| *oid)))
        .collect();
    parts.into_iter().filter(|oid| types.get(oid).is_some_and(|kind| is_checked(kind.oid, types))).collect()
}

fn is_checked(mut oid: Oid, types: &Types) -> bool {
    while let Some(kind) = types.get(&oid).filter(|kind| kind.kind == TypeKind::Domain) {
        if !kind.checks.is_empty() {
            return true;
        }
        let Some(of) = kind.of else { return false };
        oid = of;
    }
    false
}

/// A question for values of a domain.
#[derive(Debug)]
pub struct DomainProbe {
    domain: Oid,
    group: Checked,
    /// The question.
    pub probe: Probe,
}

impl DomainProbe {
    /// For this domain; `None` if it has no checks.
    #[must_use]
    pub fn new(domain: Oid, types: &Types) -> Option<Self> {
        let column = Column {
            number: 1,
            name: "value".to_owned(),
            kind: domain,
            written: String::new(),
            not_null: true,
            default: None,
            generated: false,
            counted: false,
        };
        let table = Table { columns: vec![column], ..Table::default() };
        let group = groups(&table, types, &Known::default(), 0).0.pop()?;
        let probe = group.probe(0, &table, types);
        Some(Self { domain, group, probe })
    }

    /// Keeps the values that the server has found.
    pub fn answer(mut self, rows: &Rows, types: &mut Types) {
        self.group.answer(rows);
        let (wanted, _) = self.group.wanted(Shows::Plain, 0);
        let values = wanted.iter().filter_map(|chosen| chosen.first()?.1.value.as_deref());
        if let Some(kind) = types.get_mut(&self.domain) {
            kind.samples = values.take(SAMPLES).map(str::to_owned).collect();
        }
    }
}
