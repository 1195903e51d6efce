//! The index over the log: an event by its id, an order's events in their sequence. A projection: both kinds of items
//! follow from the segments, byte for byte, so they may be written again by anybody.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    ids::{EventId, OrderId, TenantId},
    time::Timestamp,
};
use ledger::Hash;
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};

use super::{
    packing::unpack,
    segment::{Entry, Placed, SchemaTag, Segment},
};
use crate::{
    error::StoreError,
    item::{self, Item, n, s},
};

/// What a producer gets back, the first time and every later time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receipt {
    pub event_id: EventId,
    pub order_id: OrderId,
    pub sequence: u64,
    /// The RFC 6962 leaf hash.
    pub sha256: Hash,
    pub ledger_hash: Hash,
    pub received_at: Timestamp,
}

/// An event with its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEvent {
    pub entry: Entry,
    pub sequence: u64,
    pub received_at: Timestamp,
    /// The RFC 6962 leaf hash, as it was computed at the commit.
    pub sha256: Hash,
    pub ledger_hash: Hash,
}

impl RecordedEvent {
    #[must_use]
    pub fn schema(&self) -> Option<SchemaTag> {
        self.entry.schema
    }
}

/// The item that finds an event by its id and answers a repeated submission: at (`<tenant>#E#<event_id>`, 0).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventItem {
    pk: String,
    sk: u64,
    pub(super) event_id: EventId,
    pub(super) order_id: OrderId,
    pub(super) sequence: u64,
    pub(super) received_at: Timestamp,
    sha256: ByteArray<32>,
    ledger_hash: ByteArray<32>,
    /// [`domain::event::Event::submitted_sha256`]; goes when a field of the event is erased, because it would help to
    /// guess the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    submitted: Option<ByteArray<32>>,
}

impl EventItem {
    pub(super) fn new(tenant: &TenantId, segment: &Segment, entry: &Entry, placed: &Placed) -> Self {
        Self {
            pk: event_key(tenant, &entry.event.event_id),
            sk: 0,
            event_id: entry.event.event_id.clone(),
            order_id: entry.event.order_id.clone(),
            sequence: placed.sealed.sequence,
            received_at: segment.received_at,
            sha256: ByteArray::new(placed.sealed.leaf_hash.0),
            ledger_hash: ByteArray::new(placed.sealed.ledger_hash.0),
            submitted: entry.opening.is_secret().then(|| ByteArray::new(placed.submitted)),
        }
    }

    /// What its producer gets.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        Receipt {
            event_id: self.event_id.clone(),
            order_id: self.order_id.clone(),
            sequence: self.sequence,
            sha256: Hash(self.sha256.into_array()),
            ledger_hash: Hash(self.ledger_hash.into_array()),
            received_at: self.received_at,
        }
    }

    pub(super) fn submitted(&self) -> Option<[u8; 32]> {
        self.submitted.map(ByteArray::into_array)
    }
}

/// The item of an order's timeline: at (`<tenant>#O#<order_id>`, sequence).
#[derive(Debug, Serialize, Deserialize)]
struct TimelineItem {
    pk: String,
    sk: u64,
    received_at: Timestamp,
    sha256: ByteArray<32>,
    ledger_hash: ByteArray<32>,
    /// The JSON [`Entry`], zstd-compressed: an event of 1 KB stays within one write unit.
    body: ByteBuf,
}

pub(super) fn recorded_from_item(stored: Item) -> Result<RecordedEvent, StoreError> {
    let item: TimelineItem = item::from_item(stored)?;
    Ok(RecordedEvent {
        entry: serde_json::from_slice(&unpack(&item.body)?).map_err(StoreError::corrupt)?,
        sequence: item.sk,
        received_at: item.received_at,
        sha256: Hash(item.sha256.into_array()),
        ledger_hash: Hash(item.ledger_hash.into_array()),
    })
}

pub(super) fn event_key(tenant: &TenantId, event_id: &EventId) -> String {
    format!("{tenant}#E#{event_id}")
}

pub(super) fn timeline_key(tenant: &TenantId, order_id: &OrderId) -> String {
    format!("{tenant}#O#{order_id}")
}

/// The index items that were looked for and found. What is known of an event comes with its id's item.
pub type Found = BTreeMap<IndexKey, Option<EventItem>>;

/// The key of one index item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IndexKey {
    pub(super) pk: String,
    pub(super) sk: u64,
}

impl IndexKey {
    /// Of the item that finds an event by its id.
    #[must_use]
    pub fn event(tenant: &TenantId, event_id: &EventId) -> Self {
        Self { pk: event_key(tenant, event_id), sk: 0 }
    }

    /// Of an event in its order's timeline.
    #[must_use]
    pub fn timeline(tenant: &TenantId, order_id: &OrderId, sequence: u64) -> Self {
        Self { pk: timeline_key(tenant, order_id), sk: sequence }
    }

    pub(super) fn to_item(&self) -> Item {
        Item::from([("pk".to_owned(), s(&self.pk)), ("sk".to_owned(), n(self.sk))])
    }
}

/// One index item that is to be written. It follows from its segment, and is made when it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IndexItem {
    pub(super) segment: Arc<Segment>,
    /// Of the entry in the segment.
    pub(super) offset: usize,
    pub(super) kind: IndexKind,
}

/// What an index item is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum IndexKind {
    ById,
    Timeline,
}

impl IndexItem {
    /// Where it goes.
    #[must_use]
    pub fn key(&self, tenant: &TenantId) -> IndexKey {
        let (entry, placed) = self.of();
        match self.kind {
            IndexKind::ById => IndexKey::event(tenant, &entry.event.event_id),
            IndexKind::Timeline => IndexKey::timeline(tenant, &entry.event.order_id, placed.sealed.sequence),
        }
    }

    #[cfg(feature = "testing")]
    pub(super) fn is_by_id(&self) -> bool {
        self.kind == IndexKind::ById
    }

    /// The event that it speaks of; of an item of a timeline, all that is in it.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn recorded(&self) -> RecordedEvent {
        let (entry, Placed { sealed, .. }) = self.of();
        RecordedEvent {
            entry: entry.clone(),
            sequence: sealed.sequence,
            received_at: self.segment.received_at,
            sha256: sealed.leaf_hash,
            ledger_hash: sealed.ledger_hash,
        }
    }

    /// # Panics
    /// Never: an index item is made for an entry that is there.
    fn of(&self) -> (&Entry, &Placed) {
        (&self.segment.entries[self.offset], &self.segment.places()[self.offset])
    }

    pub(super) fn event_item(&self, tenant: &TenantId) -> EventItem {
        let (entry, placed) = self.of();
        EventItem::new(tenant, &self.segment, entry, placed)
    }

    pub(super) fn to_item(&self, tenant: &TenantId) -> Result<Item, StoreError> {
        let (entry, Placed { sealed, .. }) = self.of();
        match self.kind {
            IndexKind::ById => item::to_item(&self.event_item(tenant)),
            IndexKind::Timeline => item::to_item(&TimelineItem {
                pk: timeline_key(tenant, &entry.event.order_id),
                sk: sealed.sequence,
                received_at: self.segment.received_at,
                sha256: ByteArray::new(sealed.leaf_hash.0),
                ledger_hash: ByteArray::new(sealed.ledger_hash.0),
                body: ByteBuf::from(self.segment.packed_entry(self.offset)?),
            }),
        }
    }
}

/// All index items of a segment.
pub(super) fn items(segment: &Arc<Segment>) -> impl Iterator<Item = IndexItem> {
    (0..segment.entries.len()).flat_map(move |offset| items_of(segment, offset))
}

/// The index items of one entry of a segment.
pub(super) fn items_of(segment: &Arc<Segment>, offset: usize) -> [IndexItem; 2] {
    [IndexKind::ById, IndexKind::Timeline].map(|kind| IndexItem { segment: Arc::clone(segment), offset, kind })
}
