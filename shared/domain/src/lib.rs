//! What the order history is about: events, the ids in them, instants, and the JSON they are written in.
//!
//! Pure: no AWS, no async, no clock. A value of a type in this crate is valid; parsing is the only way in.

pub mod document;
pub mod event;
pub mod filter;
pub mod ids;
pub mod json;
pub mod order;
pub mod record;
pub mod time;
