//! A segment: the events of one commit, and the one item that makes them part of the log.

use std::{
    cell::RefCell,
    hash::{Hash as StdHash, Hasher},
    sync::{Arc, OnceLock},
};

use domain::{event::Event, time::Timestamp};
use ledger::{Chain, Hash, Origin, Sealed, Secret};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};

use super::draft::Draft;
use crate::{
    error::StoreError,
    item::{self, Item},
};

/// What one commit may hold, in bytes of JSON before compression. Events compress three- to fivefold together, so the
/// item stays near 64 KB: a strong read of a log's end then costs at most 16 read units. One event may be larger.
pub(super) const MAX_SEGMENT_BYTES: usize = 256 * 1024;
/// What one commit may hold, in events.
pub(super) const MAX_SEGMENT_EVENTS: usize = 500;
/// The most that a segment may unpack to; a larger one is not ours. One event can be [`domain::event::MAX_EVENT_BYTES`].
const MAX_UNPACKED_BYTES: usize = 4 * 1024 * 1024;
/// zstd's own default: the next levels cost several times the CPU for a few percent.
const ZSTD_LEVEL: i32 = 3;

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
    pub secret: Secret,
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
}

impl PartialEq for Memo {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Segment {}

impl StdHash for Segment {
    /// The chain's hash stands for everything before it and for every entry.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.first, self.end, self.commit).hash(state);
    }
}

impl Segment {
    /// Seals the drafts onto the end of `chain`. There must be at least one.
    pub(super) fn seal(chain: &Chain, received_at: Timestamp, commit: [u8; 16], drafts: &[Arc<Draft>]) -> Self {
        let mut end = chain.clone();
        let places: Vec<_> = drafts
            .iter()
            .map(|draft| Placed {
                sealed: end.seal(&draft.entry.event, received_at, &draft.entry.secret),
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
            memo: Memo { places: OnceLock::from(places), drafts: drafts.to_vec() },
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
        self.entries.iter().map(move |entry| (entry, chain.seal(&entry.event, self.received_at, &entry.secret)))
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

    pub(super) fn to_item(&self, tenant: &str) -> Result<Item, StoreError> {
        item::to_item(&SegmentItem {
            tenant: tenant.to_owned(),
            first: self.first,
            count: self.entries.len() as u64,
            prev_hash: ByteArray::new(self.previous.0),
            end_hash: ByteArray::new(self.end.0),
            received_at: self.received_at,
            origin: self.origin.clone(),
            commit: ByteArray::new(self.commit),
            data: ByteBuf::from(pack(&self.lines()?)?),
        })
    }
}

/// The item at (tenant, first) of the segments table.
#[derive(Debug, Serialize, Deserialize)]
pub struct SegmentItem {
    tenant: String,
    pub(super) first: u64,
    count: u64,
    prev_hash: ByteArray<32>,
    end_hash: ByteArray<32>,
    pub(super) received_at: Timestamp,
    origin: Origin,
    commit: ByteArray<16>,
    /// One JSON [`Entry`] a line, zstd-compressed together.
    data: ByteBuf,
}

impl SegmentItem {
    /// The sequence number after the last entry.
    pub(super) fn next(&self) -> u64 {
        self.first + self.count
    }

    /// The chain after this segment; known without unpacking it.
    pub(super) fn chain(&self) -> Chain {
        Chain::at(self.origin.clone(), self.next() - 1, Hash(self.end_hash.into_array()))
    }

    pub(super) fn open(&self) -> Result<Segment, StoreError> {
        let entries = unpack_entries(&self.data)?;
        if entries.is_empty() || entries.len() as u64 != self.count {
            return Err(StoreError::corrupt(format_args!("the segment at {} lost entries", self.first)));
        }
        Ok(Segment {
            first: self.first,
            previous: Hash(self.prev_hash.into_array()),
            end: Hash(self.end_hash.into_array()),
            origin: self.origin.clone(),
            received_at: self.received_at,
            commit: self.commit.into_array(),
            entries,
            memo: Memo::default(),
        })
    }
}

/// A segment as a table holds it: unpacked only by whom needs the entries.
#[derive(Debug)]
pub enum StoredSegment {
    #[doc(hidden)]
    Packed(Box<SegmentItem>),
    /// One that never was packed.
    #[cfg(feature = "testing")]
    Ready(Arc<Segment>),
}

impl StoredSegment {
    /// The sequence number of the first entry.
    #[must_use]
    pub fn first(&self) -> u64 {
        match self {
            Self::Packed(item) => item.first,
            #[cfg(feature = "testing")]
            Self::Ready(segment) => segment.first,
        }
    }

    /// The sequence number after the last entry.
    #[must_use]
    pub fn next(&self) -> u64 {
        match self {
            Self::Packed(item) => item.next(),
            #[cfg(feature = "testing")]
            Self::Ready(segment) => segment.next(),
        }
    }

    pub(super) fn open(&self) -> Result<Arc<Segment>, StoreError> {
        match self {
            Self::Packed(item) => item.open().map(Arc::new),
            #[cfg(feature = "testing")]
            Self::Ready(segment) => Ok(Arc::clone(segment)),
        }
    }
}

pub(super) fn unpack_entries(bytes: &[u8]) -> Result<Vec<Entry>, StoreError> {
    unpack(bytes)?
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).map_err(StoreError::corrupt))
        .collect()
}

pub(super) fn pack(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    thread_local! {
        /// Making a compressor takes longer than compressing one event.
        static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    }
    COMPRESSOR.with_borrow_mut(|kept| {
        let mut compressor = match kept.take() {
            Some(compressor) => compressor,
            None => zstd::bulk::Compressor::new(ZSTD_LEVEL).map_err(StoreError::corrupt)?,
        };
        let packed = compressor.compress(bytes).map_err(StoreError::corrupt)?;
        *kept = Some(compressor);
        Ok(packed)
    })
}

pub(super) fn unpack(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    zstd::bulk::decompress(bytes, MAX_UNPACKED_BYTES).map_err(StoreError::corrupt)
}
