//! Checking proofs: RFC 9162 sections 2.1.3.2 and 2.1.4.2, which say for the tree of RFC 6962 how it is done.

use super::{MAX_SIZE, TreeHead, empty_root, node_hash};
use crate::hash::Hash;

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("a tree of {size} leaves has no leaf {index}")]
    NoSuchLeaf { index: u64, size: u64 },
    #[error("a tree of {to} leaves does not extend one of {from}")]
    Shrinks { from: u64, to: u64 },
    #[error("a tree has at most 2^53 - 1 leaves")]
    TooLarge,
    #[error("the proof has {found} hashes, which is not the number for its place")]
    Length { found: usize },
    /// The root that the proof leads to is not that of the tree.
    #[error("the proof does not lead to the root of the tree of {size} leaves")]
    Root { size: u64 },
}

/// Checks that `leaf` is the leaf at `index` (from 0) of the tree.
///
/// # Errors
/// [`ProofError`].
pub fn verify_inclusion(leaf: Hash, index: u64, proof: &[Hash], head: &TreeHead) -> Result<(), ProofError> {
    let &TreeHead { size, root } = head;
    if size > MAX_SIZE {
        return Err(ProofError::TooLarge);
    }
    if index >= size {
        return Err(ProofError::NoSuchLeaf { index, size });
    }
    let length = ProofError::Length { found: proof.len() };
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(length);
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(*sibling, hash);
            // A right edge that is not complete has no sibling until the next one bit.
            let levels = if at == 0 { 0 } else { at.trailing_zeros() };
            (at, last) = (at >> levels, last >> levels);
        } else {
            hash = node_hash(hash, *sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(length);
    }
    if hash == root { Ok(()) } else { Err(ProofError::Root { size }) }
}

/// Checks that the tree `to` begins with the leaves of the tree `from`.
///
/// # Errors
/// [`ProofError`].
pub fn verify_consistency(from: &TreeHead, to: &TreeHead, proof: &[Hash]) -> Result<(), ProofError> {
    if from.size > MAX_SIZE || to.size > MAX_SIZE {
        return Err(ProofError::TooLarge);
    }
    if from.size > to.size {
        return Err(ProofError::Shrinks { from: from.size, to: to.size });
    }
    let length = ProofError::Length { found: proof.len() };
    if from.size == 0 || from.size == to.size {
        if !proof.is_empty() {
            return Err(length);
        }
        // Every tree extends the empty one, whose root is known; and a tree extends itself alone.
        let expected = if from.size == 0 { empty_root() } else { to.root };
        return if from.root == expected { Ok(()) } else { Err(ProofError::Root { size: from.size }) };
    }

    // When the older tree is one complete subtree, its root is the first hash, and is left out of the proof.
    let (start, rest) = if from.size.is_power_of_two() {
        (from.root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or_else(|| length.clone())?;
        (*first, rest)
    };
    let levels = (from.size - 1).trailing_ones();
    let (mut at, mut last) = ((from.size - 1) >> levels, (to.size - 1) >> levels);
    let (mut older, mut newer) = (start, start);
    for hash in rest {
        if last == 0 {
            return Err(length);
        }
        if at & 1 == 1 || at == last {
            older = node_hash(*hash, older);
            newer = node_hash(*hash, newer);
            let levels = if at == 0 { 0 } else { at.trailing_zeros() };
            (at, last) = (at >> levels, last >> levels);
        } else {
            newer = node_hash(newer, *hash);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(length);
    }
    if older != from.root {
        return Err(ProofError::Root { size: from.size });
    }
    if newer != to.root {
        return Err(ProofError::Root { size: to.size });
    }
    Ok(())
}
