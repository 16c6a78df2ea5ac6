//! What a query returned.

/// The result of a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultSet {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, as PostgreSQL writes their values; `None`: NULL.
    pub rows: Vec<Vec<Option<String>>>,
}
