//! Which COMMITs of a message wait until the server has them on its disk, and on its synchronous
//! standbys (`synchronous_commit`: manual, chapter 20.5.1).
//!
//! A message may hold many transactions, and nothing is told of them before one of them has
//! waited: the log has one order, so that what waits for its own commit record waits for all before
//! it. A crash in between takes the last of them, each with its rows in the ledger.

/// For what a COMMIT waits, from nothing to everything: the values of `synchronous_commit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(usize);

const LEVELS: [&str; 5] = ["off", "local", "remote_write", "on", "remote_apply"];

pub(super) const OFF: Level = Level(0);

impl Level {
    /// The value of a session, as the server says it; `None`: one that is not known here.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        LEVELS.iter().position(|level| *level == word).map(Self)
    }
}

/// For what the COMMIT of a step waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// For what the session or the author says.
    AsSet,
    /// For nothing, unless the author says otherwise: one of the same message comes that waits.
    Later,
    /// For what the author says, but at least for this: it waits for those before it as well.
    ForAll(Level),
}

impl Wait {
    /// That of a transaction that so many of the same message come behind, out of `all`; `level` is
    /// what a COMMIT of the session waits for, where it is known.
    #[must_use]
    pub fn among(behind: u32, all: u32, level: Option<Level>) -> Self {
        match level {
            Some(level) if all > 1 && level != OFF => {
                if behind == 0 {
                    Wait::ForAll(level)
                } else {
                    Wait::Later
                }
            }
            _ => Wait::AsSet,
        }
    }

    /// What begins the transaction.
    #[must_use]
    pub fn at_first(self) -> Option<&'static str> {
        (self == Wait::Later).then_some("SET LOCAL synchronous_commit = off")
    }

    /// What ends it, before its COMMIT.
    #[must_use]
    pub fn at_last(self) -> Option<String> {
        let Wait::ForAll(Level(least)) = self else { return None };
        let less: Vec<String> = LEVELS[..least].iter().map(|level| format!("'{level}'")).collect();
        Some(format!(
            "SELECT pg_catalog.set_config('synchronous_commit', '{}', true) WHERE \
             pg_catalog.current_setting('synchronous_commit') IN ({})",
            LEVELS[least],
            less.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_levels_are_in_the_order_of_what_they_promise() {
        assert_eq!(Level::of("on"), Some(Level(3)));
        assert_eq!(Level::of("sometimes"), None);
        let least = Wait::ForAll(Level(1)).at_last().unwrap();
        assert!(
            least.ends_with(
                "'synchronous_commit', 'local', true) WHERE pg_catalog.current_setting('synchronous_commit') IN ('off')"
            ),
            "{least}"
        );
        let most = Wait::ForAll(Level(4)).at_last().unwrap();
        assert!(most.ends_with("IN ('off', 'local', 'remote_write', 'on')"), "{most}");
        assert_eq!((Wait::AsSet.at_first(), Wait::AsSet.at_last(), Wait::Later.at_last()), (None, None, None));
    }
}
