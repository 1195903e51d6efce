//! The function that tidies up after writers that crashed or lost a race.
//!
//! - On the stream of the segments table it completes the index where a writer stopped between its commit and the end
//!   of its work. Every commit comes by here, a few seconds after it was made. Nearly always its writer has finished,
//!   and there is nothing left but to look.
//! - Once a day it deletes the objects of segments that were staged and never committed.

#[cfg(test)]
mod tests;

use futures::{StreamExt, stream};
use serde::Deserialize;
use store::{Aws, ConfigError, Log, StoreError, changes::Changes, log::Repaired};

/// How many tenants' logs are looked at at once.
const TENANTS_AT_ONCE: usize = 8;

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
    last: StoreError,
}

/// A task could not be finished, and must come again.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error(transparent)]
    Repair(#[from] RepairError),
    #[error("the objects that nobody needs could not be swept: {0}")]
    Sweep(#[from] StoreError),
}

/// Completes logs.
#[derive(Debug, Clone)]
pub struct Repair {
    log: Log,
}

impl Repair {
    /// # Errors
    /// [`ConfigError`] when a setting of the log is missing.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self::new(Log::from_env(aws)?))
    }

    #[must_use]
    pub fn new(log: Log) -> Self {
        Self { log }
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

    /// Completes the logs of all tenants that committed something, whatever happens to one of them. A log that cannot be
    /// read is passed over: metric `LogsRefused` counts it.
    ///
    /// # Errors
    /// [`RepairError`]: the same batch goes on where this one stopped.
    pub async fn handle(&self, changes: Changes) -> Result<(), RepairError> {
        let outcomes: Vec<_> = stream::iter(changes.committers())
            .map(|tenant| async move {
                let outcome = self.log.repair(&tenant).await;
                (tenant, outcome)
            })
            .buffer_unordered(TENANTS_AT_ONCE)
            .collect()
            .await;

        let (mut repaired, mut refused, mut failed) = (0, 0, None);
        for (tenant, outcome) in outcomes {
            match outcome {
                Ok(Repaired { segments: 0, .. }) => {}
                Ok(Repaired { segments, watermark }) => {
                    tracing::warn!(%tenant, segments, watermark, "a writer left segments unindexed; they are complete now");
                    repaired += segments as u64;
                }
                // It stays so however often the batch comes, and the other tenants of the shard would wait for a day.
                Err(error @ StoreError::Corrupt { .. }) => {
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
}
