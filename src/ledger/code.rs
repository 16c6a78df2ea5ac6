//! The error codes of dagmar's own at the server: what the ledger's functions and the frames of a
//! run raise, in the place of an SQLSTATE. No class of the server begins with `DG`.

/// Another run has taken over: whoever lost the lock cannot commit.
pub const TAKEN_OVER: &str = "DG001";
/// A precondition or verify check does not hold.
pub const CHECK: &str = "DG002";
/// Something that only the ledger itself does was tried by hand.
pub const MISUSE: &str = "DG003";
/// A backfill's key cannot lead through its table.
pub const KEY: &str = "DG004";
/// A schema of the ledger belongs to somebody else.
pub const OWNER: &str = "DG005";
/// A secret variable cannot be filled in.
pub const SECRET: &str = "DG006";

/// An attempt of a function of the ledger, which rolls it back itself and goes on: nobody else sees it.
pub const ATTEMPT: &str = "DGTRY";

/// Every code, with what it means.
pub const ALL: [(&str, &str); 7] = [
    (TAKEN_OVER, "another run has taken over"),
    (CHECK, "a precondition or verify check does not hold"),
    (MISUSE, "something that only the ledger itself does was tried by hand"),
    (KEY, "a backfill's key cannot lead through its table"),
    (OWNER, "a schema of the ledger belongs to somebody else"),
    (SECRET, "a secret variable cannot be filled in"),
    (ATTEMPT, "a function of the ledger takes back an attempt of its own"),
];

/// Whether an SQLSTATE is one of these: its message is dagmar's own.
#[must_use]
pub fn is_own(sqlstate: &str) -> bool {
    ALL.iter().any(|(code, _)| *code == sqlstate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn raised(path: &Path, out: &mut BTreeSet<String>) {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).expect("readable") {
                raised(&entry.expect("readable").path(), out);
            }
        } else {
            let text = std::fs::read_to_string(path).expect("readable");
            let after = |(at, _): (usize, &str)| text[at..].split(['\'', '"']).nth(1).map(str::to_owned);
            out.extend(text.match_indices("ERRCODE").filter_map(after).filter(|code| code.starts_with("DG")));
        }
    }

    #[test]
    fn the_ledgers_functions_raise_no_other() {
        let mut found = BTreeSet::new();
        raised(Path::new("schema/ledger"), &mut found);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [TAKEN_OVER, MISUSE, OWNER, ATTEMPT]);
        let codes: BTreeSet<&str> = ALL.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes.len(), ALL.len());
    }
}
