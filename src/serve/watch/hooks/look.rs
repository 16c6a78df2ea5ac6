//! What a desk does with the ledger of an environment for webhooks.

use super::hook::Hook;
use crate::base::{Failure, HumanDuration};
use crate::pg::ledger::delivery::{self, Letter};
use crate::serve::aim::Aim;

/// How long it takes until an event is tried again; the last one for all further tries.
const AGAIN: [HumanDuration; 4] =
    [HumanDuration::secs(10), HumanDuration::secs(60), HumanDuration::secs(300), HumanDuration::secs(900)];

/// What a look at a ledger found.
pub struct Look {
    /// Where hooks begin once the ledger can have their rows; `None`: it has them.
    pub start: Option<i64>,
    /// The next event of each hook that has one.
    pub letters: Vec<(Hook, Letter)>,
}

/// Takes the next event of each of these hooks from a ledger; `None`: looking would start a private server.
///
/// # Errors
/// The ledger cannot be reached, read or written.
pub async fn look(aim: &Aim, hooks: Vec<Hook>, start: Option<i64>, instance: &str) -> Result<Option<Look>, Failure> {
    let target = aim.looking()?;
    if target.is_embedded() && !aim.held.has(&aim.environment) {
        return Ok(None);
    }
    let asks_approvals = target.config().is_some_and(|environment| environment.approvals.is_some());
    let db = target.connect(&mut ()).await?;
    let mut look = Look { start: Some(start.unwrap_or_default()), letters: Vec::new() };
    if db.server.has_ledger {
        let ledger = target.ledger();
        let begin = match start {
            Some(start) => start,
            None => delivery::newest(&db.connection, ledger).await?,
        };
        look.start = Some(begin);
        if delivery::is_there(&db.connection, ledger).await? {
            look.start = None;
            for hook in hooks {
                let (kinds, statuses) = hook.wants(asks_approvals);
                let to = (hook.name.as_str(), instance);
                let taken = delivery::take(&db.connection, ledger, to, (&kinds, &statuses), begin).await?;
                look.letters.extend(taken.map(|letter| (hook, letter)));
            }
        }
    }
    db.close().await?;
    Ok(Some(look))
}

/// Writes down what came of an event; whether it is given up.
///
/// # Errors
/// The ledger cannot be reached or written.
pub async fn note(aim: &Aim, to: (&str, &str), letter: &Letter, sent: Result<(), String>) -> Result<bool, Failure> {
    let target = aim.looking()?;
    let db = target.connect(&mut ()).await?;
    let is_given_up = match sent {
        Ok(()) => delivery::delivered(&db.connection, target.ledger(), to, letter).await.map(|()| false)?,
        Err(why) => {
            let again = AGAIN[usize::try_from(letter.tries).unwrap_or(usize::MAX).min(AGAIN.len() - 1)];
            delivery::failed(&db.connection, target.ledger(), to, letter, (again, &why)).await?
        }
    };
    db.close().await?;
    Ok(is_given_up)
}
