//! Text to changesets. In: the project's files. Out: a changelog for one environment, and
//! every problem of every file. Only `load.rs` touches the file system.

pub mod address;
pub mod aka;
pub mod changeset;
pub mod checks;
pub mod declared;
pub mod hook;
pub mod load;
pub mod parse;
pub mod password;
pub mod policy;
pub mod project;
pub mod schema;
pub mod set;
pub mod spans;
pub mod variables;
pub mod yaml;

pub use address::Address;
pub use changeset::{Alias, Changelog, Changeset, Dependency, ParsedChange, RollbackSource};
pub use hook::Hook;
pub use project::{Environment, LedgerConfig, ProjectConfig};
pub use set::{SourceFile, SourceSet};
pub use variables::Variables;
