//! One tenant's part of a window: into its log, or into the failed-ingestion store.

use domain::ids::TenantId;
use store::{
    Log, SchemaCache, StoreError,
    failures::{Failure, Finding, Place},
    log::{Outcome, Submission},
};

use crate::reading::Arrival;

/// What became of a tenant's events.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    pub(crate) recorded: u64,
    pub(crate) repeated: u64,
    pub(crate) conflicted: u64,
    /// Those that are not in the log, each with its reason.
    pub(crate) failures: Vec<Failure>,
}

/// Appends a tenant's events in their order, but for those that do not fit their schema.
///
/// # Errors
/// [`StoreError`]: some of the events may be in the log, and all may be appended again.
pub(crate) async fn commit(
    log: &Log,
    schemas: &SchemaCache,
    tenant: &TenantId,
    arrivals: Vec<Arrival>,
) -> Result<Committed, StoreError> {
    let mut committed = Committed::default();
    let mut submissions = Vec::with_capacity(arrivals.len());
    let mut sent: Vec<(Place, Box<[u8]>)> = Vec::with_capacity(arrivals.len());
    for Arrival { place, event, json } in arrivals {
        match schemas.verdict(tenant, &event).await?.admit() {
            Ok(schema) => {
                submissions.push(Submission { event, schema });
                sent.push((place, json));
            }
            Err(violations) => {
                let findings = violations
                    .into_iter()
                    .map(|violation| Finding { pointer: Some(violation.pointer), detail: violation.detail });
                let reason = "event-does-not-fit-schema";
                committed.failures.push(Failure::new(Some(tenant.clone()), place, reason, findings.collect(), &json)?);
            }
        }
    }
    let outcomes = log.append(tenant, submissions).await?;
    for (outcome, (place, json)) in outcomes.into_iter().zip(sent) {
        match outcome {
            Outcome::Recorded(_) => committed.recorded += 1,
            Outcome::Repeated(_) => committed.repeated += 1,
            Outcome::Conflict(first) => {
                committed.conflicted += 1;
                let detail = format!("another event has this id, at sequence {}", first.sequence);
                let finding = Finding { pointer: Some("/event_id".to_owned()), detail };
                let failure = Failure::new(Some(tenant.clone()), place, "event-conflict", vec![finding], &json)?;
                committed.failures.push(failure);
            }
        }
    }
    Ok(committed)
}
