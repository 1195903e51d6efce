//! A bundle of proof for a run of events: `order-history/range@v1`.
//!
//! Lines of JSON, each ended by a line feed: a header with the chain hashes at both ends and with what stands left and
//! right of the range in the tree, the entries, and a footer with the signed checkpoint and a signed statement. Written
//! and checked line by line, so neither side holds more than one entry.

mod statement;
mod verifier;

use domain::json;
use serde::{Deserialize, Serialize};

use crate::{
    entry::{EntryError, canonical},
    hash::Hash,
    origin::Origin,
    tile::RangeProof,
};

pub use statement::{Statement, StatementError};
pub use verifier::{RangeError, RangeVerifier, VerifiedRange};

/// The name of the format: a member of the header, and the first line of the statement.
pub const FORMAT: &str = "order-history/range@v1";
/// The media type of a bundle.
pub const MEDIA_TYPE: &str = "application/x-ndjson";

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeHeader {
    /// [`FORMAT`]
    pub format: String,
    /// The sequence number of the first event, from 1.
    pub from: u64,
    /// The chain's hash at `to`.
    pub ledger_hash: Hash,
    /// The hashes of `decompose(0, from - 1)`.
    pub left: Vec<Hash>,
    pub origin: Origin,
    /// The chain's hash at `from - 1`.
    pub previous_ledger_hash: Hash,
    /// The hashes of `decompose(to, size)`; the size is that of the checkpoint.
    pub right: Vec<Hash>,
    /// The sequence number of the last event.
    pub to: u64,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeFooter {
    /// A signed note of the log.
    pub checkpoint: String,
    /// A signed note of the log's range key: see [`Statement`].
    pub statement: String,
}

impl RangeHeader {
    /// What a statement and a proof out of the tiles say, as the first line of a bundle.
    #[must_use]
    pub fn new(statement: &Statement, proof: RangeProof) -> Self {
        Self {
            format: FORMAT.to_owned(),
            from: statement.from,
            ledger_hash: statement.ledger_hash,
            left: proof.left,
            origin: statement.origin.clone(),
            previous_ledger_hash: statement.previous_ledger_hash,
            right: proof.right,
            to: statement.to,
        }
    }

    /// With its line feed.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        line(json::canonical(self))
    }

    fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        canonical(bytes)
    }
}

impl RangeFooter {
    /// With its line feed.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        line(json::canonical(self))
    }

    fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        canonical(bytes)
    }
}

/// A line out of the bytes of an entry, alone ([`LeafEntry::to_bytes`](crate::LeafEntry::to_bytes)) or opened
/// ([`OpenedEntry::to_bytes`](crate::entry::OpenedEntry::to_bytes)). A bundle has either the one kind or the other.
#[must_use]
pub fn line(mut json: Vec<u8>) -> Vec<u8> {
    json.push(b'\n');
    json
}
