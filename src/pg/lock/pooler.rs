//! Poolers that keep no session: in transaction and statement mode the next statement may
//! come to another backend, and a session's lock is held by nobody and by everybody.
//!
//! The question that such a pooler cannot answer by luck: one session of ours listens and
//! falls idle, another one notifies. The news comes to the backend that listened. Only where
//! that backend still belongs to our idle session does the session hear of it; a pooler that
//! has taken the backend back drops the news, or hands it to whoever has the backend by then.

use crate::base::{Failure, FailureKind};
use crate::pg::connect::error;
use crate::pg::connect::{self, Connection};
use std::time::Duration;

/// How long the news may take; between servers and sessions of their own it takes no time.
const NEWS: Duration = Duration::from_secs(10);

/// How long a pooler in session mode may take to give us a second backend.
const BACKEND: Duration = Duration::from_secs(30);

/// Refuses a pooler that keeps no session for `listener`. Two round trips; nothing is written.
///
/// # Errors
/// When there is such a pooler, or no second session can be had.
pub async fn refuse(listener: &mut Connection, speaker: &mut Connection) -> Result<(), Failure> {
    let channel = format!("dagmar_{:016x}", connect::random());
    let listen = format!("LISTEN {channel}; SELECT pg_backend_pid()");
    let Ok(listening) = tokio::time::timeout(BACKEND, asked(listener, &listen)).await else {
        return Err(Failure::new(
            FailureKind::Database,
            "cannot open a second session: the pool is full, or has only one connection",
        )
        .help("connect to the server directly, or increase the pool size (PgBouncer: `pool_size`)"));
    };
    let listening = listening?;
    let speaking = asked(speaker, &format!("NOTIFY {channel}; SELECT pg_backend_pid()")).await?;
    // one backend for two sessions is proof enough
    let kept = listening != speaking && news(listener, speaker, &channel).await;
    let _ = listener.execute(&format!("UNLISTEN {channel}")).await;
    if kept {
        return Ok(());
    }
    let _ = speaker.execute(&format!("UNLISTEN {channel}")).await;
    Err(Failure::new(
        FailureKind::Database,
        "the connection goes through a pooler in transaction or statement mode, which cannot keep a session's lock",
    )
    .note("nothing was written")
    .help("connect to the server directly, or to a pool in session mode (PgBouncer: `pool_mode=session`)"))
}

/// Whether the news comes to the session that waits for it.
async fn news(listener: &mut Connection, speaker: &mut Connection, channel: &str) -> bool {
    let wait = async {
        loop {
            tokio::select! {
                heard = listener.heard.recv() => match heard {
                    Some(heard) if heard == channel => return true,
                    Some(_) => {}
                    None => return false,
                },
                // it never asked for it: it has the backend that did
                heard = speaker.heard.recv() => match heard {
                    Some(heard) if heard != channel => {}
                    _ => return false,
                },
            }
        }
    };
    tokio::time::timeout(NEWS, wait).await.unwrap_or(false)
}

/// The backend that answered.
async fn asked(connection: &Connection, sql: &str) -> Result<Option<String>, Failure> {
    let rows = connection.texts(sql).await;
    let rows = rows.map_err(|e| error::query_failed("cannot detect whether a pooler is used", &e))?;
    Ok(rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()))
}
