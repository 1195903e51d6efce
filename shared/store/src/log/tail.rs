//! Following a log: its events in sequence, and then those that come.

use std::{collections::VecDeque, fmt, sync::Arc};

use domain::{filter::EventFilter, ids::TenantId};

use super::{Log, RecordedEvent, Segment, StoredSegment, read::recorded};
use crate::error::StoreError;

/// How many segments are read at once, packed as they are stored: at about 64 KB each, 1 MB.
const AHEAD: usize = 16;

/// A reader's place in a tenant's log. It shows every event once, in sequence, while others commit: numbers have no
/// gaps, only committed segments are read, and a segment that does not join up with the one before is not shown.
///
/// At most [`AHEAD`] segments are held packed, and one of them unpacked.
pub struct Tail {
    log: Log,
    tenant: TenantId,
    filter: EventFilter,
    /// The number of the last event that was looked at.
    position: u64,
    /// Where the segment starts that comes after all that are held.
    next: u64,
    open: Option<Arc<Segment>>,
    ahead: VecDeque<StoredSegment>,
}

/// What [`Tail::read`] came to.
#[derive(Debug, Default, PartialEq)]
pub struct Batch {
    /// Those that match the filter.
    pub events: Vec<RecordedEvent>,
    /// How long they are as JSON.
    pub bytes: usize,
}

impl Log {
    /// Follows the log from its present end: shows what is committed from now on. One read, of the last segment.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn tail_from_end(&self, tenant: &TenantId, filter: EventFilter) -> Result<Tail, StoreError> {
        let last = self.tables.segment_before(tenant, u64::MAX).await?;
        Ok(Tail::new(self, tenant, filter, last.map_or(1, |last| last.next()) - 1))
    }

    /// Follows the log after the event of this number, 0 for all of it; none when the log ends before that event. One
    /// read, of the segment that holds what comes next, which is then not read again.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn tail_after(
        &self,
        tenant: &TenantId,
        filter: EventFilter,
        position: u64,
    ) -> Result<Option<Tail>, StoreError> {
        let wanted = position.saturating_add(1);
        let mut tail = Tail::new(self, tenant, filter, position);
        match self.tables.segment_before(tenant, wanted).await? {
            Some(segment) if segment.next() > wanted => {
                tail.next = segment.next();
                tail.ahead.push_back(segment);
            }
            Some(segment) if segment.next() == wanted => {}
            None if position == 0 => {}
            _ => return Ok(None),
        }
        Ok(Some(tail))
    }
}

impl Tail {
    fn new(log: &Log, tenant: &TenantId, filter: EventFilter, position: u64) -> Self {
        let (log, tenant, next) = (log.clone(), tenant.clone(), position.saturating_add(1));
        Self { log, tenant, filter, position, next, open: None, ahead: VecDeque::new() }
    }

    /// The number of the last event that was looked at, whether it matched or not: a reader that goes on after it misses
    /// nothing and reads nothing again. 0 at the log's beginning.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Reads on, to the end of one segment at most: no more than `events` that match (at least one), and no more than
    /// `bytes` of them, unless it is a single one. A batch may be empty. None at the log's present end, which it costs
    /// one query with no result to see: a read unit.
    ///
    /// # Errors
    /// [`StoreError`], and then the position has not moved: the same may be tried again. [`StoreError::Corrupt`] for a
    /// gap in the log. A read that is dropped before its end is not made up for: nothing may be read after it.
    pub async fn read(&mut self, events: usize, bytes: usize) -> Result<Option<Batch>, StoreError> {
        if self.open.is_none() {
            if self.ahead.is_empty() {
                self.look_ahead().await?;
            }
            let Some(stored) = self.ahead.pop_front() else { return Ok(None) };
            let first = stored.first();
            match self.log.tables.open(stored).await {
                Ok(segment) => self.open = Some(segment),
                Err(error) => {
                    // It is read again, with all that comes after it.
                    self.ahead.clear();
                    self.next = first;
                    return Err(error);
                }
            }
        }
        let Some(segment) = &self.open else { return Ok(None) };
        let (batch, position) = self.matching(segment, events, bytes)?;
        self.position = position;
        if segment.next() == position + 1 {
            self.open = None;
        }
        Ok(Some(batch))
    }

    /// What matches in the rest of a segment, and the number of the last event that was looked at for it.
    fn matching(&self, segment: &Segment, events: usize, bytes: usize) -> Result<(Batch, u64), StoreError> {
        let mut batch = Batch::default();
        let mut position = self.position;
        for event in recorded(segment).filter(|event| event.sequence > self.position) {
            let sequence = event.sequence;
            if self.filter.matches(&event.entry.event) {
                let length = event.entry.json_len()?;
                if !batch.events.is_empty() && (batch.events.len() >= events || batch.bytes + length > bytes) {
                    break;
                }
                batch.bytes += length;
                batch.events.push(event);
            }
            position = sequence;
        }
        Ok((batch, position))
    }

    /// Reads the segments that come next, as far as they join up.
    async fn look_ahead(&mut self) -> Result<(), StoreError> {
        let (segments, _) = self.log.segments_on(&self.tenant, self.next, AHEAD).await?;
        if let Some(last) = segments.last() {
            self.next = last.next();
        }
        self.ahead.extend(segments);
        Ok(())
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail")
            .field("tenant", &self.tenant)
            .field("position", &self.position)
            .field("ahead", &self.ahead.len())
            .finish_non_exhaustive()
    }
}
