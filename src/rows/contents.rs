//! What tables contain at one moment.

use crate::base::QualifiedName;
use std::collections::BTreeMap;

/// The text of a value as the server's output function writes it; `None` is NULL. A long value is a hash of itself.
pub type Value = Option<Box<str>>;

/// The rows of tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// The tables that were read. A partitioned table has the rows of its partitions, which are not listed.
    pub tables: BTreeMap<QualifiedName, TableContents>,
    /// The tables that could not be read, and the reason.
    pub unread: BTreeMap<QualifiedName, String>,
}

/// The rows of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableContents {
    /// The columns, in the table's order.
    pub columns: Vec<String>,
    /// The positions of the primary key in `columns`; empty: the table has none.
    pub key: Vec<usize>,
    /// The rows; one value per column.
    pub rows: Vec<Vec<Value>>,
}

impl Contents {
    /// The number of all rows.
    #[must_use]
    pub fn count(&self) -> usize {
        self.tables.values().map(|table| table.rows.len()).sum()
    }
}
