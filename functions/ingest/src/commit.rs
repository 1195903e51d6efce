//! One tenant's part of a window: into its log, or into the failed-ingestion store.

use domain::ids::TenantId;
use store::{
    Log, SchemaCache, StoreError,
    failures::{Failure, Finding, Place},
    log::{Outcome, Submission},
};

use crate::reading::Arrival;

/// The reason of what is set aside because what is stored of its tenant cannot be read.
const LOG_REFUSED: &str = "log-refused";

/// What became of a tenant's events.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    pub(crate) recorded: u64,
    pub(crate) repeated: u64,
    pub(crate) conflicted: u64,
    /// Those that are not in the log, each with its reason.
    pub(crate) failures: Vec<Failure>,
    /// The tenant's log, or one of its schemas, cannot be read: its events are set aside, and so must be all that come
    /// after them.
    pub(crate) refusal: Option<StoreError>,
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
    let mut unreadable = None;
    for Arrival { place, event, json } in arrivals {
        if unreadable.is_some() {
            sent.push((place, json));
            continue;
        }
        match schemas.verdict(tenant, &event).await {
            Ok(verdict) => match verdict.admit() {
                Ok(schema) => {
                    submissions.push(Submission { event, schema });
                    sent.push((place, json));
                }
                Err(violations) => {
                    let findings = violations
                        .into_iter()
                        .map(|violation| Finding { pointer: Some(violation.pointer), detail: violation.detail });
                    let reason = "event-does-not-fit-schema";
                    let failure = Failure::new(Some(tenant.clone()), place, reason, findings.collect(), &json)?;
                    committed.failures.push(failure);
                }
            },
            Err(error @ StoreError::Corrupt { .. }) => {
                unreadable = Some(error);
                sent.push((place, json));
            }
            Err(error) => return Err(error),
        }
    }
    let outcomes = match unreadable {
        None => log.append(tenant, submissions).await,
        Some(error) => Err(error),
    };
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(error @ StoreError::Corrupt { .. }) => {
            committed.failures.extend(set_aside(tenant, sent, &error)?);
            committed.refusal = Some(error);
            return Ok(committed);
        }
        Err(error) => return Err(error),
    };
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

/// What comes after a tenant's events that were set aside: it must not be recorded before them.
pub(crate) fn refuse(tenant: &TenantId, arrivals: Vec<Arrival>, why: &StoreError) -> Result<Committed, StoreError> {
    let sent = arrivals.into_iter().map(|Arrival { place, json, .. }| (place, json));
    let failures = set_aside(tenant, sent, why)?;
    Ok(Committed { failures, refusal: Some(why.clone()), ..Committed::default() })
}

/// Events that nothing is wrong with, for the failed-ingestion store: a person takes them out again.
///
/// # Errors
/// `why`, if one of them does not fit in there as a whole.
fn set_aside(
    tenant: &TenantId,
    sent: impl IntoIterator<Item = (Place, Box<[u8]>)>,
    why: &StoreError,
) -> Result<Vec<Failure>, StoreError> {
    sent.into_iter()
        .map(|(place, json)| {
            let finding = Finding { pointer: None, detail: why.to_string() };
            let failure = Failure::new(Some(tenant.clone()), place, LOG_REFUSED, vec![finding], &json)?;
            if failure.is_whole() { Ok(failure) } else { Err(why.clone()) }
        })
        .collect()
}
