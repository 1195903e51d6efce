//! How far a tenant's tree has come.

use domain::time::Timestamp;
use ledger::{
    Chain, Hash, Origin,
    tree::{Frontier, TreeHead},
};

use crate::error::StoreError;

/// A tree as it was committed: all that is needed to let it grow, and to sign it. It is a prefix of the log, and each
/// one extends the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeState {
    frontier: Frontier,
    root: Hash,
    ledger_hash: Hash,
    updated_at: Timestamp,
    open: bool,
}

impl TreeState {
    /// The tree of a log without an event.
    pub(super) fn empty(origin: &Origin) -> Self {
        let frontier = Frontier::new();
        Self {
            root: frontier.root(),
            frontier,
            ledger_hash: Chain::new(origin.clone()).ledger_hash(),
            updated_at: Timestamp::clamped_from_millis(0),
            open: false,
        }
    }

    /// As it is stored.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], when its parts do not fit each other.
    pub(super) fn new(
        size: u64,
        root: &[u8; 32],
        frontier: &[u8],
        ledger_hash: Hash,
        updated_at: Timestamp,
        open: bool,
    ) -> Result<Self, StoreError> {
        let frontier = Frontier::from_bytes(size, frontier).map_err(StoreError::corrupt)?;
        let root = Hash(*root);
        if frontier.root() != root {
            return Err(StoreError::corrupt("a tree's root does not follow from its frontier"));
        }
        Ok(Self { frontier, root, ledger_hash, updated_at, open })
    }

    /// The tree after this one.
    pub(super) fn grown(frontier: Frontier, ledger_hash: Hash, updated_at: Timestamp) -> Self {
        Self { root: frontier.root(), frontier, ledger_hash, updated_at, open: true }
    }

    /// How many events it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    #[must_use]
    pub fn root(&self) -> Hash {
        self.root
    }

    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size(), root: self.root }
    }

    /// The chain's hash after the tree's last event.
    #[must_use]
    pub fn ledger_hash(&self) -> Hash {
        self.ledger_hash
    }

    /// When it was committed.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// Whether it has grown since it was last anchored.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    pub(super) fn frontier(&self) -> &Frontier {
        &self.frontier
    }
}
