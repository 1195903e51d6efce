//! The service from the outside, on a stack that is deployed with every role enforced.
//!
//! One file a theme. Every test has tenants of its own, so that they run side by side, and again on the same stack.
//! `cargo local test` brings the stack up and says in `ORDER_HISTORY_STACK` where it is described.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

mod access;
mod attachments;
mod auth;
mod bad_input;
mod corrections;
mod document;
mod ingest;
mod isolation;
mod ledger;
mod main_job;
mod manners;
mod orders;
mod racing;
mod repair;
mod schemas;
mod stream;
mod support;
