//! The projection: from the logs to the table.
//!
//! It follows each tenant's log from a position of its own. A window of events is folded into the items of its orders,
//! each on condition that the item is the one that was read; then the position moves behind the window.
//!
//! - **Once each**: an item says how far in the log it is, and takes in only what comes after that. So a window that
//!   comes again, after a crash or a lost answer, changes nothing that has it already.
//! - **None left out**: the position moves when all items have the window. Whoever starts at a position finds
//!   everything before it in the items.
//! - **Races**: of two that write one item, one finds the condition broken, reads the item again and takes in what
//!   is missing, which may be nothing.

use std::{collections::BTreeMap, pin::pin, time::Instant};

use domain::ids::{OrderId, TenantId};
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    Orders,
    summary::{Change, fold},
    table::OrderTable,
};
use crate::{
    aws::{Aws, ConfigError},
    conditional::Put,
    error::StoreError,
    log::{Log, Segment},
};

/// How many events a window has, unless its last segment brings more. What is kept of an event is some hundred bytes.
const WINDOW: u64 = 4_096;
/// Items that are written at once.
const PUTS: usize = 16;
/// How often an item is tried that others write as well.
const MAX_RACES: u32 = 8;

/// Keeps table Orders.
#[derive(Debug, Clone)]
pub struct OrderIndex {
    table: OrderTable,
    log: Log,
    window: u64,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advanced {
    /// How many events it read.
    pub events: u64,
    /// The first sequence number that it did not come to.
    pub next: u64,
    /// Whether it came to the log's end; otherwise its time was over.
    pub complete: bool,
}

/// Some events, by their orders.
#[derive(Debug, Default)]
struct Window {
    orders: BTreeMap<OrderId, Vec<Change>>,
    events: u64,
}

impl Window {
    fn add(&mut self, segment: &Segment) {
        for (sequence, entry) in (segment.first..).zip(&segment.entries) {
            let change = Change::new(sequence, segment.received_at, entry);
            self.orders.entry(entry.event.order_id.clone()).or_default().push(change);
            self.events += 1;
        }
    }
}

impl OrderIndex {
    /// Reads `ORDERS_TABLE`.
    ///
    /// # Errors
    /// [`ConfigError`] when it is missing.
    pub fn from_env(aws: &Aws, log: Log) -> Result<Self, ConfigError> {
        Ok(Self::new(Orders::from_env(aws)?, log))
    }

    #[must_use]
    pub fn new(orders: Orders, log: Log) -> Self {
        Self { table: orders.0, log, window: WINDOW }
    }

    /// With windows of another size.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_window(self, events: u64) -> Self {
        Self { window: events, ..self }
    }

    /// Brings a tenant's items to the end of the log. What cannot be done before the deadline is left to the next run;
    /// one window is always done.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`]: the log, or an item, cannot be read, however often it is tried. Any other
    /// [`StoreError`]: the same call goes on where this one stopped.
    pub async fn advance(&self, tenant: &TenantId, deadline: Instant) -> Result<Advanced, StoreError> {
        let start = self.table.position(tenant).await?.unwrap_or(1);
        let mut next = start;
        let mut segments = pin!(self.log.segments(tenant, start, u64::MAX));
        loop {
            let mut window = Window::default();
            while window.events < self.window
                && let Some(segment) = segments.try_next().await?
            {
                let expected = next + window.events;
                if segment.first != expected {
                    return Err(StoreError::corrupt(format_args!("the log has no segment at {expected}")));
                }
                window.add(&segment);
            }
            let Window { orders, events } = window;
            if events == 0 {
                if next == start {
                    self.check_end(tenant, next).await?;
                }
                return Ok(Advanced { events: next - start, next, complete: true });
            }
            self.write(tenant, orders).await?;
            next += events;
            self.table.raise_position(tenant, next).await?;
            metrics::counter!("OrderEvents").increment(events);
            if events < self.window || Instant::now() >= deadline {
                return Ok(Advanced { events: next - start, next, complete: events < self.window });
            }
        }
    }

    /// There is nothing at the position: then the log must end right before it.
    async fn check_end(&self, tenant: &TenantId, next: u64) -> Result<(), StoreError> {
        let end = self.log.status(tenant).await?.sequence;
        // It may have grown since.
        if end + 1 >= next {
            return Ok(());
        }
        Err(StoreError::corrupt(format_args!("the log ends at {end}, and its orders have events up to {}", next - 1)))
    }

    async fn write(&self, tenant: &TenantId, orders: BTreeMap<OrderId, Vec<Change>>) -> Result<(), StoreError> {
        let mut open = orders;
        for races in 0..MAX_RACES {
            // A read that is behind costs half, and its write is refused.
            let before = self.table.get_all(tenant, open.keys().cloned().collect(), races > 0).await?;
            let before = &before;
            open = stream::iter(open)
                .map(|(order_id, changes)| async move {
                    let before = before.get(&order_id);
                    let Some(after) = fold(&order_id, before, &changes) else { return Ok(None) };
                    let put = self.table.put(tenant, before, &after).await?;
                    Ok((put == Put::Taken).then_some((order_id, changes)))
                })
                .buffer_unordered(PUTS)
                .try_filter_map(|taken| async move { Ok::<_, StoreError>(taken) })
                .try_collect()
                .await?;
            if open.is_empty() {
                return Ok(());
            }
        }
        Err(StoreError::Contended { attempts: MAX_RACES })
    }
}
