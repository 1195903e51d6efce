//! The function that comes after the writers.
//!
//! - On the stream of the segments table it completes the index where a writer crashed, or lost a race, between its
//!   commit and the end of its work. Every commit comes by here, a few seconds after it was made. Nearly always its
//!   writer has finished, and there is nothing left but to look.
//! - Then it brings the list of orders to the end of the log. That is done here because a table's stream takes two
//!   consumers, and the other one signs.
//! - Once a day it deletes the objects of segments that were staged and never committed.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use domain::ids::TenantId;
use futures::{StreamExt, stream};
use serde::Deserialize;
use store::{Aws, ConfigError, Log, OrderIndex, StoreError, changes::Changes, log::Repaired, orders::Advanced};

/// How many tenants' logs are looked at at once.
const TENANTS_AT_ONCE: usize = 8;
/// After this, no list of orders begins with another part of its log: well below the function's time limit of a minute.
const FOLLOWS_FOR: Duration = Duration::from_secs(30);

/// Why the function is called.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Task {
    Changes(Changes),
    Schedule(Schedule),
}

/// What the schedule in template.yaml sends.
#[derive(Debug, Deserialize)]
pub struct Schedule {
    #[serde(rename = "schedule")]
    _what: Scheduled,
}

/// What is done by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scheduled {
    Sweep,
}

/// Some logs could not be completed: the batch must come again.
#[derive(Debug, thiserror::Error)]
#[error("the logs of {tenants} tenants could not be completed, the last because: {last}")]
pub struct RepairError {
    tenants: usize,
    last: Unfinished,
}

/// Why there is something left to do for a tenant.
#[derive(Debug, thiserror::Error)]
pub enum Unfinished {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The list of orders was far behind, and still is.
    #[error("its orders are listed up to the event before {next}")]
    Behind { next: u64 },
}

/// A task could not be finished, and must come again.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error(transparent)]
    Repair(#[from] RepairError),
    #[error("the objects that nobody needs could not be swept: {0}")]
    Sweep(#[from] StoreError),
}

/// Completes logs, and what follows them.
#[derive(Debug, Clone)]
pub struct Repair {
    log: Log,
    orders: OrderIndex,
}

impl Repair {
    /// # Errors
    /// [`ConfigError`] when a setting of the log or of the orders is missing.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        let log = Log::from_env(aws)?;
        Ok(Self::new(log.clone(), OrderIndex::from_env(aws, log)?))
    }

    #[must_use]
    pub fn new(log: Log, orders: OrderIndex) -> Self {
        Self { log, orders }
    }

    /// Does what the function was called for.
    ///
    /// # Errors
    /// [`TaskError`]: the same task goes on where this one stopped.
    pub async fn run(&self, task: Task) -> Result<(), TaskError> {
        match task {
            Task::Changes(changes) => Ok(self.handle(changes).await?),
            Task::Schedule(_) => {
                let swept = self.log.sweep().await?;
                if swept > 0 {
                    tracing::info!(swept, "objects of segments that were never committed are deleted");
                }
                Ok(())
            }
        }
    }

    /// Completes the logs of all tenants that committed something, and their lists of orders, whatever happens to one of
    /// them. A log that cannot be read is passed over: metric `LogsRefused` counts it.
    ///
    /// # Errors
    /// [`RepairError`]: the same batch goes on where this one stopped.
    pub async fn handle(&self, changes: Changes) -> Result<(), RepairError> {
        let deadline = Instant::now() + FOLLOWS_FOR;
        let outcomes: Vec<_> = stream::iter(changes.committers())
            .map(|tenant| async move {
                let outcome = self.complete(&tenant, deadline).await;
                (tenant, outcome)
            })
            .buffer_unordered(TENANTS_AT_ONCE)
            .collect()
            .await;

        let (mut repaired, mut refused, mut failed) = (0, 0, None);
        for (tenant, outcome) in outcomes {
            match outcome {
                Ok(segments) => repaired += segments,
                // It stays so however often the batch comes, and the other tenants of the shard would wait for a day. What a
                // wrong origin leaves undone here, the next writer under the right one does.
                Err(Unfinished::Store(error @ (StoreError::Corrupt { .. } | StoreError::OtherOrigin { .. }))) => {
                    tracing::error!(%tenant, %error, "a log was refused");
                    refused += 1;
                }
                Err(error) => {
                    tracing::error!(%tenant, %error, "a log could not be completed");
                    let tenants = failed.map_or(0, |earlier: RepairError| earlier.tenants) + 1;
                    failed = Some(RepairError { tenants, last: error });
                }
            }
        }
        metrics::counter!("SegmentsRepaired").increment(repaired);
        metrics::counter!("LogsRefused").increment(refused);
        failed.map_or(Ok(()), Err)
    }

    /// One tenant's index and list of orders. How many segments of the index were left to do.
    async fn complete(&self, tenant: &TenantId, deadline: Instant) -> Result<u64, Unfinished> {
        let Repaired { segments, watermark } = self.log.repair(tenant).await?;
        if segments > 0 {
            tracing::warn!(%tenant, segments, watermark, "a writer left segments unindexed; they are complete now");
        }
        // The anchor log tells of checkpoints, not of orders.
        if !tenant.is_anchor()
            && let Advanced { complete: false, next, .. } = self.orders.advance(tenant, deadline).await?
        {
            return Err(Unfinished::Behind { next });
        }
        Ok(segments as u64)
    }
}
