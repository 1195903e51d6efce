//! Everything that is right passes, and every way to tamper with it is found.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod consistency;
mod program;
mod proof;
mod range;
mod support;
mod tiles;
mod vectors;
