//! The index over the log: an event by its id, an order's events in their sequence. A projection: both kinds of items
//! follow from the segments, byte for byte, so they may be written again by anybody.

use domain::{
    ids::{EventId, OrderId, TenantId},
    time::Timestamp,
};
use ledger::{Hash, Sealed};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};

use super::segment::{Entry, SchemaTag, Segment, pack, unpack};
use crate::{
    error::StoreError,
    item::{self, Item, n, s},
};

/// What a producer gets back, the first time and every later time.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct EventItem {
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
    fn new(tenant: &TenantId, entry: &Entry, sealed: Sealed, received_at: Timestamp) -> Self {
        Self {
            pk: event_key(tenant, &entry.event.event_id),
            sk: 0,
            event_id: entry.event.event_id.clone(),
            order_id: entry.event.order_id.clone(),
            sequence: sealed.sequence,
            received_at,
            sha256: ByteArray::new(sealed.leaf_hash.0),
            ledger_hash: ByteArray::new(sealed.ledger_hash.0),
            submitted: entry.opening.is_secret().then(|| ByteArray::new(entry.event.submitted_sha256())),
        }
    }

    pub(super) fn receipt(&self) -> Receipt {
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

/// The key of one index item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct IndexKey {
    pub(super) pk: String,
    pub(super) sk: u64,
}

impl IndexKey {
    pub(super) fn event(tenant: &TenantId, event_id: &EventId) -> Self {
        Self { pk: event_key(tenant, event_id), sk: 0 }
    }

    pub(super) fn timeline(tenant: &TenantId, order_id: &OrderId, sequence: u64) -> Self {
        Self { pk: timeline_key(tenant, order_id), sk: sequence }
    }

    pub(super) fn to_item(&self) -> Item {
        Item::from([("pk".to_owned(), s(&self.pk)), ("sk".to_owned(), n(self.sk))])
    }
}

/// The keys of all index items of a segment.
pub(super) fn keys<'a>(tenant: &'a TenantId, segment: &'a Segment) -> impl Iterator<Item = IndexKey> + 'a {
    segment.entries.iter().zip(segment.first..).flat_map(move |(entry, sequence)| {
        [IndexKey::event(tenant, &entry.event.event_id), IndexKey::timeline(tenant, &entry.event.order_id, sequence)]
    })
}

/// All index items of a segment.
pub(super) fn items(tenant: &TenantId, segment: &Segment) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::with_capacity(segment.entries.len() * 2);
    for (entry, sealed) in segment.sealed() {
        items.push(item::to_item(&EventItem::new(tenant, entry, sealed, segment.received_at))?);
        items.push(item::to_item(&TimelineItem {
            pk: timeline_key(tenant, &entry.event.order_id),
            sk: sealed.sequence,
            received_at: segment.received_at,
            sha256: ByteArray::new(sealed.leaf_hash.0),
            ledger_hash: ByteArray::new(sealed.ledger_hash.0),
            body: ByteBuf::from(pack(&serde_json::to_vec(entry).map_err(StoreError::corrupt)?)?),
        })?);
    }
    Ok(items)
}

/// The receipts of a segment's events, computed from the segment alone.
pub(super) fn event_items<'a>(
    tenant: &'a TenantId,
    segment: &'a Segment,
) -> impl Iterator<Item = (&'a Entry, EventItem)> + 'a {
    segment.sealed().map(|(entry, sealed)| (entry, EventItem::new(tenant, entry, sealed, segment.received_at)))
}
