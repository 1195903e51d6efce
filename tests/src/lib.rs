//! Tests of what crosses packages.
//!
//! - `contract/` needs nothing but the checkout: what the functions say of themselves, what template.yaml deploys, what
//!   docs/ shows and what events/ holds must be the same thing.
//! - `e2e/` needs a deployed stack and feature `e2e`: `cargo local test` brings one up, with every role enforced.
