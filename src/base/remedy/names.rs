//! The operations and options that remedies name. What a door calls them is its own table.

use schemars::JsonSchema;
use serde::Serialize;

macro_rules! names {
    ($($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident,)* })*) => {$(
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        $(#[$about])*
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant),*];
        }
    )*};
}

names! {
    /// An operation.
    #[allow(missing_docs)] // each is the operation of its name
    Operation {
        Adopt,
        Apply,
        Approve,
        AtticList,
        AtticRestore,
        Baseline,
        Check,
        Clear,
        Diff,
        Drift,
        Generate,
        History,
        Init,
        KeyNew,
        LedgerGrants,
        LedgerInstall,
        LedgerPolicy,
        Lint,
        Mark,
        New,
        Pause,
        Plan,
        Promote,
        Prove,
        Rollback,
        Schema,
        Status,
        TokenNew,
    }

    /// An option of an operation.
    #[schemars(rename = "RemedyOptionName")]
    Setting {
        /// The environment whose database is asked.
        Against,
        /// A destructive kind of step that is allowed.
        Allow,
        /// Of `clear`: all of the changeset was run.
        Applied,
        /// The role that applies.
        Applier,
        /// The role that approves.
        Approver,
        /// Of `clear`: the ledger is right as it is now.
        AsRecorded,
        /// With the changesets that depend on it.
        Cascade,
        /// How long a statement of a dry run may take.
        DryRunLimit,
        /// The environment.
        Env,
        /// Of `check`: adds the dependencies that are missing.
        Fix,
        /// The environment that a promotion comes from.
        From,
        /// Of `baseline`: changesets that do not change the catalog, too.
        IncludeData,
        /// The answer as JSON.
        Json,
        /// The key that signatures are checked with.
        Key,
        /// A list of all.
        List,
        /// How long to wait for the lock.
        LockWait,
        /// Without the checks before the run.
        NoPreflight,
        /// The file to write.
        Out,
        /// A gate that the run overrides.
        Override,
        /// The folder of the project.
        Project,
        /// Why.
        Reason,
        /// The ledger notes it.
        Record,
        /// Which changesets.
        Select,
        /// On a server of its own.
        Shadow,
        /// The server on which databases are made and thrown away.
        ShadowUrl,
        /// The file of the key to sign with.
        Sign,
        /// With all SQL.
        Sql,
        /// How long to wait for the server.
        Timeout,
        /// What a transaction holds.
        Transaction,
        /// A change type.
        Type,
        /// The connection.
        Url,
        /// A variable of the project, by its name.
        Var,
        /// With more on the way.
        Verbose,
        /// With a check of the history, or of a sealed plan.
        Verify,
    }
}
