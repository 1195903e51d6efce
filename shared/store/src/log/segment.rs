//! A segment: the events of one commit, and the one item that makes them part of the log.

use std::{
    hash::{Hash as StdHash, Hasher},
    sync::{Arc, OnceLock},
};

use domain::{event::Event, time::Timestamp};
use ledger::{Chain, Hash, Opening, Origin, Sealed};
use serde::{Deserialize, Serialize};

use super::{draft::Draft, packing::pack};
use crate::error::StoreError;

/// What one commit may hold, in bytes of JSON before compression, when its item holds the events themselves: with what
/// does not compress it must stay below the 400 KB of an item. One event may be larger.
pub(super) const MAX_INLINE_BYTES: usize = 256 * 1024;
/// The same when a large commit is staged in S3.
pub(super) const MAX_STAGED_BYTES: usize = 5 * 1024 * 1024;
/// What one commit may hold, in events.
pub(super) const MAX_SEGMENT_EVENTS: usize = 500;

/// How an event stands to its registered schema; no tag when none is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaTag {
    Fits,
    /// The tenant chose to tag such events instead of refusing them.
    Mismatch,
}

/// An event as the log keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub event: Event,
    /// `secret`, or `opening` once a field was erased.
    #[serde(flatten)]
    pub opening: Opening,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaTag>,
}

impl Entry {
    /// How long its JSON is, in bytes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], when it has no JSON form: a bug of ours.
    pub fn json_len(&self) -> Result<usize, StoreError> {
        let mut count = Counter(0);
        serde_json::to_writer(&mut count, self).map_err(StoreError::corrupt)?;
        Ok(count.0)
    }
}

/// Counts what is written to it.
struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The events of one commit. Their hashes are not stored: they follow from the entries and `previous`.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// The sequence number of the first entry.
    pub first: u64,
    /// The log's hash before the first entry.
    pub previous: Hash,
    /// The log's hash after the last one.
    pub end: Hash,
    pub origin: Origin,
    /// When the commit was made; never earlier than the segment before.
    pub received_at: Timestamp,
    /// Random: by this a writer that lost the answer knows its own segment again.
    pub commit: [u8; 16],
    pub entries: Vec<Entry>,
    memo: Memo,
}

/// Where an entry stands, and what tells a repetition of it from a conflict.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) sealed: Sealed,
    pub(super) submitted: [u8; 32],
}

/// What was computed before and is needed again. It follows from the rest, so it is no part of what a segment is.
#[derive(Debug, Clone, Default)]
struct Memo {
    /// Of every entry.
    places: OnceLock<Vec<Placed>>,
    /// What the entries were made of, in the process that commits them.
    drafts: Vec<Arc<Draft>>,
    packed: OnceLock<Vec<u8>>,
    staged: bool,
}

impl PartialEq for Memo {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What is stored of a segment beside its entries.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) first: u64,
    pub(super) previous: Hash,
    pub(super) end: Hash,
    pub(super) origin: Origin,
    pub(super) received_at: Timestamp,
    pub(super) commit: [u8; 16],
}

impl Eq for Segment {}

impl StdHash for Segment {
    /// The chain's hash stands for everything before it and for every entry.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.first, self.end, self.commit).hash(state);
    }
}

impl Segment {
    /// As it was committed. `end` is the log's hash after it.
    pub(super) fn stored(parts: Stored, entries: Vec<Entry>, staged: bool) -> Self {
        let Stored { first, previous, end, origin, received_at, commit } = parts;
        let memo = Memo { staged, ..Memo::default() };
        Self { first, previous, end, origin, received_at, commit, entries, memo }
    }

    /// Seals the drafts onto the end of `chain`. There must be at least one.
    pub(super) fn seal(chain: &Chain, received_at: Timestamp, commit: [u8; 16], drafts: &[Arc<Draft>]) -> Self {
        let mut end = chain.clone();
        let places: Vec<_> = drafts
            .iter()
            .map(|draft| Placed {
                sealed: end.seal(&draft.entry.event, received_at, &draft.entry.opening),
                submitted: draft.submitted,
            })
            .collect();
        Self {
            first: chain.sequence() + 1,
            previous: chain.ledger_hash(),
            end: end.ledger_hash(),
            origin: chain.origin().clone(),
            received_at,
            commit,
            entries: drafts.iter().map(|draft| draft.entry.clone()).collect(),
            memo: Memo { places: OnceLock::from(places), drafts: drafts.to_vec(), ..Memo::default() },
        }
    }

    /// The sequence number after the last entry: where the next segment goes.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The chain after this segment.
    #[must_use]
    pub fn chain(&self) -> Chain {
        Chain::at(self.origin.clone(), self.next() - 1, self.end)
    }

    /// Each entry with what sealing gives it, computed anew from what is stored.
    pub fn sealed(&self) -> impl Iterator<Item = (&Entry, Sealed)> {
        let mut chain = Chain::at(self.origin.clone(), self.first - 1, self.previous);
        self.entries.iter().map(move |entry| (entry, chain.seal(&entry.event, self.received_at, &entry.opening)))
    }

    /// Where the entries stand. Computed once: what proves something to somebody uses [`Segment::sealed`].
    pub(super) fn places(&self) -> &[Placed] {
        self.memo.places.get_or_init(|| {
            self.sealed().map(|(entry, sealed)| Placed { sealed, submitted: entry.event.submitted_sha256() }).collect()
        })
    }

    /// The compressed JSON of one entry.
    pub(super) fn packed_entry(&self, at: usize) -> Result<Vec<u8>, StoreError> {
        match self.memo.drafts.get(at) {
            Some(draft) => draft.packed().map(<[u8]>::to_vec),
            None => pack(&serde_json::to_vec(&self.entries[at]).map_err(StoreError::corrupt)?),
        }
    }

    /// One JSON [`Entry`] a line.
    fn lines(&self) -> Result<Vec<u8>, StoreError> {
        let mut lines = Vec::with_capacity(self.entries.len() * 1536);
        for (at, entry) in self.entries.iter().enumerate() {
            match self.memo.drafts.get(at) {
                Some(draft) => lines.extend_from_slice(&draft.json),
                None => serde_json::to_writer(&mut lines, entry).map_err(StoreError::corrupt)?,
            }
            lines.push(b'\n');
        }
        Ok(lines)
    }

    /// The entries as they are stored: one JSON [`Entry`] a line, zstd-compressed together.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], when they cannot be compressed: a bug of ours.
    pub(super) fn packed(&self) -> Result<&[u8], StoreError> {
        if let Some(packed) = self.memo.packed.get() {
            return Ok(packed);
        }
        let packed = pack(&self.lines()?)?;
        Ok(self.memo.packed.get_or_init(|| packed))
    }

    /// Has the entries put into S3, and the item of the segment point to them.
    #[must_use]
    pub(super) fn into_staged(self) -> Self {
        Self { memo: Memo { staged: true, ..self.memo }, ..self }
    }

    /// Whether the entries are in S3.
    #[must_use]
    pub fn is_staged(&self) -> bool {
        self.memo.staged
    }

    /// How long the JSON is that is packed, in bytes.
    pub(super) fn unpacked_len(&self) -> usize {
        self.memo.drafts.iter().map(|draft| draft.json.len() + 1).sum()
    }
}
