//! The golden vectors of docs/LEDGER.md, section 14. Another program has written them, from that page alone.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod hashed;
mod signed;

use std::{fs, path::Path};

use ledger::{Origin, VerifierKey};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// From the package, in which Cargo runs its tests.
fn file(name: &str) -> Vec<u8> {
    fs::read(Path::new("../../tests/vectors").join(name)).unwrap()
}

fn json<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&file(name)).unwrap()
}

fn keys(names: &[&str]) -> Vec<VerifierKey> {
    let all: Value = json("keys.json");
    names.iter().map(|name| all["keys"][name]["vkey"].as_str().unwrap().parse().unwrap()).collect()
}

fn origin() -> Origin {
    "history.example.com/acme".parse().unwrap()
}
