//! Parses the project's files to a changelog for one environment, and reports every problem of every file. Only
//! `load.rs` reads files; the room imports neither `graph` nor `plan`.

pub mod address;
pub mod advice;
pub mod aka;
pub mod attic;
mod body;
pub mod calendar;
pub mod changeset;
pub mod checks;
pub mod config;
pub mod declared;
pub mod document;
pub mod edit;
mod entries;
mod files;
mod follow_up;
pub mod hook;
pub mod ledger;
pub mod lint;
pub mod load;
mod mask;
pub mod parse;
pub mod password;
pub mod policy;
pub mod project;
pub mod scalar;
pub mod schema;
pub mod set;
mod shape;
pub mod spans;
mod syntax;
pub mod testing;
pub mod variables;
pub mod yaml;

pub use address::Address;
pub use changeset::{Alias, Changelog, Changeset, Dependency, ParsedChange, RollbackSource};
pub use config::{Environment, ProjectConfig};
pub use document::Document;
pub use files::ProjectFiles;
pub use hook::Hook;
pub use ledger::LedgerConfig;
pub use mask::masked_text;
pub use set::{SourceFile, SourceSet};
pub use variables::Variables;
