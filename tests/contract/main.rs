//! What stands in several places must be the same in all of them: the routes, the keys of the tables, the samples.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod access;
mod checker;
mod openapi;
mod samples;
#[path = "../service.rs"]
mod service;
mod tables;
mod template;

use std::path::PathBuf;

/// A file of the checkout.
fn file(path: &str) -> PathBuf {
    PathBuf::from("..").join(path)
}

/// The text of a file of the checkout.
fn read(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}
