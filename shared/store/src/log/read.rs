//! Reading the log and its index. All reads are strongly consistent: what was acknowledged is found.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use domain::{
    filter::EventFilter,
    ids::{EventId, OrderId, TenantId},
    time::Timestamp,
};
use futures::{Stream, stream};
use ledger::Hash;

use super::{
    Log,
    index::{IndexKey, Listing, RecordedEvent},
    segment::Segment,
    stored::StoredSegment,
};
use crate::error::StoreError;

/// The most items or entries that one page looks through; a page whose filter matches little may come back short, with
/// a cursor.
const MAX_SCANNED: usize = 10_000;
/// The most JSON of events that one page holds, in bytes, unless it is a single event: an answer of Lambda has at most
/// 6 MB, in which ours is a string with its quotes escaped.
const PAGE_BYTES: usize = 3 * 1024 * 1024;
/// How many segments a scan reads at once: at about 64 KB each, 1 MB.
const SCAN_SEGMENTS: usize = 16;

/// How many events of an order are read at once; 1 MB is where DynamoDB ends a page by itself.
const LISTED_AT_ONCE: i32 = 1000;

/// How many segments a reader of the whole log has at once.
const READ_AHEAD: usize = 64;

/// The end of a tenant's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The number of the last event, which is also how many there are; 0 when there is none.
    pub sequence: u64,
    pub ledger_hash: Hash,
    /// When the last commit was made.
    pub received_at: Option<Timestamp>,
    pub origin: ledger::Origin,
}

/// By what a timeline is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As the ledger has it.
    #[default]
    Sequence,
    /// By the producers' clocks; events of one instant by their sequence.
    OccurredAt,
}

/// After which event a timeline goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimelinePosition {
    pub occurred_at: Timestamp,
    pub sequence: u64,
}

/// A part of an order's timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelinePage {
    pub events: Vec<RecordedEvent>,
    /// Where the next page goes on; none at the end.
    pub next: Option<TimelinePosition>,
}

/// A place between two events of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    /// The first sequence number of a segment.
    pub segment: u64,
    /// How many of its entries are behind us.
    pub offset: u64,
}

impl LogPosition {
    pub const START: Self = Self { segment: 1, offset: 0 };
}

/// A part of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanPage {
    pub events: Vec<RecordedEvent>,
    /// Where the next page goes on; none at the end.
    pub next: Option<LogPosition>,
}

impl Log {
    /// The end of the log, in one read.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn status(&self, tenant: &TenantId) -> Result<Status, StoreError> {
        let head = self.tables.head(&self.name(tenant)).await?;
        Ok(Status {
            sequence: head.chain.sequence(),
            ledger_hash: head.chain.ledger_hash(),
            received_at: head.received_at,
            origin: head.chain.origin().clone(),
        })
    }

    /// One event by its id, in two reads.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn event(&self, tenant: &TenantId, event_id: &EventId) -> Result<Option<RecordedEvent>, StoreError> {
        let Some(place) = self.tables.place(&IndexKey::event(tenant, event_id)).await? else { return Ok(None) };
        // The two items are written together, in no order: a reader may come between them, before the receipt is out.
        self.tables.recorded(&IndexKey::timeline(tenant, &place.order_id, place.sequence)).await
    }

    /// The order that an event belongs to, in one read: it is there if its id is found.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn order_of(&self, tenant: &TenantId, event_id: &EventId) -> Result<Option<OrderId>, StoreError> {
        let place = self.tables.place(&IndexKey::event(tenant, event_id)).await?;
        Ok(place.map(|place| place.order_id))
    }

    /// The sequence number that the index has for an id, whether the event itself can be read there or not.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn sequence_of(&self, tenant: &TenantId, event_id: &EventId) -> Result<Option<u64>, StoreError> {
        let place = self.tables.place(&IndexKey::event(tenant, event_id)).await?;
        Ok(place.map(|place| place.sequence))
    }

    /// A page of an order's events that match the filter.
    ///
    /// By sequence a page costs what it holds. By `occurred_at` every page reads the whole order, but holds no more
    /// than a page of it.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn timeline(
        &self,
        tenant: &TenantId,
        order_id: &OrderId,
        filter: &EventFilter,
        order: Order,
        after: Option<TimelinePosition>,
        limit: usize,
    ) -> Result<TimelinePage, StoreError> {
        let mut page = PageInOrder::new(order, limit);
        let mut scanned = 0;
        // One more than the page, to know whether there is another.
        let at_once = i32::try_from(limit + 1).unwrap_or(i32::MAX);
        let mut read_to = match order {
            Order::Sequence => after.map_or(0, |position| position.sequence),
            Order::OccurredAt => 0,
        };
        loop {
            let (events, last) = self.tables.of_order(tenant, order_id, Listing::Timeline, read_to, at_once).await?;
            for recorded in events {
                scanned += 1;
                read_to = recorded.sequence;
                let position = position_of(&recorded);
                if filter.matches(&recorded.entry.event) && page.is_after(position, after) {
                    page.offer(position, recorded)?;
                }
                if order == Order::Sequence && (page.more || scanned >= MAX_SCANNED) {
                    let stopped = TimelinePosition { sequence: read_to, ..position };
                    return Ok(page.finish(Some(stopped)));
                }
            }
            if last {
                return Ok(page.finish(None));
            }
        }
    }

    /// The events of an order that say something about its others: corrections and [records](domain::record), in their
    /// sequence. One query unless there are more than a thousand, or 1 MB of them.
    pub fn linked(
        &self,
        tenant: &TenantId,
        order_id: &OrderId,
    ) -> impl Stream<Item = Result<RecordedEvent, StoreError>> + Send + use<> {
        self.listed(tenant, order_id, Listing::Linked, 0)
    }

    /// The events of an order after a sequence number, in their sequence, without end but the order's.
    ///
    /// # Errors
    /// In the stream: [`StoreError`], after which it ends.
    pub fn listed(
        &self,
        tenant: &TenantId,
        order_id: &OrderId,
        listing: Listing,
        after: u64,
    ) -> impl Stream<Item = Result<RecordedEvent, StoreError>> + Send + use<> {
        let (tables, tenant, order_id) = (Arc::clone(&self.tables), tenant.clone(), order_id.clone());
        let start = (VecDeque::<RecordedEvent>::new(), after, false);
        stream::try_unfold(start, move |(mut ahead, after, mut last)| {
            let (tables, tenant, order_id) = (Arc::clone(&tables), tenant.clone(), order_id.clone());
            async move {
                if ahead.is_empty() && !last {
                    let (events, end) = tables.of_order(&tenant, &order_id, listing, after, LISTED_AT_ONCE).await?;
                    (ahead, last) = (events.into(), end);
                }
                let Some(recorded) = ahead.pop_front() else { return Ok(None) };
                let after = recorded.sequence;
                Ok(Some((recorded, (ahead, after, last))))
            }
        })
    }

    /// A page of the whole log: the events that match the filter, in sequence.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn scan(
        &self,
        tenant: &TenantId,
        filter: &EventFilter,
        from: LogPosition,
        limit: usize,
    ) -> Result<ScanPage, StoreError> {
        let mut events = Vec::new();
        let mut position = from;
        let (mut scanned, mut bytes) = (0, 0);
        loop {
            let segments = self.tables.segments_between(tenant, position.segment, u64::MAX, SCAN_SEGMENTS).await?;
            let last = segments.len() < SCAN_SEGMENTS;
            for segment in segments {
                let segment = self.tables.open(segment).await?;
                // A forged offset cannot reach here; one past the end just finds nothing.
                let skip = if segment.first == position.segment { position.offset } else { 0 };
                for (offset, recorded) in
                    (0..).zip(recorded(&segment)).skip(usize::try_from(skip).unwrap_or(usize::MAX))
                {
                    if !filter.matches(&recorded.entry.event) {
                        continue;
                    }
                    bytes += recorded.entry.json_len()?;
                    if events.len() == limit || (bytes > PAGE_BYTES && !events.is_empty()) {
                        return Ok(ScanPage { events, next: Some(LogPosition { segment: segment.first, offset }) });
                    }
                    events.push(recorded);
                }
                scanned += segment.entries.len();
                position = LogPosition { segment: segment.next(), offset: 0 };
            }
            if last {
                return Ok(ScanPage { events, next: None });
            }
            if scanned >= MAX_SCANNED {
                return Ok(ScanPage { events, next: Some(position) });
            }
        }
    }

    /// The segments that start between two sequence numbers, both included, in order, for whoever builds something from
    /// the whole log. Nothing about them is checked: whether they join up, and whether their hashes follow from their
    /// entries, is the reader's to see. At most [`READ_AHEAD`] of them are held, packed as they are stored.
    ///
    /// # Errors
    /// In the stream: [`StoreError`], after which it ends.
    pub fn segments(
        &self,
        tenant: &TenantId,
        from: u64,
        to: u64,
    ) -> impl Stream<Item = Result<Segment, StoreError>> + Send + use<> {
        let (log, tenant) = (self.clone(), tenant.clone());
        let start = (VecDeque::<StoredSegment>::new(), from, from > to);
        stream::try_unfold(start, move |(mut ahead, from, mut last)| {
            let (log, tenant) = (log.clone(), tenant.clone());
            async move {
                if ahead.is_empty() && !last {
                    ahead = log.tables.segments_between(&tenant, from, to, READ_AHEAD).await?.into();
                    last = ahead.len() < READ_AHEAD || ahead.back().is_some_and(|newest| newest.next() > to);
                }
                let Some(stored) = ahead.pop_front() else { return Ok(None) };
                let next = stored.next();
                let segment = log.tables.open(stored).await?;
                Ok(Some((Arc::unwrap_or_clone(segment), (ahead, next, last))))
            }
        })
    }

    /// The segment that holds an event, by its sequence number.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn segment_of(&self, tenant: &TenantId, sequence: u64) -> Result<Option<Segment>, StoreError> {
        let found = self.tables.segment_before(tenant, sequence).await?;
        let Some(segment) = found.filter(|segment| segment.next() > sequence) else { return Ok(None) };
        self.tables.open(segment).await.map(|segment| Some(Arc::unwrap_or_clone(segment)))
    }
}

/// The events of a segment with their places, computed from the segment alone.
pub(super) fn recorded(segment: &Segment) -> impl Iterator<Item = RecordedEvent> {
    segment.sealed().map(|(entry, sealed)| RecordedEvent {
        entry: entry.clone(),
        sequence: sealed.sequence,
        received_at: segment.received_at,
        sha256: sealed.leaf_hash,
        ledger_hash: sealed.ledger_hash,
    })
}

fn position_of(recorded: &RecordedEvent) -> TimelinePosition {
    TimelinePosition { occurred_at: recorded.entry.event.occurred_at, sequence: recorded.sequence }
}

/// The first events in an order that come after a position; never more than a page of them is held.
struct PageInOrder {
    order: Order,
    limit: usize,
    /// With the length of each as JSON.
    events: BTreeMap<(Option<Timestamp>, u64), (usize, RecordedEvent)>,
    bytes: usize,
    /// Something did not fit any more.
    more: bool,
}

impl PageInOrder {
    fn new(order: Order, limit: usize) -> Self {
        Self { order, limit, events: BTreeMap::new(), bytes: 0, more: false }
    }

    fn key(&self, position: TimelinePosition) -> (Option<Timestamp>, u64) {
        match self.order {
            Order::Sequence => (None, position.sequence),
            Order::OccurredAt => (Some(position.occurred_at), position.sequence),
        }
    }

    fn is_after(&self, position: TimelinePosition, after: Option<TimelinePosition>) -> bool {
        after.is_none_or(|after| self.key(position) > self.key(after))
    }

    fn offer(&mut self, position: TimelinePosition, event: RecordedEvent) -> Result<(), StoreError> {
        let bytes = event.entry.json_len()?;
        self.bytes += bytes;
        self.events.insert(self.key(position), (bytes, event));
        while self.events.len() > self.limit || (self.bytes > PAGE_BYTES && self.events.len() > 1) {
            if let Some((_, (bytes, _))) = self.events.pop_last() {
                self.bytes -= bytes;
            }
            self.more = true;
        }
        Ok(())
    }

    /// `stopped`: how far the reading came, if it stopped before the order's end.
    fn finish(self, stopped: Option<TimelinePosition>) -> TimelinePage {
        let events: Vec<_> = self.events.into_values().map(|(_, event)| event).collect();
        let next = if self.more { events.last().map(position_of) } else { stopped };
        TimelinePage { events, next }
    }
}
