//! The ledger format, in the order and with the names of docs/LEDGER.md.
//!
//! 1. [`commitment`]: one hash that commits to every field of an event, each of which can be erased by itself.
//! 2. [`leaf`]: the line of the log, which names the event and holds its commitment, and no payload.
//! 3. [`chain`]: each leaf's hash linked to all before it.
//! 4. [`tree`]: the Merkle tree over the leaves, and its proofs.
//! 5. [`tile`]: the tree and the entries as files.
//! 6. [`note`] and [`checkpoint`]: what a log signs.
//! 7. [`entry`], [`proof`] and [`range`]: what is handed out to be checked elsewhere.
//!
//! Pure: no AWS, no async, no randomness, no clock.

pub mod chain;
pub mod checkpoint;
pub mod commitment;
pub mod entry;
pub mod hash;
pub mod leaf;
pub mod note;
pub mod origin;
pub mod proof;
pub mod range;
mod text;
pub mod tile;
pub mod tree;

#[cfg(test)]
mod vectors;

pub use chain::{Chain, Sealed};
pub use checkpoint::Checkpoint;
pub use commitment::{Opening, Secret};
pub use entry::OpenedEntry;
pub use hash::Hash;
pub use leaf::LeafEntry;
pub use note::{Note, VerifierKey};
pub use origin::Origin;
pub use tree::TreeHead;
