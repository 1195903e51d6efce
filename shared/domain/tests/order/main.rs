//! The fold of an order, held against one that is written as plainly as can be.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod aggregated;
mod generated;
mod given;
mod long;
mod naive;
mod real;
mod refusals;
