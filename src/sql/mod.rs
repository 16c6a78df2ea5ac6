//! All knowledge about SQL text: statement boundaries, effects on the server, objects. It reads no server; only
//! this room names the crates of the SQL grammar.

mod also;
mod brackets;
pub mod catalog;
mod classify;
mod concurrently;
mod constants;
mod error;
pub mod facts;
mod forbidden;
mod format_of;
mod gist;
pub mod highlight;
mod lock_mode;
mod objects;
mod opaque;
mod parameters;
mod password;
mod place;
mod positions;
mod rename;
pub mod review;
pub mod secret;
mod shape;
mod since;
mod split;
mod squawk;
mod token;

pub use also::{AlsoLocked, Through};
pub use brackets::{BracketError, Word, brackets};
pub use catalog::Catalog;
pub use classify::facts;
pub use concurrently::without_concurrently;
pub use constants::{Constants, constants, with_value};
pub use error::SqlError;
pub use facts::{Facts, LockMode, Outside};
pub use forbidden::{Forbidden, doubtful, forbidden, is_of_schema, names_schema};
pub use format_of::format_of;
pub use gist::{gist, gist_within};
pub use objects::{
    Arguments, Lookup, LooseColumn, Mention, Mistake, Object, Objects, UNPARSED_MARK, Unknown, objects, touches,
};
pub use opaque::{is_of_template, is_opaque};
pub use parameters::{batch_fault, bind, first_parameter, parameters, split_with};
pub use password::has_password;
pub use place::{LineColumn, first_word, line_column, line_column_at};
pub use rename::with_column;
pub use review::{actions, review};
pub use shape::shape;
pub use since::{command, runs_query, since};
pub use split::{MAX_DEPTH, Piece, SEGMENT_MARK, ends_in_comment, split, split_segments};
pub use squawk::{Violation, squawk_rules};
