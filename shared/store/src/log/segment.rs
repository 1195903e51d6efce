//! A segment: the events of one commit, and the one item that makes them part of the log.

use domain::{event::Event, time::Timestamp};
use ledger::{Chain, Hash, Opening, Origin, Sealed};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};

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
}

impl Segment {
    /// Seals the entries onto the end of `chain`. There must be at least one.
    pub(super) fn seal(chain: &Chain, received_at: Timestamp, commit: [u8; 16], entries: Vec<Entry>) -> Self {
        let mut end = chain.clone();
        for entry in &entries {
            end.seal(&entry.event, received_at, &entry.opening);
        }
        Self {
            first: chain.sequence() + 1,
            previous: chain.ledger_hash(),
            end: end.ledger_hash(),
            origin: chain.origin().clone(),
            received_at,
            commit,
            entries,
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

    pub(super) fn to_item(&self, tenant: &str) -> Result<Item, StoreError> {
        let mut lines = Vec::with_capacity(self.entries.len() * 512);
        for entry in &self.entries {
            serde_json::to_writer(&mut lines, entry).map_err(StoreError::corrupt)?;
            lines.push(b'\n');
        }
        item::to_item(&SegmentItem {
            tenant: tenant.to_owned(),
            first: self.first,
            count: self.entries.len() as u64,
            prev_hash: ByteArray::new(self.previous.0),
            end_hash: ByteArray::new(self.end.0),
            received_at: self.received_at,
            origin: self.origin.clone(),
            commit: ByteArray::new(self.commit),
            data: ByteBuf::from(pack(&lines)?),
        })
    }
}

/// The item at (tenant, first) of the segments table.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SegmentItem {
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
        let lines = unpack(&self.data)?;
        let entries = lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).map_err(StoreError::corrupt))
            .collect::<Result<Vec<Entry>, _>>()?;
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
        })
    }
}

pub(super) fn pack(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    zstd::bulk::compress(bytes, ZSTD_LEVEL).map_err(StoreError::corrupt)
}

pub(super) fn unpack(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    zstd::bulk::decompress(bytes, MAX_UNPACKED_BYTES).map_err(StoreError::corrupt)
}
