//! The plain design, for comparison: one transaction over a head item and an event's items.
//!
//! Who records an event reads the tenant's head, and then writes with one `TransactWriteItems` the head with the next
//! number, on condition that it still has the one that was read, and the same two items that our index has of an event.
//! When another was first, the transaction is cancelled, and after a pause all begins again.
//!
//! By DynamoDB's rules:
//! - A transaction prepares its items, and commits when all are prepared; one that meets an item which another has
//!   prepared is cancelled, and so is one whose condition does not hold.
//!   <https://www.usenix.org/conference/atc23/presentation/idziorek>
//! - Each item is written twice, to prepare and to commit; of a cancelled transaction only the first is counted.
//!   <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html>

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use domain::event::Event;
use store::log::memory::Units;
use tokio::time::Instant;

use crate::sample::Random;

/// By how much a sleeper is late, about; our tables in memory are as early.
const TIMER: Duration = Duration::from_micros(800);

/// The table, with one tenant in it. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct PlainTable {
    state: Arc<Mutex<State>>,
    /// How long a read takes; it takes effect half-way.
    read: Duration,
    /// How long a transaction takes; it prepares after a third of it, and commits after two.
    transaction: Duration,
}

#[derive(Debug, Default)]
struct State {
    /// How many events there are: the head item.
    head: u64,
    /// A transaction has prepared the head.
    prepared: bool,
    events: BTreeMap<String, (u64, Vec<u8>)>,
    units: Units,
}

/// The longest pause before the n-th try, n = 1, 2, …: a base that doubles up to a limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    pub(crate) base: Duration,
    pub(crate) limit: Duration,
}

impl Backoff {
    /// A random part of the pause: "full jitter",
    /// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.
    fn pause(self, tries: u32, random: &mut Random) -> Duration {
        self.base.saturating_mul(1 << (tries - 1).min(16)).min(self.limit).mul_f64(random.fraction())
    }
}

/// One that writes to it.
#[derive(Debug, Clone)]
pub(crate) struct PlainWriter {
    pub(crate) table: PlainTable,
    pub(crate) backoff: Backoff,
    pub(crate) random: Random,
}

impl PlainWriter {
    /// Tries until the event is recorded.
    pub(crate) async fn record(&mut self, event: Event) -> Result<u64> {
        let (id, body) = (event.event_id.to_string(), zstd::bulk::compress(&serde_json::to_vec(&event)?, 3)?);
        for tries in 1.. {
            let head = self.table.read_head().await;
            if let Some(sequence) = self.table.transact(head, &id, &body).await {
                return Ok(sequence);
            }
            tokio::time::sleep(self.backoff.pause(tries, &mut self.random)).await;
        }
        unreachable!("there is always another try")
    }
}

impl PlainTable {
    pub(crate) fn new(read: Duration, transaction: Duration) -> Self {
        Self { state: Arc::default(), read, transaction }
    }

    /// What all calls have cost since this was last asked.
    pub(crate) fn take_units(&self) -> Units {
        std::mem::take(&mut self.lock().units)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_head(&self) -> u64 {
        let start = Instant::now();
        tokio::time::sleep_until(start + self.read / 2).await;
        let head = {
            let mut state = self.lock();
            state.units.calls += 1;
            state.units.read += 1;
            state.head
        };
        tokio::time::sleep_until(start + self.read.saturating_sub(TIMER)).await;
        head
    }

    /// The event's sequence number; none if the transaction was cancelled.
    async fn transact(&self, head: u64, id: &str, body: &[u8]) -> Option<u64> {
        /// What the event's items have beside its body: keys, hashes, times.
        const REST: usize = 200;
        // The head, the item by id, and the event in its order's timeline.
        let items = 1 + 1 + (REST + body.len()).div_ceil(1024) as u64;
        let start = Instant::now();
        tokio::time::sleep_until(start + self.transaction / 3).await;
        let prepared = {
            let mut state = self.lock();
            state.units.calls += 1;
            state.units.written += items;
            let cancelled = state.prepared || state.head != head || state.events.contains_key(id);
            state.units.refused += u64::from(cancelled);
            state.prepared |= !cancelled;
            !cancelled
        };
        tokio::time::sleep_until(start + self.transaction * 2 / 3).await;
        let sequence = prepared.then(|| {
            let mut state = self.lock();
            state.units.written += items;
            state.prepared = false;
            state.head += 1;
            let sequence = state.head;
            state.events.insert(id.to_owned(), (sequence, body.to_vec()));
            sequence
        });
        tokio::time::sleep_until(start + self.transaction.saturating_sub(TIMER)).await;
        sequence
    }
}
