//! The index over the log: an event by its id, an order's events in their sequence, and apart from them those that say
//! something about the others. A projection: its items follow from the segments, byte for byte, so they may be written
//! again by anybody.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    event::Event,
    ids::{EventId, OrderId, TenantId},
    record,
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

/// The item of an event with all that is in it, in one of its order's [`Listing`]s.
#[derive(Debug, Serialize, Deserialize)]
struct ListedItem {
    pk: String,
    sk: u64,
    received_at: Timestamp,
    sha256: ByteArray<32>,
    ledger_hash: ByteArray<32>,
    /// The JSON [`Entry`], zstd-compressed: an event of 1 KB stays within one write unit.
    body: ByteBuf,
}

pub(super) fn recorded_from_item(stored: Item) -> Result<RecordedEvent, StoreError> {
    let item: ListedItem = item::from_item(stored)?;
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

/// Lists of an order's events, each in their sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listing {
    /// All of them: at (`<tenant>#O#<order_id>`, sequence).
    Timeline,
    /// Those that say something about others, [`domain::record::is_linked`]: at (`<tenant>#L#<order_id>`, sequence). A
    /// second copy, so that few such events are found among many others.
    Linked,
}

impl Listing {
    /// The partition of an order.
    pub(super) fn key(self, tenant: &TenantId, order_id: &OrderId) -> String {
        match self {
            Self::Timeline => format!("{tenant}#O#{order_id}"),
            Self::Linked => format!("{tenant}#L#{order_id}"),
        }
    }
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
        Self::listed(Listing::Timeline, tenant, order_id, sequence)
    }

    pub(super) fn listed(listing: Listing, tenant: &TenantId, order_id: &OrderId, sequence: u64) -> Self {
        Self { pk: listing.key(tenant, order_id), sk: sequence }
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
    Listed(Listing),
}

impl IndexKind {
    /// Which items an event has.
    fn of(event: &Event) -> &'static [Self] {
        const LINKED: [IndexKind; 3] =
            [IndexKind::ById, IndexKind::Listed(Listing::Timeline), IndexKind::Listed(Listing::Linked)];
        if record::is_linked(event) { &LINKED } else { &LINKED[..2] }
    }
}

/// The keys of an event's items other than that of its id.
pub(super) fn listed_keys(tenant: &TenantId, event: &Event, sequence: u64) -> impl Iterator<Item = IndexKey> {
    IndexKind::of(event).iter().filter_map(move |kind| match kind {
        IndexKind::ById => None,
        IndexKind::Listed(listing) => Some(IndexKey::listed(*listing, tenant, &event.order_id, sequence)),
    })
}

impl IndexItem {
    /// Where it goes.
    #[must_use]
    pub fn key(&self, tenant: &TenantId) -> IndexKey {
        let (entry, placed) = self.of();
        match self.kind {
            IndexKind::ById => IndexKey::event(tenant, &entry.event.event_id),
            IndexKind::Listed(listing) => {
                IndexKey::listed(listing, tenant, &entry.event.order_id, placed.sealed.sequence)
            }
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
            IndexKind::Listed(listing) => item::to_item(&ListedItem {
                pk: listing.key(tenant, &entry.event.order_id),
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
pub(super) fn items_of(segment: &Arc<Segment>, offset: usize) -> impl Iterator<Item = IndexItem> + use<> {
    let kinds = IndexKind::of(&segment.entries[offset].event);
    let segment = Arc::clone(segment);
    kinds.iter().map(move |kind| IndexItem { segment: Arc::clone(&segment), offset, kind: *kind })
}
