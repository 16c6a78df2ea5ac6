//! Signatures of the chain of events, by a key that the database does not have: the event at the end
//! of a run holds the hash of the one before it, and with it all that was before.

use super::problem::{AuditProblemKind, UNREAD};
use super::walk::Walk;
use crate::base::name::quote_literal;
use crate::base::{Failure, FailureKind, Ident, Operation, Setting};
use crate::history::event::EventKind;
use crate::pg::connect::Connection;
use crate::pg::connect::error;
use crate::pg::connect::query::Row;
use crate::plan::signature::{PrivateKey, PublicKey, Signature};
use serde_json::{Value, json};

/// What is signed of an event.
fn signed_text(installation: &str, seq: i64, hash: &str) -> String {
    format!("history of {installation} up to {seq}: {hash}")
}

/// A signature in the ledger, and the hash that its event has now.
struct HeadSignature {
    at: i64,
    detail: Value,
    hash: Option<String>,
}

impl HeadSignature {
    fn text(&self, name: &str) -> &str {
        self.detail.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The event up to which this signature holds, where it is by the key; an error says what is
    /// wrong.
    fn holds(&self, key: Option<&PublicKey>) -> Result<Option<i64>, String> {
        let seq = self.detail.get("seq").and_then(Value::as_i64).ok_or("belongs to no event")?;
        if self.hash.as_deref() != Some(self.text("hash")) {
            return Err(format!("signs another hash of event {seq} than the recorded one"));
        }
        let signature = self.signature().ok_or("is none")?;
        let signed = signed_text(self.text("installation"), seq, self.text("hash"));
        if !signature.is_good(&signed, None) {
            return Err("is wrong".to_owned());
        }
        Ok(key.is_some_and(|key| signature.is_good(&signed, Some(key))).then_some(seq))
    }

    /// Whether the key has signed an event of this ledger that is another one now. Nobody else can
    /// write such a signature.
    fn is_betrayed(&self, installation: &str, key: &PublicKey) -> bool {
        let signed =
            signed_text(installation, self.detail.get("seq").and_then(Value::as_i64).unwrap_or(0), self.text("hash"));
        self.hash.as_deref() != Some(self.text("hash"))
            && self.signature().is_some_and(|s| s.is_good(&signed, Some(key)))
    }

    fn signature(&self) -> Option<Signature> {
        serde_json::from_value(self.detail.get("signature").cloned().unwrap_or_default()).ok()
    }
}

async fn all(connection: &Connection, l: &str) -> Result<Vec<HeadSignature>, Failure> {
    let sql = format!(
        "SELECT s.seq, s.detail::text, e.hash FROM {l}.event s LEFT JOIN {l}.event e ON e.seq::text = s.detail ->> 'seq' \
         WHERE s.kind = '{}' ORDER BY s.seq",
        EventKind::HeadSigned.word()
    );
    let said = |row: &Row| {
        let detail = serde_json::from_str(row.get(1)?).unwrap_or_default();
        Ok(HeadSignature { at: row.get(0)?, detail, hash: row.get(2)? })
    };
    connection.query(UNREAD, &sql).await?.iter().map(said).collect()
}

/// Checks the signatures of the ends of runs; gives the last event up to which the key has signed.
/// What a run did after that must be signed as well: otherwise whoever takes the signatures away
/// could put anything there.
pub(crate) async fn check(
    connection: &Connection,
    l: &str,
    key: Option<&PublicKey>,
    walk: &mut Walk,
    doubts: &mut Vec<String>,
) -> Result<Option<i64>, Failure> {
    let mut signed_to = None;
    for said in all(connection, l).await? {
        match said.holds(key) {
            Ok(seq) => signed_to = seq.or(signed_to),
            Err(why) => walk.found(
                Some(said.at),
                AuditProblemKind::Changed,
                format!("the signature in event {} {why}", said.at),
            ),
        }
    }
    if key.is_none() {
        return Ok(None);
    }
    let Some(seq) = signed_to else {
        walk.found(None, AuditProblemKind::Unsigned, "no event has a signature by this key".to_owned());
        return Ok(None);
    };
    let sql = format!(
        "SELECT seq, run::text FROM {l}.event WHERE kind = '{}' AND seq > {seq} ORDER BY seq",
        EventKind::RunFinished.word()
    );
    let unsigned = connection.query(UNREAD, &sql).await?;
    for row in &unsigned {
        let (at, run) = (row.get(0)?, row.get::<Option<&str>>(1)?.unwrap_or_default());
        walk.found(
            Some(at),
            AuditProblemKind::Unsigned,
            format!("run {run}, which ended with event {at}, is not signed by this key"),
        );
    }
    if unsigned.is_empty() && walk.last.seq > seq + 1 {
        doubts.push(format!("the events after number {seq} are not signed by this key"));
    }
    Ok(signed_to)
}

/// Signs the last hash, with a key that the database does not have, and keeps the signature as an
/// event of this run.
///
/// # Errors
/// When the ledger cannot be read or written, or what this key has signed before was changed.
pub async fn sign_head(connection: &Connection, ledger: &Ident, run: &str, key: &PrivateKey) -> Result<(), Failure> {
    let l = ledger.sql();
    let sql = format!(
        "SELECT e.seq, e.hash, coalesce((SELECT value FROM {l}.meta WHERE key = 'installation'), '') FROM {l}.event e \
         ORDER BY e.seq DESC LIMIT 1"
    );
    let rows = connection.query(UNREAD, &sql).await?;
    let head = |row: &Row| Ok::<(i64, String, String), Failure>((row.get(0)?, row.get(1)?, row.get(2)?));
    let (seq, hash, installation) = rows
        .first()
        .map(head)
        .transpose()?
        .ok_or_else(|| Failure::new(FailureKind::Database, "the ledger has no event that could be signed"))?;
    let public = key.public();
    if let Some(said) = all(connection, &l).await?.iter().find(|said| said.is_betrayed(&installation, &public)) {
        return Err(Failure::new(
            FailureKind::Drift,
            "the history was changed manually after it was signed; the run is recorded and not signed",
        )
        .note(format!("the signature in event {} signs another hash than the recorded one", said.at))
        .help(
            Operation::History.with(Setting::Verify).with(Setting::Key.open())
                + " shows what was changed; compare it with a backup of the ledger",
        ));
    }
    let signature = key.sign(&signed_text(&installation, seq, &hash));
    let detail = json!({ "seq": seq, "hash": hash, "installation": installation, "signature": signature });
    let sql = format!(
        "INSERT INTO {l}.event (run, kind, detail) VALUES ({}::uuid, '{}', {})",
        quote_literal(run),
        EventKind::HeadSigned.word(),
        crate::ledger::json::jsonb(&detail)
    );
    connection.execute(&sql).await.map_err(|e| error::query_failed("cannot record the signature of the history", &e))
}
