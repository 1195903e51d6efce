//! The proof of one event: <https://c2sp.org/tlog-proof>.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    checkpoint::{Checkpoint, CheckpointError},
    entry::{EntryError, MAX_OPENED_BYTES, Shown},
    hash::Hash,
    note::{MAX_NOTE_BYTES, Note, NoteError, Verified, VerifierKey},
    origin::Origin,
    text,
    tree::{ProofError, verify_inclusion},
};

/// The first line.
pub const FORMAT: &str = "c2sp.org/tlog-proof@v1";
/// The extension of a file with a proof.
pub const FILE_EXTENSION: &str = "tlog-proof";
/// No tree of ours is higher.
const MAX_HASHES: usize = 53;
/// `extra` in Base64, the checkpoint, and what stands between.
const MAX_BYTES: usize = MAX_OPENED_BYTES / 3 * 4 + MAX_NOTE_BYTES + 4096;

/// The place of an event in a tree that the log has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// The bytes of a [`Shown`] entry; other logs put other things here.
    pub extra: Option<Vec<u8>>,
    /// The sequence number less one.
    pub index: u64,
    /// RFC 6962 section 2.1.1, from the leaf's sibling up.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint, as the log published it.
    pub checkpoint: Note,
}

/// What a proof says, once it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvedEvent<'a> {
    pub shown: Shown,
    pub checkpoint: Checkpoint,
    /// The signatures on the checkpoint by known keys.
    pub verified: Vec<Verified<'a>>,
}

/// Why a proof was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    #[error("a proof has at most {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the proof is not UTF-8")]
    Characters,
    #[error("the proof does not begin with the line {FORMAT}")]
    Format,
    #[error("the proof's extra line is not Base64")]
    Extra,
    #[error("the proof's index line is no number in its one form")]
    Index,
    /// `line` counts the hashes, from 1.
    #[error("hash {line} of the proof is no hash in Base64, or is one too many")]
    Hash { line: usize },
    #[error("the proof has no empty line and no checkpoint behind its hashes")]
    NoCheckpoint,
    #[error("the proof's checkpoint: {0}")]
    Note(NoteError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("the proof does not show the event")]
    NothingShown,
    #[error("the event in the proof: {0}")]
    Entry(#[from] EntryError),
    #[error("the event {sequence} in the proof belongs to the log {found}, not to {origin}")]
    OtherLog { sequence: u64, origin: Origin, found: Origin },
    #[error("the event in the proof is number {sequence}, the proof is about number {}", index + 1)]
    OtherEvent { sequence: u64, index: u64 },
    #[error("the event {sequence} is not in the tree: {error}")]
    NotInTree { sequence: u64, error: ProofError },
}

impl TlogProof {
    /// Reads a proof; nothing in it is checked yet but its form.
    ///
    /// # Errors
    /// [`TlogProofError`], saying what is not well-formed.
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogProofError> {
        if bytes.len() > MAX_BYTES {
            return Err(TlogProofError::TooLarge);
        }
        let proof = std::str::from_utf8(bytes).map_err(|_| TlogProofError::Characters)?;
        let (lines, checkpoint) = proof.split_once("\n\n").ok_or(TlogProofError::NoCheckpoint)?;
        let mut lines = lines.split('\n');
        if lines.next() != Some(FORMAT) {
            return Err(TlogProofError::Format);
        }
        let mut line = lines.next().ok_or(TlogProofError::Index)?;
        let mut extra = None;
        if let Some(base64) = line.strip_prefix("extra ") {
            let bytes = STANDARD.decode(base64).ok().filter(|bytes| !bytes.is_empty()).ok_or(TlogProofError::Extra)?;
            extra = Some(bytes);
            line = lines.next().ok_or(TlogProofError::Index)?;
        }
        let index = line.strip_prefix("index ").and_then(text::number).ok_or(TlogProofError::Index)?;
        let mut hashes = Vec::new();
        for (line, number) in lines.zip(1..) {
            let hash = text::hash(line).filter(|_| number <= MAX_HASHES);
            hashes.push(hash.ok_or(TlogProofError::Hash { line: number })?);
        }
        let checkpoint = Note::parse(checkpoint.as_bytes()).map_err(TlogProofError::Note)?;
        Ok(Self { extra, index, hashes, checkpoint })
    }

    /// Checks everything: that the log has signed the checkpoint, that the event is in its tree at its sequence number,
    /// and, when they are shown, that payload and metadata are what was recorded.
    ///
    /// # Errors
    /// [`TlogProofError`].
    pub fn verify<'a>(&self, keys: &'a [VerifierKey]) -> Result<ProvedEvent<'a>, TlogProofError> {
        let (checkpoint, verified) = Checkpoint::verify(&self.checkpoint, keys)?;
        let shown = Shown::parse(self.extra.as_deref().ok_or(TlogProofError::NothingShown)?)?;
        let (entry, sequence) = (shown.entry(), shown.entry().seq);
        if entry.origin != checkpoint.origin {
            let (origin, found) = (checkpoint.origin, entry.origin.clone());
            return Err(TlogProofError::OtherLog { sequence, origin, found });
        }
        if sequence.checked_sub(1) != Some(self.index) {
            return Err(TlogProofError::OtherEvent { sequence, index: self.index });
        }
        verify_inclusion(entry.leaf_hash(), self.index, &self.hashes, &checkpoint.head())
            .map_err(|error| TlogProofError::NotInTree { sequence, error })?;
        shown.check()?;
        Ok(ProvedEvent { shown, checkpoint, verified })
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FORMAT}")?;
        if let Some(extra) = self.extra.as_deref().filter(|extra| !extra.is_empty()) {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", text::base64(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
