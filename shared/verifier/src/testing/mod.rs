//! Logs to check, keys to sign them with, and the ways to tamper with them. For tests only: the keys are no secrets.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod documents;
mod files;
mod log;
mod signer;
mod tamper;
pub mod tree;

pub use files::InMemory;
pub use log::{Events, Recorded, TestLog, checkpoint_text, tiles};
pub use signer::Signer;
pub use tamper::{Random, flips};
