//! Everything that is right passes, and every way to tamper with it is found.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod tiles;
