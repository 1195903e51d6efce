//! The state behind the port.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::ids::{OrderId, TenantId};
use futures::FutureExt;
use tokio::time::Instant;

use super::{
    super::{
        index::{EventItem, Found, IndexItem, IndexKey, Listing, RecordedEvent},
        port::{Announcement, Answer, Head, LogName, Mark, Put, Slot, StagedObject, Tables},
        protocol::{self, Call},
        segment::Segment,
        stored::{StoredSegment, object_key},
    },
    Memory, Units,
    meter::{Meter, Size},
};
use crate::error::StoreError;

/// One [`Memory`] for everybody who has a clone of this.
#[derive(Debug, Clone, Default)]
pub struct MemoryTables {
    shared: Arc<Mutex<Shared>>,
    /// How long a call takes; it takes effect half-way.
    delay: Duration,
}

#[derive(Debug, Default)]
struct Shared {
    memory: Memory,
    meter: Meter,
}

/// By how much a sleeper is late, about.
const TIMER: Duration = Duration::from_micros(800);

impl MemoryTables {
    /// Every call takes this long.
    #[must_use]
    pub fn with_delay(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// What is stored now.
    #[must_use]
    pub fn memory(&self) -> Memory {
        self.lock().memory.clone()
    }

    /// What all calls have cost since this was last asked.
    #[must_use]
    pub fn take_units(&self) -> Units {
        self.lock().meter.take()
    }

    /// Makes one call of a machine at once, whatever the delay, and counts what it costs.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], when what is to be written has no item: a bug of ours.
    pub fn answer(&self, log: &LogName, call: &Call) -> Result<protocol::Answer, StoreError> {
        let size = Size::of(log, call)?;
        Ok(self.lock().answer(log, call, &size))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens half-way through a call.
    async fn in_the_middle<T>(&self, call: impl FnOnce(&mut Shared) -> T) -> T {
        if self.delay.is_zero() {
            tokio::task::yield_now().await;
            return call(&mut self.lock());
        }
        let start = Instant::now();
        tokio::time::sleep_until(start + self.delay / 2).await;
        let answer = call(&mut self.lock());
        // The timer goes by milliseconds, and wakes in the one after.
        tokio::time::sleep_until(start + self.delay.saturating_sub(TIMER)).await;
        answer
    }

    /// One call of a machine, and what it costs.
    async fn call(&self, log: &LogName, call: Call) -> Result<protocol::Answer, StoreError> {
        let size = Size::of(log, &call)?;
        Ok(self.in_the_middle(|shared| shared.answer(log, &call, &size)).await)
    }
}

impl Shared {
    fn answer(&mut self, log: &LogName, call: &Call, size: &Size) -> protocol::Answer {
        if let Err(refusal) = size.check() {
            return call.failed(refusal);
        }
        let answer = self.memory.answer(log, call);
        self.meter.count(&self.memory, log, call, &answer, size);
        answer
    }
}

macro_rules! answered {
    ($self:ident, $log:ident, $call:expr, $kind:ident) => {
        async move {
            match $self.call($log, $call).await? {
                protocol::Answer::$kind(answer) => answer,
                other => Err(StoreError::corrupt(format_args!("an answer to another call: {other:?}"))),
            }
        }
        .boxed()
    };
}

impl Tables for MemoryTables {
    fn head<'a>(&'a self, log: &'a LogName) -> Answer<'a, Head> {
        answered!(self, log, Call::Head, Head)
    }

    fn mark<'a>(&'a self, log: &'a LogName) -> Answer<'a, Mark> {
        answered!(self, log, Call::Mark, Mark)
    }

    fn lookup<'a>(&'a self, log: &'a LogName, keys: Vec<IndexKey>) -> Answer<'a, Found> {
        answered!(self, log, Call::Lookup(keys), Lookup)
    }

    fn newest_of<'a>(&'a self, log: &'a LogName, order_id: OrderId) -> Answer<'a, Option<u64>> {
        answered!(self, log, Call::Newest(order_id), Newest)
    }

    fn stage<'a>(&'a self, log: &'a LogName, segment: Arc<Segment>) -> Answer<'a, ()> {
        answered!(self, log, Call::Stage(segment), Stage)
    }

    fn commit<'a>(&'a self, log: &'a LogName, segment: Arc<Segment>) -> Answer<'a, Put> {
        answered!(self, log, Call::Commit(segment), Commit)
    }

    fn apply<'a>(&'a self, log: &'a LogName, items: Vec<IndexItem>, taken: Vec<Slot>) -> Answer<'a, ()> {
        answered!(self, log, Call::Apply { items, taken }, Apply)
    }

    fn raise<'a>(&'a self, log: &'a LogName, watermark: u64) -> Answer<'a, ()> {
        answered!(self, log, Call::Raise(watermark), Raise)
    }

    fn pass_turn<'a>(&'a self, log: &'a LogName, from: Option<Slot>, to: Option<Slot>) -> Answer<'a, Put> {
        answered!(self, log, Call::PassTurn { from, to }, PassTurn)
    }

    fn announce<'a>(&'a self, log: &'a LogName, announcement: Announcement) -> Answer<'a, Put> {
        answered!(self, log, Call::Announce(announcement), Announce)
    }

    fn announced<'a>(&'a self, log: &'a LogName) -> Answer<'a, Vec<Announcement>> {
        answered!(self, log, Call::Announced, Announced)
    }

    fn segments_between<'a>(
        &'a self,
        tenant: &'a TenantId,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Answer<'a, Vec<StoredSegment>> {
        self.in_the_middle(move |shared| {
            let found = shared.memory.between(tenant, from, to).take(limit);
            Ok(found.cloned().map(StoredSegment::Ready).collect())
        })
        .boxed()
    }

    fn open<'a>(&'a self, segment: StoredSegment) -> Answer<'a, Arc<Segment>> {
        let StoredSegment::Ready(segment) = segment else {
            return async { Err(StoreError::corrupt("a packed segment of another store")) }.boxed();
        };
        if !segment.is_staged() {
            return async { Ok(segment) }.boxed();
        }
        self.in_the_middle(move |shared| {
            // Whose it is only the origin says here.
            let tenant = segment.origin.as_str().rsplit('/').next().unwrap_or_default();
            let tenant = TenantId::from_stored(tenant).map_err(StoreError::corrupt)?;
            if shared.memory.is_whole(&tenant, &segment) {
                Ok(segment)
            } else {
                Err(StoreError::corrupt("an object is gone"))
            }
        })
        .boxed()
    }

    fn staged<'a>(&'a self, tenant: &'a TenantId, from: u64, older_than: Duration) -> Answer<'a, Vec<StagedObject>> {
        let _ = older_than;
        self.in_the_middle(move |shared| {
            let objects = shared.memory.objects(tenant, from);
            Ok(objects.map(|(first, commit)| StagedObject { key: object_key(tenant, first, &commit), first }).collect())
        })
        .boxed()
    }

    fn staging_tenants(&self) -> Answer<'_, Vec<TenantId>> {
        self.in_the_middle(|shared| Ok(shared.memory.staging_tenants())).boxed()
    }

    fn swept<'a>(&'a self, tenant: &'a TenantId) -> Answer<'a, u64> {
        self.in_the_middle(move |shared| Ok(*shared.memory.swept(tenant))).boxed()
    }

    fn note_swept<'a>(&'a self, tenant: &'a TenantId, to: u64) -> Answer<'a, ()> {
        self.in_the_middle(move |shared| {
            *shared.memory.swept(tenant) = to;
            Ok(())
        })
        .boxed()
    }

    fn discard<'a>(&'a self, tenant: &'a TenantId, objects: Vec<StagedObject>) -> Answer<'a, ()> {
        self.in_the_middle(move |shared| {
            let keys: Vec<_> = objects.into_iter().map(|object| object.key).collect();
            let all: Vec<_> = shared.memory.objects(tenant, 0).collect();
            for (first, commit) in all {
                if keys.contains(&object_key(tenant, first, &commit)) {
                    shared.memory.discard(tenant, first, commit);
                }
            }
            Ok(())
        })
        .boxed()
    }

    fn segment_before<'a>(&'a self, tenant: &'a TenantId, sequence: u64) -> Answer<'a, Option<StoredSegment>> {
        self.in_the_middle(move |shared| {
            Ok(shared.memory.between(tenant, 0, sequence).next_back().cloned().map(StoredSegment::Ready))
        })
        .boxed()
    }

    fn place<'a>(&'a self, key: &'a IndexKey) -> Answer<'a, Option<EventItem>> {
        self.in_the_middle(move |shared| {
            let tenant = key.pk.split('#').next().unwrap_or_default();
            let tenant = TenantId::from_stored(tenant).map_err(StoreError::corrupt)?;
            Ok(shared.memory.index_item(key).map(|item| item.event_item(&tenant)))
        })
        .boxed()
    }

    fn recorded<'a>(&'a self, key: &'a IndexKey) -> Answer<'a, Option<RecordedEvent>> {
        self.in_the_middle(move |shared| Ok(shared.memory.index_item(key).map(IndexItem::recorded))).boxed()
    }

    fn of_order<'a>(
        &'a self,
        tenant: &'a TenantId,
        order_id: &'a OrderId,
        listing: Listing,
        after: u64,
        limit: i32,
    ) -> Answer<'a, (Vec<RecordedEvent>, bool)> {
        self.in_the_middle(move |shared| {
            let key = IndexKey::listed(listing, tenant, order_id, after);
            let limit = usize::try_from(limit).unwrap_or_default();
            let mut events: Vec<_> = shared.memory.index_after(&key).take(limit + 1).map(IndexItem::recorded).collect();
            let last = events.len() <= limit;
            events.truncate(limit);
            Ok((events, last))
        })
        .boxed()
    }
}
