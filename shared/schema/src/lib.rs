//! Schemas of event payloads: what may be registered, whether a payload fits, and whether a new
//! version is compatible with the one before.
//!
//! Pure: no AWS, no clock, no network. The language is JSON Schema 2020-12
//! (<https://json-schema.org/draft/2020-12>), evaluated by the `jsonschema` crate, which nothing
//! else in the project uses. A tenant's administrator writes the schemas, and every producer's
//! events are checked against them, so a schema is untrusted input: it is bounded in size, in
//! depth and in the work that checking against it can cost ([`Schema::compile`]).
//!
//! - [`Schema::compile`] refuses what is not a schema, with JSON Pointers to what is wrong.
//! - [`Schema::check`] lists what does not fit, without repeating the instance's values.
//! - [`compat::check`] says what a new version breaks.

mod check;
pub mod compat;
mod compile;
mod cost;
mod fault;
mod keywords;
mod pointer;
mod profile;
mod wording;

pub use check::{MAX_VIOLATIONS, Violation};
pub use compat::{Compatibility, Direction, Incompatibility};
pub use compile::{Schema, SchemaError};
pub use cost::MAX_WORK;
pub use fault::Fault;
pub use profile::{FORMATS, MAX_BYTES, MAX_DEPTH, MAX_PATTERNS};
