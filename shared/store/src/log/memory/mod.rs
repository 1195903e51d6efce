//! The log's tables in this process, for tests: the semantics of DynamoDB without its wire.
//!
//! [`Memory`] is the state, a value that a model checker can clone and compare, and every call on it takes effect at
//! once. [`MemoryTables`] shares one behind the port, lets calls take a while, and counts what they would cost.

mod capacity;
mod meter;
mod state;
mod tables;

pub use capacity::Units;
pub use state::Memory;
pub use tables::MemoryTables;
