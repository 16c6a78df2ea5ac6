//! The ledger as SQL text, which the executor and the psql script share: its schema, and the rows that
//! a run writes. The tables are in `schema/ledger/`; what is in them as values is in `history`.

pub mod chain;
pub mod code;
pub mod grants;
pub mod json;
pub mod record;
pub mod repair;
pub mod schema;
pub mod walk;
