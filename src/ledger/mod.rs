//! The ledger as SQL text, shared by the executor and the psql script: its schema, and the rows of a run. It imports no
//! driver. The tables are in `schema/ledger/`; `history` has their contents as values.

pub mod chain;
pub mod code;
pub mod grants;
pub mod json;
pub mod record;
pub mod repair;
pub mod schema;
pub mod start;
pub mod walk;
