//! The Merkle tree over the leaves (RFC 6962 section 2.1): index = sequence - 1.
//!
//! A tree is written as *complete subtrees*: [`Node`] names one, [`decompose`] covers a range of leaves with as few of
//! them as there can be, and a [`Frontier`] is the tree of the first `size` leaves in that form.

mod frontier;
mod proof;
mod range;
#[cfg(test)]
mod tests;

use crate::hash::Hash;

pub use frontier::{Frontier, FrontierError};
pub use proof::{ProofError, verify_consistency, verify_inclusion};
pub use range::{Node, Span, consistency_spans, decompose, fold, inclusion_spans};

/// RFC 6962 section 2.1: what stands before a leaf's bytes, so that no leaf is ever an inner node.
pub const LEAF_PREFIX: u8 = 0x00;
/// What stands before the two hashes of an inner node.
pub const NODE_PREFIX: u8 = 0x01;
/// The most leaves that a tree of ours may have. Sequence numbers are JSON numbers, which are exact up to 2^53 - 1
/// (RFC 7493); whatever says more is not ours, and arithmetic on what stays below cannot overflow.
pub const MAX_SIZE: u64 = (1 << 53) - 1;

/// A tree: how many leaves it has, and its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    pub size: u64,
    pub root: Hash,
}

/// The root of the tree without a leaf: `SHA-256("")`.
#[must_use]
pub fn empty_root() -> Hash {
    Hash::of(&[])
}

/// `SHA-256(0x00 ‖ entry)`
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash::of(&[&[LEAF_PREFIX], entry])
}

/// `SHA-256(0x01 ‖ left ‖ right)`
#[must_use]
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    Hash::of(&[&[NODE_PREFIX], &left.0, &right.0])
}
