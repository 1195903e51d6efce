//! Reading the log and its index. All reads are strongly consistent: what was acknowledged is found.

use std::{collections::VecDeque, sync::Arc};

use domain::{
    filter::EventFilter,
    ids::{EventId, OrderId, TenantId},
    time::Timestamp,
};
use futures::{Stream, stream};
use ledger::Hash;

use super::{
    Log,
    index::{IndexKey, RecordedEvent},
    segment::Segment,
    stored::StoredSegment,
};
use crate::{error::StoreError, retry};

/// The most items or entries that one page looks through; a page whose filter matches little may come back short, with
/// a cursor.
pub(super) const MAX_SCANNED: usize = 10_000;
/// The most JSON of events that one page holds, in bytes, unless it is a single event: an answer of Lambda has at most
/// 6 MB, in which ours is a string with its quotes escaped.
pub(super) const PAGE_BYTES: usize = 3 * 1024 * 1024;
/// How many segments a scan reads at once: at about 64 KB each, 1 MB.
const SCAN_SEGMENTS: usize = 16;

/// How often a gap is looked at again. A query is no snapshot: it may show a segment, and not the one before it that was
/// committed while it ran. What is a gap each time is one.
const MAX_TORN: u32 = 5;

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
        // One may have all that is wanted. Then as many as should have the rest, going by those, and one event more: that
        // there is a next page.
        let (mut segments_read, mut segments_wanted) = (0, 1);
        loop {
            let (segments, last) = self.segments_on(tenant, position.segment, segments_wanted).await?;
            segments_read += segments.len();
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
            let rest = ((limit + 1 - events.len()) * segments_read).checked_div(events.len());
            segments_wanted = rest.unwrap_or(SCAN_SEGMENTS).clamp(1, SCAN_SEGMENTS);
        }
    }

    /// At most `limit` segments from the one on that starts at `from`; they join up. And whether they are the last.
    pub(super) async fn segments_on(
        &self,
        tenant: &TenantId,
        from: u64,
        limit: usize,
    ) -> Result<(Vec<StoredSegment>, bool), StoreError> {
        for attempt in 0..MAX_TORN {
            let mut read = self.tables.segments_between(tenant, from, u64::MAX, limit).await?;
            let mut next = from;
            let joined = read.iter().take_while(|segment| {
                let joins = segment.first() == next;
                next = segment.next();
                joins
            });
            let joined = joined.count();
            let last = joined == read.len() && read.len() < limit;
            if joined > 0 || last {
                read.truncate(joined);
                return Ok((read, last));
            }
            retry::pause(attempt).await;
        }
        Err(StoreError::corrupt(format_args!("the log has no segment at {from}")))
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
