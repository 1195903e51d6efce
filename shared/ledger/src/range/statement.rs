//! What the range key signs.

use crate::{
    hash::Hash,
    note::{KeyType, Note, NoteError, VerifierKey},
    origin::Origin,
    range::FORMAT,
    text,
    tree::TreeHead,
};

/// The log's word for the chain hashes at both ends of a range, and for the tree in which it lies. The checkpoint alone
/// says nothing of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub origin: Origin,
    pub from: u64,
    pub to: u64,
    /// The chain's hash at `from - 1`.
    pub previous_ledger_hash: Hash,
    /// The chain's hash at `to`.
    pub ledger_hash: Hash,
    pub head: TreeHead,
}

/// Why a statement was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("no known range key of the log has signed it")]
    NotByRangeKey,
    #[error("it says something else than the bundle")]
    Other,
}

impl Statement {
    /// The text that is signed: eight lines.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "{FORMAT}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n",
            self.origin,
            self.from,
            self.to,
            text::base64(&self.previous_ledger_hash),
            text::base64(&self.ledger_hash),
            self.head.size,
            text::base64(&self.head.root),
        )
    }

    /// Checks that a note says this, and that the range key of the log has signed it.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn verify(&self, note: &Note, keys: &[VerifierKey]) -> Result<(), StatementError> {
        let name = self.origin.range_key_name();
        let verified = note.verify(keys)?;
        if !verified.iter().any(|v| v.key.key_type() == KeyType::Ed25519 && v.key.name() == name) {
            return Err(StatementError::NotByRangeKey);
        }
        // The text follows from what was computed, so there is nothing to read in it.
        if note.text() == self.text() { Ok(()) } else { Err(StatementError::Other) }
    }
}
