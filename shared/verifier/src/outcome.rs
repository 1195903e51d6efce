//! How a check ends: with a [`Report`] of what holds, with a [`Fault`], or with [`Trouble`] on the way.

use std::{io, path::Path};

use domain::time::Timestamp;
use ledger::{Hash, Origin, tree::TreeHead};
use serde::Serialize;

/// Why a check did not end with a report.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What was given is not what it claims to be. The exit code is 1.
    #[error(transparent)]
    Broken(#[from] Fault),
    /// Nobody can tell. The exit code is 3.
    #[error(transparent)]
    Unchecked(#[from] Trouble),
}

/// One thing that does not hold: the first one, in the order of sequences.
///
/// As text one sentence; as JSON an object with the `kind` and what the sentence names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    #[error("{what} cannot be read: {reason}")]
    Malformed { what: String, reason: String },
    #[error("{what} is of the log {found}, and not of {expected}")]
    OtherLog { what: String, found: String, expected: String },
    #[error("{what} is signed by none of the keys that were given")]
    NotSigned { what: String },
    #[error("the signature of {key} on {what} is wrong")]
    WrongSignature { what: String, key: String },
    #[error("{found} of the witnesses cosigned {what}, and {needed} must have")]
    TooFewWitnesses { what: String, found: usize, needed: usize },

    #[error("the log was rolled back: a checkpoint of size {was} was signed before, and this one has size {size}")]
    RolledBack { was: u64, size: u64 },
    #[error(
        "the log was forked: its first {size} entries have the root {found}, and a signed checkpoint says {signed}"
    )]
    Forked { size: u64, found: Hash, signed: Hash },
    #[error("the ledger hash at sequence {sequence} is {found}, and {noted} was noted down")]
    NotAsNoted { sequence: u64, found: Hash, noted: Hash },
    #[error("the ledger hash of sequence {sequence} was noted down, and {what} ends at {last}")]
    EndsBeforeNoted { what: String, sequence: u64, last: u64 },

    #[error("{path} is missing, which a log of {size} entries has; the first entry in it is sequence {sequence}")]
    MissingFile { path: String, sequence: u64, size: u64 },
    #[error(
        "{path} has {found} bytes and must have {expected}; the first entry that it is about is sequence {sequence}"
    )]
    TileLength { path: String, found: u64, expected: u64, sequence: u64 },
    #[error("{path} ends before the entry at sequence {sequence}")]
    BundleEnds { path: String, sequence: u64 },
    #[error("{path} goes on after the entry at sequence {sequence}, where it must end")]
    BundleGoesOn { path: String, sequence: u64 },
    #[error("the entry at sequence {sequence} does not hash to its leaf in {tile}")]
    OtherLeaf { sequence: u64, tile: String },
    #[error("{tile} does not have the root of the entries from sequence {sequence} to {last}")]
    OtherNode { sequence: u64, last: u64, tile: String },
    #[error("the entries and tiles have the root {found}, and the checkpoint of size {size} says {signed}")]
    OtherRoot { size: u64, found: Hash, signed: Hash },

    #[error("the entry at sequence {sequence} is no leaf entry in canonical form: {reason}")]
    NotAnEntry { sequence: u64, reason: String },
    #[error("the entry at sequence {sequence} says that it is sequence {found}")]
    OtherSequence { sequence: u64, found: u64 },
    #[error("the entry at sequence {sequence} is of the log {found}, and not of {expected}")]
    EntryOfOtherLog { sequence: u64, found: Origin, expected: Origin },
    #[error("the entry at sequence {sequence} says that it was received before the entry ahead of it")]
    TimeGoesBack { sequence: u64 },

    #[error("the entry at sequence {sequence} has the event id of an earlier one")]
    SameEvent { sequence: u64 },

    #[error("the event at sequence {sequence} is not in the tree of the checkpoint: {reason}")]
    NotInTree { sequence: u64, reason: String },
    #[error("the content of the event at sequence {sequence} is not what its entry commits to: {reason}")]
    OtherContent { sequence: u64, reason: String },
    #[error("the event that was given and the proven one (sequence {sequence}) differ in {field}")]
    OtherEvent { sequence: u64, field: &'static str },

    #[error("{file} ends before the entry at sequence {sequence}")]
    RangeEnds { file: String, sequence: u64 },
    /// The bundle has the chain at its two ends only, so that no entry between them can be named.
    #[error("{file}: the chain does not lead from sequence {from} to the ledger hash at {to}; an entry was changed")]
    OtherChain { file: String, from: u64, to: u64 },
    #[error(
        "{file}: the entries from sequence {from} to {to} are not those in the tree of the checkpoint (size {size})"
    )]
    OtherTree { file: String, from: u64, to: u64, size: u64 },
    /// `sequence` is the first one that is missing, or the first that is there twice.
    #[error("{file} starts at sequence {from}, and the one before it ends at {last}")]
    NotNext { file: String, sequence: u64, from: u64, last: u64 },
    #[error("{file} does not go on from the one before it, which ends at sequence {last}: their {what} differ")]
    DoesNotJoin { file: String, sequence: u64, last: u64, what: &'static str },

    #[error("the tree of size {from} is not the start of the tree of size {to}: {reason}")]
    Inconsistent { from: u64, to: u64, reason: String },
    #[error("the proof is about a tree of size {size}, of which no signed checkpoint was given")]
    HeadNotSigned { size: u64 },
}

impl Fault {
    /// The first sequence that is broken, where one can be named.
    #[must_use]
    pub fn sequence(&self) -> Option<u64> {
        match *self {
            Self::NotAsNoted { sequence, .. }
            | Self::EndsBeforeNoted { sequence, .. }
            | Self::MissingFile { sequence, .. }
            | Self::TileLength { sequence, .. }
            | Self::BundleEnds { sequence, .. }
            | Self::BundleGoesOn { sequence, .. }
            | Self::OtherLeaf { sequence, .. }
            | Self::OtherNode { sequence, .. }
            | Self::NotAnEntry { sequence, .. }
            | Self::OtherSequence { sequence, .. }
            | Self::EntryOfOtherLog { sequence, .. }
            | Self::TimeGoesBack { sequence }
            | Self::SameEvent { sequence }
            | Self::NotInTree { sequence, .. }
            | Self::OtherContent { sequence, .. }
            | Self::OtherEvent { sequence, .. }
            | Self::RangeEnds { sequence, .. }
            | Self::NotNext { sequence, .. }
            | Self::DoesNotJoin { sequence, .. } => Some(sequence),
            Self::Malformed { .. }
            | Self::OtherLog { .. }
            | Self::NotSigned { .. }
            | Self::WrongSignature { .. }
            | Self::TooFewWitnesses { .. }
            | Self::RolledBack { .. }
            | Self::Forked { .. }
            | Self::OtherRoot { .. }
            | Self::OtherChain { .. }
            | Self::OtherTree { .. }
            | Self::Inconsistent { .. }
            | Self::HeadNotSigned { .. } => None,
        }
    }
}

/// Why something could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("{path} cannot be read: {reason}")]
    Read { path: String, reason: io::Error },
    #[error("{url}: {reason}")]
    Network { url: String, reason: String },
    #[error("a token is not sent to {address}, because the connection is not encrypted")]
    Insecure { address: String },
    #[error("this program was built without HTTPS; build it with `--features https`")]
    NoHttps,
    #[error("there is no certificate (PEM) among the authorities to trust")]
    NoAuthority,
    #[error("{what} is not there, so that there is nothing to check")]
    Absent { what: String },
    #[error(
        "whether the log extends its checkpoint of size {from} cannot be told without the consistency proof from size \
         {from} to {to} (`--consistency`)"
    )]
    NoConsistency { from: u64, to: u64 },
    #[error("the root of size {size} is signed by nobody; give the checkpoint of that size (`--since`)")]
    NoCheckpointOf { size: u64 },
    #[error("the event has neither `secret` nor `opening`, and nor has the proof: ask for it with `content=true`")]
    NoOpening,
    #[error("the ledger hash of sequence {sequence} was noted down, and what was given does not show it")]
    NotShown { sequence: u64 },
}

impl Trouble {
    pub(crate) fn read(path: &Path, reason: io::Error) -> Self {
        Self::Read { path: path.display().to_string(), reason }
    }
}

/// What holds.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// In one sentence.
    pub sentence: String,
    pub origin: Origin,
    /// The signed tree head that all of it was checked against.
    pub checkpoint: Head,
    /// The log's keys whose signatures were found good, as `name+id`.
    pub signed_by: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cosigned_by: Vec<Cosigned>,
    /// Signed tree heads that this one extends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extends: Vec<Head>,
    /// The chain before the first entry that was read, unless that is the log's first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_after: Option<Noted>,
    /// The chain after the last entry that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Noted>,
    /// When the last entry that was read was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_received_at: Option<Timestamp>,
    /// What was proven of one event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventReport>,
    /// Events in a range whose content was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened: Option<u64>,
    /// What is worth knowing and is no fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Report {
    /// A report of nothing but a checkpoint.
    pub(crate) fn of(origin: Origin, head: TreeHead, signed_by: Vec<String>, cosigned_by: Vec<Cosigned>) -> Self {
        Self {
            sentence: String::new(),
            origin,
            checkpoint: head.into(),
            signed_by,
            cosigned_by,
            extends: Vec::new(),
            starts_after: None,
            ends_at: None,
            last_received_at: None,
            event: None,
            opened: None,
            notes: Vec::new(),
        }
    }
}

/// A tree head as JSON has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Head {
    pub size: u64,
    pub root: Hash,
}

impl From<TreeHead> for Head {
    fn from(head: TreeHead) -> Self {
        Self { size: head.size, root: head.root }
    }
}

/// The chain's hash at a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Noted {
    pub sequence: u64,
    pub ledger_hash: Hash,
}

/// A witness, and when it cosigned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cosigned {
    pub witness: String,
    pub at: Timestamp,
}

/// What a proof says of its event.
#[derive(Debug, Clone, Serialize)]
pub struct EventReport {
    pub sequence: u64,
    pub event_id: String,
    pub order_id: String,
    #[serde(rename = "type")]
    pub event_type: String,
    pub received_at: Timestamp,
    pub leaf_hash: Hash,
    /// Whether payload and metadata were there and are what the entry commits to.
    pub content_checked: bool,
    /// The fields that were erased, as JSON Pointers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<String>,
}
