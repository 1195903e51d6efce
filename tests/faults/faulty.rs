//! Tables whose calls are lost, doubled, late, torn or half made.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::ids::{OrderId, TenantId};
use futures::{FutureExt, future::BoxFuture};
use store::{
    StoreError,
    log::{
        EventItem, Found, IndexItem, IndexKey, Listing, RecordedEvent, Segment, StoredSegment,
        memory::{Memory, MemoryTables},
        port::{Announcement, Answer, Head, LogName, Mark, Put, Slot, StagedObject, Tables},
        protocol::Call,
    },
};

use crate::chance::{Chance, Fate};

/// What one process sees of the tables.
#[derive(Debug, Clone)]
pub(crate) struct Faulty {
    pub(crate) inner: MemoryTables,
    pub(crate) chance: Arc<Chance>,
    /// The process's wall clock, in milliseconds since 1970, and what it shows when the run begins.
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) clock_start: i64,
}

type Made<T> = BoxFuture<'static, Result<T, StoreError>>;

impl Faulty {
    /// Makes a call, or not.
    async fn call<T: Send + 'static>(&self, name: &'static str, make: impl Fn() -> Made<T>) -> Result<T, StoreError> {
        tokio::time::sleep(self.chance.delay()).await;
        let fate = self.chance.fate(name);
        let answer = match fate {
            Fate::Answered => make().await,
            Fate::Throttled => Err(StoreError::Throttled { operation: name }),
            Fate::NeverArrived => Err(lost(name)),
            Fate::AnswerLost => {
                // Whatever it was.
                let _ = make().await;
                Err(lost(name))
            }
            Fate::Late => {
                let (late, delay) = (make(), self.chance.delay() * 4);
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    let _ = late.await;
                });
                Err(lost(name))
            }
            Fate::Twice => {
                let _ = make().await;
                tokio::time::sleep(self.chance.delay()).await;
                make().await
            }
        };
        tokio::time::sleep(self.chance.delay()).await;
        let passed = i64::try_from(self.chance.now().as_millis()).unwrap();
        self.clock.store(self.clock_start + passed, Ordering::Relaxed);
        answer
    }

    /// The watermark and the segments are read at two moments.
    async fn torn_head(self, log: LogName) -> Result<Head, StoreError> {
        let (before, delay) = (self.inner.memory(), self.chance.delay());
        if self.chance.toss() {
            tokio::time::sleep(delay).await;
            self.inner.memory().head(&log, before.mark(&log.tenant))
        } else {
            tokio::time::sleep(delay).await;
            before.head(&log, self.inner.memory().mark(&log.tenant))
        }
    }

    /// Every key is read at its own moment.
    async fn torn_lookup(self, log: LogName, mut keys: Vec<IndexKey>) -> Result<Found, StoreError> {
        Memory::check(&log, &Call::Lookup(keys.clone()))?;
        let mut found = Found::new();
        while !keys.is_empty() {
            let part = if self.chance.toss() { 0..keys.len() } else { 0..keys.len().div_ceil(2) };
            if self.chance.toss() {
                keys.reverse();
            }
            found.append(&mut self.inner.lookup(&log, keys.drain(part).collect()).await?);
            if !keys.is_empty() {
                tokio::time::sleep(self.chance.delay()).await;
            }
        }
        Ok(found)
    }

    /// Every item is written by itself, in any order, and perhaps only some are.
    async fn torn_apply(self, log: LogName, mut items: Vec<IndexItem>, mut taken: Vec<Slot>) -> Result<(), StoreError> {
        Memory::check(&log, &Call::Apply { items: items.clone(), taken: taken.clone() })?;
        while !items.is_empty() || !taken.is_empty() {
            if self.chance.toss() {
                items.reverse();
            }
            let some = if self.chance.toss() { items.len() } else { items.len().div_ceil(2) };
            let slots = if self.chance.toss() { taken.len() } else { 0 };
            let (some, slots) = (items.drain(..some).collect(), taken.drain(..slots).collect());
            self.inner.apply(&log, some, slots).await?;
            if items.is_empty() && taken.is_empty() {
                break;
            }
            if self.chance.fate("a part of apply") == Fate::Throttled {
                return Err(StoreError::Throttled { operation: "apply" });
            }
            tokio::time::sleep(self.chance.delay()).await;
        }
        Ok(())
    }
}

fn lost(operation: &'static str) -> StoreError {
    StoreError::Unavailable { operation, code: "lost".to_owned() }
}

/// A call that is passed on as it is, with clones of what it was asked with.
macro_rules! pass {
    ($self:ident, $name:ident, $($argument:ident),* $(; $owned:ident)*) => {{
        let (tables, $($argument,)* $($owned,)*) = ($self.inner.clone(), $($argument.clone(),)* $($owned.clone(),)*);
        $self
            .call(stringify!($name), move || {
                let (tables, $($argument,)* $($owned,)*) = (tables.clone(), $($argument.clone(),)* $($owned.clone(),)*);
                async move { tables.$name($(&$argument,)* $($owned,)*).await }.boxed()
            })
            .boxed()
    }};
}

impl Tables for Faulty {
    fn head<'a>(&'a self, log: &'a LogName) -> Answer<'a, Head> {
        self.call("head", move || self.clone().torn_head(log.clone()).boxed()).boxed()
    }

    fn mark<'a>(&'a self, log: &'a LogName) -> Answer<'a, Mark> {
        pass!(self, mark, log)
    }

    fn lookup<'a>(&'a self, log: &'a LogName, keys: Vec<IndexKey>) -> Answer<'a, Found> {
        self.call("lookup", move || self.clone().torn_lookup(log.clone(), keys.clone()).boxed()).boxed()
    }

    fn stage<'a>(&'a self, log: &'a LogName, segment: Arc<Segment>) -> Answer<'a, ()> {
        pass!(self, stage, log; segment)
    }

    fn commit<'a>(&'a self, log: &'a LogName, segment: Arc<Segment>) -> Answer<'a, Put> {
        pass!(self, commit, log; segment)
    }

    fn apply<'a>(&'a self, log: &'a LogName, items: Vec<IndexItem>, taken: Vec<Slot>) -> Answer<'a, ()> {
        self.call("apply", move || self.clone().torn_apply(log.clone(), items.clone(), taken.clone()).boxed()).boxed()
    }

    fn raise<'a>(&'a self, log: &'a LogName, watermark: u64) -> Answer<'a, ()> {
        pass!(self, raise, log; watermark)
    }

    fn pass_turn<'a>(&'a self, log: &'a LogName, from: Option<Slot>, to: Option<Slot>) -> Answer<'a, Put> {
        pass!(self, pass_turn, log; from; to)
    }

    fn announce<'a>(&'a self, log: &'a LogName, announcement: Announcement) -> Answer<'a, Put> {
        pass!(self, announce, log; announcement)
    }

    fn announced<'a>(&'a self, log: &'a LogName) -> Answer<'a, Vec<Announcement>> {
        pass!(self, announced, log)
    }

    fn segments_between<'a>(
        &'a self,
        tenant: &'a TenantId,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Answer<'a, Vec<StoredSegment>> {
        pass!(self, segments_between, tenant; from; to; limit)
    }

    fn open<'a>(&'a self, segment: StoredSegment) -> Answer<'a, Arc<Segment>> {
        // Of an object that never changes there is nothing to be torn.
        self.inner.open(segment)
    }

    fn staged<'a>(&'a self, tenant: &'a TenantId, from: u64, older_than: Duration) -> Answer<'a, Vec<StagedObject>> {
        pass!(self, staged, tenant; from; older_than)
    }

    fn staging_tenants(&self) -> Answer<'_, Vec<TenantId>> {
        pass!(self, staging_tenants,)
    }

    fn swept<'a>(&'a self, tenant: &'a TenantId) -> Answer<'a, u64> {
        pass!(self, swept, tenant)
    }

    fn note_swept<'a>(&'a self, tenant: &'a TenantId, to: u64) -> Answer<'a, ()> {
        pass!(self, note_swept, tenant; to)
    }

    fn discard<'a>(&'a self, tenant: &'a TenantId, objects: Vec<StagedObject>) -> Answer<'a, ()> {
        pass!(self, discard, tenant; objects)
    }

    fn segment_before<'a>(&'a self, tenant: &'a TenantId, sequence: u64) -> Answer<'a, Option<StoredSegment>> {
        pass!(self, segment_before, tenant; sequence)
    }

    fn place<'a>(&'a self, key: &'a IndexKey) -> Answer<'a, Option<EventItem>> {
        pass!(self, place, key)
    }

    fn recorded<'a>(&'a self, key: &'a IndexKey) -> Answer<'a, Option<RecordedEvent>> {
        pass!(self, recorded, key)
    }

    fn of_order<'a>(
        &'a self,
        tenant: &'a TenantId,
        order_id: &'a OrderId,
        listing: Listing,
        after: u64,
        limit: i32,
    ) -> Answer<'a, (Vec<RecordedEvent>, bool)> {
        pass!(self, of_order, tenant, order_id; listing; after; limit)
    }
}
