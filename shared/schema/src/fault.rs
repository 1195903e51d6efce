//! One thing that is wrong with a schema.

use serde::Serialize;

/// One thing that is wrong with a schema, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// JSON Pointer (RFC 6901) into the schema; empty for the whole of it.
    pub pointer: String,
    /// What is wrong: lower case, without a final stop.
    pub detail: String,
}

impl Fault {
    pub(crate) fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}
