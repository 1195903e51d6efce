//! The function behind the Kinesis stream: takes records apart, and appends their events to the ledger.
//!
//! Nothing that a record says can stop the shard: what is not an event, contradicts an event that is there, or does not
//! fit its schema goes to the failed-ingestion store with the reason. Trouble of our own fails the invocation. The
//! source then sends the whole batch again, which is safe: an event is recorded once, and a failure's key follows from
//! where it stood.
//!
//! A log that cannot be read stays so however often the batch comes, and would keep the other tenants of its shard
//! waiting. Its tenant's events are set aside in the failed-ingestion store, whole, until a person has mended the log.

mod batch;
mod commit;
pub mod decode;
mod reading;
#[cfg(test)]
mod tests;
mod window;

use std::{collections::BTreeMap, mem};

use domain::ids::TenantId;
use futures::{StreamExt, stream};
use store::{Aws, Clock, ConfigError, Failures, Log, SchemaCache, Schemas, StoreError};

pub use crate::batch::Batch;
use crate::{commit::Committed, window::Window};

/// How many tenants' commits are under way at once.
const TENANTS_AT_ONCE: usize = 8;

/// Where events and failures go.
#[derive(Debug, Clone)]
pub struct Ingest {
    log: Log,
    schemas: SchemaCache,
    failures: Failures,
}

/// Why a batch must come again.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// What these tenants sent is not, or not all, in their logs.
    #[error("the events of {tenants} tenants could not be recorded, of the first because: {first}")]
    Tenants {
        /// How many.
        tenants: usize,
        /// What happened to the first of them.
        first: StoreError,
    },
    /// What was refused could not be written down, and would be lost.
    #[error("the refused records could not be listed")]
    Failures(#[from] StoreError),
}

/// What has gone wrong in an invocation so far.
#[derive(Debug, Default)]
struct Trouble {
    /// Of these tenants nothing more is appended, or later events would come before those that failed.
    tenants: BTreeMap<TenantId, StoreError>,
    /// These tenants' events are set aside, and so must be what comes after them.
    refused: BTreeMap<TenantId, StoreError>,
    failures: Option<StoreError>,
}

impl Ingest {
    /// # Errors
    /// [`ConfigError`] when a setting of the tables is missing.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        let schemas = SchemaCache::new(Schemas::from_env(aws)?, Clock::System);
        Ok(Self::new(Log::from_env(aws)?, schemas, Failures::from_env(aws)?))
    }

    #[must_use]
    pub fn new(log: Log, schemas: SchemaCache, failures: Failures) -> Self {
        Self { log, schemas, failures }
    }

    /// Takes in a batch, a window of it at a time. Whatever happens to one tenant, the others' events are recorded.
    ///
    /// # Errors
    /// [`IngestError`], for trouble of our own alone: the batch must come again.
    pub async fn handle(&self, batch: Batch) -> Result<(), IngestError> {
        let mut trouble = Trouble::default();
        let mut window = Window::default();
        for record in batch.records {
            for part in reading::read(record) {
                window.add(part?);
                if window.is_full() {
                    self.settle(mem::take(&mut window), &mut trouble).await;
                }
            }
        }
        self.settle(window, &mut trouble).await;
        trouble.into_result()
    }

    /// Commits a window's events, tenants side by side, and writes down its failures.
    async fn settle(&self, window: Window, trouble: &mut Trouble) {
        let Window { tenants, mut failures, .. } = window;
        let refused = failures.len();
        let healthy = tenants.into_iter().filter(|(tenant, _)| !trouble.tenants.contains_key(tenant));
        let refusals = &trouble.refused;
        let outcomes: Vec<_> = stream::iter(healthy)
            .map(|(tenant, arrivals)| async move {
                let outcome = match refusals.get(&tenant) {
                    None => commit::commit(&self.log, &self.schemas, &tenant, arrivals).await,
                    Some(why) => commit::refuse(&tenant, arrivals, why),
                };
                (tenant, outcome)
            })
            .buffer_unordered(TENANTS_AT_ONCE)
            .collect()
            .await;

        let (mut total, mut logs_refused) = (Committed::default(), 0);
        for (tenant, outcome) in outcomes {
            match outcome {
                Ok(committed) => {
                    total.recorded += committed.recorded;
                    total.repeated += committed.repeated;
                    total.conflicted += committed.conflicted;
                    if let Some(error) = committed.refusal {
                        let events = committed.failures.len();
                        tracing::error!(%tenant, %error, events, "a log was refused: its events are set aside");
                        logs_refused += 1;
                        trouble.refused.insert(tenant, error);
                    }
                    failures.extend(committed.failures);
                }
                Err(error) => {
                    tracing::error!(%tenant, %error, "the events of a tenant could not be recorded");
                    trouble.tenants.insert(tenant, error);
                }
            }
        }
        let listed = failures.len();
        if let Err(error) = self.failures.put_all(failures).await {
            tracing::error!(%error, listed, "refused records could not be listed");
            trouble.failures.get_or_insert(error);
        }
        metrics::counter!("EventsRecorded").increment(total.recorded);
        metrics::counter!("EventsRepeated").increment(total.repeated);
        metrics::counter!("EventsConflicted").increment(total.conflicted);
        metrics::counter!("IngestRejected").increment(listed as u64);
        metrics::counter!("LogsRefused").increment(logs_refused);
        let Committed { recorded, repeated, conflicted, .. } = total;
        tracing::info!(recorded, repeated, conflicted, refused, listed, "a window was taken in");
    }
}

impl Trouble {
    fn into_result(self) -> Result<(), IngestError> {
        let tenants = self.tenants.len();
        match (self.tenants.into_values().next(), self.failures) {
            (Some(first), _) => Err(IngestError::Tenants { tenants, first }),
            (None, Some(error)) => Err(IngestError::Failures(error)),
            (None, None) => Ok(()),
        }
    }
}
