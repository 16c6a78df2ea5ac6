//! The tokens that count now: the file is looked at again when it is a second old, so that a revoked token is refused
//! within a second.

use super::token::Token;
use super::tokens::{Standing, TokenEntry, TokenFile};
use crate::base::Failure;
use crate::base::text::one_line;
use crate::ops::now;
use std::cell::{Ref, RefCell};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long what was read counts without another look.
const HOLDS: Duration = Duration::from_secs(1);

/// How old the last change of a file must be, so that every later one can be told from it.
const SETTLED: Duration = Duration::from_secs(2);

/// The file cannot be read: it keeps nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// The tokens of a file.
pub struct Kept {
    path: PathBuf,
    state: RefCell<State>,
}

struct State {
    looked: Instant,
    stamp: Option<Stamp>,
    file: Result<TokenFile, Unreadable>,
    /// Why it could not be read last; each reason is a line of the log.
    why: String,
}

/// What tells one content of a file from another.
#[derive(PartialEq, Eq)]
struct Stamp([i64; 4], [u64; 3], u32);

impl Stamp {
    /// Of a file; `None`: it was changed just now, and could change again without another stamp.
    fn of(about: &Metadata, now: i64) -> Option<Self> {
        let age = now.saturating_sub(about.ctime().saturating_mul(1000));
        let times = [about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec()];
        let is_settled = age > i64::try_from(SETTLED.as_millis()).unwrap_or(i64::MAX);
        is_settled.then(|| Self(times, [about.dev(), about.ino(), about.size()], about.mode()))
    }
}

impl Kept {
    /// Of this file.
    ///
    /// # Errors
    /// As [`TokenFile::open`].
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let (file, about) = TokenFile::open(path, now())?;
        let state =
            State { looked: Instant::now(), stamp: Stamp::of(&about, now()), file: Ok(file), why: String::new() };
        Ok(Self { path: path.to_owned(), state: RefCell::new(state) })
    }

    /// The tokens as they are now.
    fn file(&self) -> Result<Ref<'_, TokenFile>, Unreadable> {
        if self.state.borrow().looked.elapsed() >= HOLDS {
            self.look();
        }
        Ref::filter_map(self.state.borrow(), |state| state.file.as_ref().ok()).map_err(|_| Unreadable)
    }

    fn look(&self) {
        let mut state = self.state.borrow_mut();
        state.looked = Instant::now();
        let stamp = std::fs::metadata(&self.path).ok().and_then(|about| Stamp::of(&about, now()));
        if stamp.is_some() && stamp == state.stamp && state.file.is_ok() {
            return;
        }
        (state.file, state.stamp) = match TokenFile::open(&self.path, now()) {
            Ok((file, about)) => {
                if !std::mem::take(&mut state.why).is_empty() {
                    tracing::info!("the file of tokens can be read again");
                }
                (Ok(file), Stamp::of(&about, now()))
            }
            Err(failure) => {
                let why = one_line(&failure.message);
                if why != state.why {
                    tracing::error!("no token counts: {why}");
                    state.why = why;
                }
                (Err(Unreadable), None)
            }
        };
    }

    /// Whether the file can be read.
    ///
    /// # Errors
    /// It cannot.
    pub fn check(&self) -> Result<(), Unreadable> {
        self.file().map(drop)
    }

    /// Whether a token of it is valid.
    #[must_use]
    pub fn has_valid(&self) -> bool {
        self.file().is_ok_and(|file| file.tokens.iter().any(|entry| entry.standing(now()) == Standing::Valid))
    }

    /// The entry of a valid token; `None`: it is none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(&self, token: &Token) -> Result<Option<TokenEntry>, Unreadable> {
        let file = self.file()?;
        Ok(file.find(token).filter(|entry| entry.standing(now()) == Standing::Valid).cloned())
    }

    /// The valid entry of this id; `None`: there is none any more.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn entry(&self, id: &str) -> Result<Option<TokenEntry>, Unreadable> {
        let file = self.file()?;
        Ok(file.entry(id).filter(|entry| entry.standing(now()) == Standing::Valid).cloned())
    }
}
