//! Reading the events of one order.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use domain::{
    filter::EventFilter,
    ids::{OrderId, TenantId},
    time::Timestamp,
};
use futures::{Stream, stream};

use super::{
    Log,
    index::{Listing, RecordedEvent},
    read::{MAX_SCANNED, PAGE_BYTES},
};
use crate::error::StoreError;

/// How many events of an order are read at once; 1 MB is where DynamoDB ends a page by itself.
const LISTED_AT_ONCE: i32 = 1000;

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

impl Log {
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
