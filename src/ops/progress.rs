//! How far long work is, for who waits for it.

/// How far long work is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// What is done.
    pub what: &'a str,
    /// The changeset.
    pub changeset: &'a str,
    /// How many are done.
    pub done: usize,
    /// Of how many.
    pub of: usize,
}

/// Who hears of the progress.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress<'_>) + Send);
