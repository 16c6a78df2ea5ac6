//! What several tests use. A test file imports nothing from another one.

mod answers;
pub mod attic;
mod backfill;
mod case;
mod changelog;
mod database;
pub mod fake_server;
mod git;
pub mod http;
mod inspect;
mod ledgers;
mod legacy;
pub mod mistakes;
mod process;
mod project;
mod proofs;
pub mod proxy;
mod published;
mod remake;
mod resealed;
mod roles;
pub mod rows;
mod server;
mod service;
mod shop;
mod snapshot;
mod sources;
mod tested;
mod three;
pub mod truth;

pub use backfill::{COUNT, backfill, backfill_and_table, begun, slow};
pub use case::{Case, cases, folder, round_trip};
pub use changelog::{Changeset, changeset, file, parameters, project, sql, table, view};
pub use database::{Database, same, tables};
pub use git::git;
pub use inspect::{inspected, on_connection, said, scope, walk};
pub use ledgers::{
    LATEST_EARLIER, SHAPE, a_ledger_comes_up, as_version, as_version_1, as_version_2, ledger_of_version,
};
pub use legacy::{LEGACY, generated, verified};
pub use mistakes::{mistake_of, one_mistake, plain};
pub use process::{Run, Running, dagmar, until};
pub use project::{Project, against};
pub use proofs::{found, proof, verdicts};
pub use published::published_tables_are_found_without_a_lock;
pub use remake::{remake, remake_database};
pub use resealed::resealed;
pub use roles::{granted, psql, role, url};
pub use server::{Cluster, Server, as_server, binaries, owned, root, server};
pub use service::{SECRET, Service, bearer};
pub use shop::{SHOP, Shop};
pub use snapshot::snapshot;
pub use sources::{Source, files, sources};
pub use tested::{TESTED, all_pass, results, tested};
pub use three::{PROMOTE, Three, applied_at, gates};
