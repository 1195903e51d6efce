//! What a client sees of the parts that every function shares, told with a small function that has one of each.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod access;
mod answers;
mod bodies;
mod callers;
mod idempotency;
mod pages;
mod sample;
