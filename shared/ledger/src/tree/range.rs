//! Which subtrees a range of leaves or a proof is made of. Numbers only, no hashes.

use super::node_hash;
use crate::hash::Hash;

/// A complete subtree: the leaves from `index << level` up to, not including, `(index + 1) << level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// Its height; a leaf has 0.
    pub level: u8,
    pub index: u64,
}

/// The leaves from `begin` up to, not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub begin: u64,
    pub end: u64,
}

/// The largest complete subtrees that cover the leaves from `begin` up to, not including, `end`, from left to right: a
/// *compact range*. Empty when `begin >= end`.
#[must_use]
pub fn decompose(begin: u64, end: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut at = begin;
    while at < end {
        let fits = (end - at).ilog2();
        let level = at.trailing_zeros().min(fits);
        nodes.push(Node { level: u8::try_from(level).unwrap_or(u8::MAX), index: at >> level });
        // The last subtree of the largest number there is ends just beyond it.
        match at.checked_add(1 << level) {
            Some(next) => at = next,
            None => break,
        }
    }
    nodes
}

/// The Merkle tree hash over a [`decompose`]d span whose begin is aligned to it (as those of proofs are): the subtrees
/// get smaller from left to right, and each is hashed onto the one before. `None` when there is none.
#[must_use]
pub fn fold(subtrees: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    subtrees.rev().reduce(|right, left| node_hash(left, right))
}

/// The spans whose hashes are the inclusion proof of a leaf, from its sibling up to the root's child (RFC 6962 section
/// 2.1.1). Empty when there is no such leaf.
#[must_use]
pub fn inclusion_spans(index: u64, size: u64) -> Vec<Span> {
    let mut spans = Vec::new();
    if index >= size {
        return spans;
    }
    let (mut begin, mut end) = (0, size);
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            spans.push(Span { begin: middle, end });
            end = middle;
        } else {
            spans.push(Span { begin, end: middle });
            begin = middle;
        }
    }
    spans.reverse();
    spans
}

/// The spans whose hashes prove that the tree of `to` leaves extends the one of `from` (RFC 6962 section 2.1.2), in the
/// order of the proof. Empty when one is empty, both are the same, or `from > to`.
#[must_use]
pub fn consistency_spans(from: u64, to: u64) -> Vec<Span> {
    let mut spans = Vec::new();
    if from == 0 || from >= to {
        return spans;
    }
    let (mut begin, mut end) = (0, to);
    while from != end {
        let middle = begin + split(end - begin);
        if from <= middle {
            spans.push(Span { begin: middle, end });
            end = middle;
        } else {
            spans.push(Span { begin, end: middle });
            begin = middle;
        }
    }
    // The older tree is one complete subtree when nothing was split off to its left; then its root is known already.
    if begin > 0 {
        spans.push(Span { begin, end });
    }
    spans.reverse();
    spans
}

/// The largest power of two below `n`, which is at least 2.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}
