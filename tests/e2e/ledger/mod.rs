//! The ledger as a stranger sees it: what it gives out is checked by programs that share no code with it, and whatever
//! is altered behind its back is found, by itself and by them.

mod bucket;
mod given_out;
mod large;
mod others;
mod programs;
mod tampering;
mod tree;

pub(crate) use others::accept;
pub(crate) use programs::python;
pub(crate) use tree::{anchor, ndjson, segment_json};
