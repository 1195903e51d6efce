//! The tree of the first leaves of a log, small enough to be kept in a database item.

use super::{MAX_SIZE, Node, TreeHead, decompose, empty_root, fold, node_hash};
use crate::hash::Hash;

/// A tree as its largest complete subtrees, from left to right: 32 bytes for each one bit of its size. Leaves can be
/// added to it, and its root be told, without anything else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// The largest subtree first.
    hashes: Vec<Hash>,
}

/// Why a frontier was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    #[error("a tree of {size} leaves has {expected} largest subtrees, not {found}")]
    Hashes { size: u64, expected: usize, found: usize },
    #[error("{length} bytes are no list of hashes")]
    Bytes { length: usize },
    #[error("a tree has at most 2^53 - 1 leaves")]
    TooLarge,
    #[error("a subtree of level {level} does not go behind {size} leaves")]
    Unaligned { level: u8, size: u64 },
}

impl Frontier {
    /// A tree without a leaf.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree of `size` leaves with these subtrees, in the order of `decompose(0, size)`.
    ///
    /// # Errors
    /// [`FrontierError`], when their number is not that of the size.
    pub fn from_hashes(size: u64, hashes: Vec<Hash>) -> Result<Self, FrontierError> {
        if size > MAX_SIZE {
            return Err(FrontierError::TooLarge);
        }
        let expected = size.count_ones() as usize;
        if hashes.len() != expected {
            return Err(FrontierError::Hashes { size, expected, found: hashes.len() });
        }
        Ok(Self { size, hashes })
    }

    /// [`Frontier::to_bytes`], read again.
    ///
    /// # Errors
    /// [`FrontierError`].
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Result<Self, FrontierError> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(FrontierError::Bytes { length: bytes.len() });
        }
        Self::from_hashes(size, hashes.iter().copied().map(Hash).collect())
    }

    /// The hashes one after another; the size is kept beside them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| hash.0).collect()
    }

    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// In the order of `decompose(0, size)`.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The subtrees with their places.
    pub fn nodes(&self) -> impl Iterator<Item = (Node, Hash)> {
        decompose(0, self.size).into_iter().zip(self.hashes.iter().copied())
    }

    #[must_use]
    pub fn root(&self) -> Hash {
        fold(self.hashes.iter().copied()).unwrap_or_else(empty_root)
    }

    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root() }
    }

    /// Adds a leaf by its [`leaf_hash`](super::leaf_hash).
    ///
    /// # Errors
    /// [`FrontierError::TooLarge`].
    pub fn push(&mut self, leaf: Hash) -> Result<(), FrontierError> {
        self.push_subtree(0, leaf)
    }

    /// Adds a complete subtree of `1 << level` leaves.
    ///
    /// # Errors
    /// [`FrontierError`], when its place is not here or the tree gets too large.
    pub fn push_subtree(&mut self, level: u8, hash: Hash) -> Result<(), FrontierError> {
        let size = self.size;
        let leaves = 1_u64.checked_shl(level.into()).unwrap_or(0);
        if leaves == 0 || leaves > MAX_SIZE - size {
            return Err(FrontierError::TooLarge);
        }
        if size & (leaves - 1) != 0 {
            return Err(FrontierError::Unaligned { level, size });
        }
        // As a carry in binary addition: each one bit from here upwards is a subtree of that size, and goes up.
        let mut carried = hash;
        let carries = (size >> level).trailing_ones() as usize;
        for left in self.hashes.drain(self.hashes.len() - carries..).rev() {
            carried = node_hash(left, carried);
        }
        self.hashes.push(carried);
        self.size += leaves;
        Ok(())
    }
}
