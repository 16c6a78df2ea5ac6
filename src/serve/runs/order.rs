//! What a caller asks for.

use super::key::Repeat;
use crate::base::{HumanDuration, Wording};
use crate::history::RunKind;
use crate::ops::Options;
use crate::plan::rollback::Target as Which;
use crate::serve::aim::Aim;
use crate::serve::caller::RequestId;
use schemars::JsonSchema;
use serde::Deserialize;

/// A run that a caller asks for.
pub struct Order {
    /// The id of the request, which is that of the run.
    pub id: RequestId,
    /// What is to be done.
    pub what: What,
    /// How it is done; how long it waits for the lock follows from `if_busy`.
    pub options: Options,
    /// The digest of what the caller saw; `None`: the request is the confirmation of whatever there is to run.
    pub digest: Option<String>,
    /// What happens if another run is in progress.
    pub if_busy: IfBusy,
    /// How remedies are worded.
    pub wording: Wording,
    /// Where, and for whom.
    pub aim: Aim,
    /// How the request is recognised if it comes again.
    pub repeat: Option<Repeat>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Applies what is pending; with selectors only what they choose.
    Apply {
        /// The selectors.
        select: Vec<String>,
    },
    /// Applies what another environment has.
    Promote {
        /// The other environment; `None`: the one that dagmar.yaml names.
        from: Option<String>,
        /// The selectors.
        select: Vec<String>,
    },
    /// Runs a sealed plan that was uploaded.
    Sealed {
        /// Its digest.
        digest: String,
        /// Whether it is promoted from another environment.
        promote: bool,
        /// The other environment; `None`: the one that dagmar.yaml names.
        from: Option<String>,
        /// Whether the files must still render to it.
        check_render: bool,
    },
    /// Rolls changesets back.
    Rollback {
        /// The changesets.
        which: Which,
        /// Whether to roll back dependents too.
        cascade: bool,
    },
}

/// What happens to an order while another run is in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum IfBusy {
    /// It is refused.
    #[default]
    Refuse,
    /// It waits for its turn.
    Queue,
}

/// How long a queued order waits for the lock, which another process may hold.
const QUEUED: HumanDuration = HumanDuration::secs(600);

impl What {
    /// The kind of the run.
    #[must_use]
    pub fn kind(&self) -> RunKind {
        match self {
            What::Apply { .. } => RunKind::Apply,
            What::Promote { .. } | What::Sealed { promote: true, .. } => RunKind::Promote,
            What::Sealed { .. } => RunKind::Apply,
            What::Rollback { .. } => RunKind::Rollback,
        }
    }

    /// The digest of the sealed plan, if it is one.
    #[must_use]
    pub fn plan(&self) -> Option<&str> {
        match self {
            What::Sealed { digest, .. } => Some(digest),
            What::Apply { .. } | What::Promote { .. } | What::Rollback { .. } => None,
        }
    }
}

impl IfBusy {
    /// How long the run waits for the lock.
    #[must_use]
    pub fn lock_wait(self) -> HumanDuration {
        match self {
            IfBusy::Refuse => HumanDuration::default(),
            IfBusy::Queue => QUEUED,
        }
    }
}
