//! `GET /order-history/events/{event_id}/verify`

use axum::extract::State;
use domain::ids::{EventId, TenantId};
use http_api::{Caller, Json, Path, Problem, ProblemBody, Query, auth::HistoryReader, openapi::ReadProblems};
use ledger::{Chain, Hash, LeafEntry, commitment};
use serde::Serialize;
use store::{
    Log, StoreError,
    log::{Entry, RecordedEvent, Segment},
};
use utoipa::ToSchema;

use crate::EventsApi;

/// Whether what is stored is what was recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verification {
    #[schema(value_type = String, example = "evt_0001")]
    id: EventId,
    sequence: u64,
    /// Whether every check held.
    verified: bool,
    /// The stored leaf hash, in hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    sha256: Hash,
    /// The stored chain hash, in hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    ledger_hash: Hash,
    checks: Vec<Check>,
}

/// One thing that was computed anew from what is stored, and compared.
#[derive(Debug, Serialize, ToSchema)]
struct Check {
    name: CheckName,
    ok: bool,
    /// What was compared.
    detail: &'static str,
}

/// What a check is about.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CheckName {
    Content,
    Log,
    Chain,
    Continuity,
}

/// Compare an event with its hashes
///
/// Every hash is computed anew from what is stored. This says what the service finds; a proof that needs no trust in
/// the service is another matter.
#[utoipa::path(
    get,
    path = "/order-history/events/{event_id}/verify",
    tag = "events",
    params(("event_id" = String, Path, description = "The producer's id of the event")),
    responses(
        (status = 200, description = "What was found; `verified` says whether all is well", body = Verification),
        ReadProblems,
        (status = 404, description = "The tenant has no such event (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn verify_event(
    caller: Caller<HistoryReader>,
    State(api): State<EventsApi>,
    Path(event_id): Path<EventId>,
    Query(()): Query<()>,
) -> Result<Json<Verification>, Problem> {
    let recorded = api.log.event(&caller.tenant, &event_id).await?.ok_or_else(|| Problem::not_found("event"))?;
    let checks = checks(&api.log, &caller.tenant, &recorded).await?;
    Ok(Json(Verification {
        id: event_id,
        sequence: recorded.sequence,
        verified: checks.iter().all(|check| check.ok),
        sha256: recorded.sha256,
        ledger_hash: recorded.ledger_hash,
        checks,
    }))
}

async fn checks(log: &Log, tenant: &TenantId, recorded: &RecordedEvent) -> Result<Vec<Check>, StoreError> {
    let segment = log.segment_of(tenant, recorded.sequence).await?;
    let before = match &segment {
        Some(segment) if segment.first > 1 => log.segment_of(tenant, segment.first - 1).await?.map(|s| s.end),
        _ => Some(Chain::new(log.origin(tenant)).ledger_hash()),
    };
    let in_log = segment.as_ref().and_then(|segment| segment.sealed().find(|(_, s)| s.sequence == recorded.sequence));
    Ok(vec![
        Check {
            name: CheckName::Content,
            ok: leaf_hash(log, tenant, recorded) == recorded.sha256,
            detail: "the event that reads are answered from hashes to its sha256",
        },
        Check {
            name: CheckName::Log,
            ok: in_log.is_some_and(|(entry, sealed)| {
                entry.event == recorded.entry.event && sealed.leaf_hash == recorded.sha256
            }),
            detail: "the log's own copy of the event is the same, and hashes to the same sha256",
        },
        Check {
            name: CheckName::Chain,
            ok: in_log.is_some_and(|(_, sealed)| sealed.ledger_hash == recorded.ledger_hash)
                && segment.as_ref().is_some_and(links_up),
            detail: "the events of its commit link up, through its ledger_hash, to the hash at the commit's end",
        },
        Check {
            name: CheckName::Continuity,
            ok: segment.as_ref().is_some_and(|segment| Some(segment.previous) == before),
            detail: "its commit starts from the hash at which the commit before it ends",
        },
    ])
}

fn leaf_hash(log: &Log, tenant: &TenantId, recorded: &RecordedEvent) -> Hash {
    let Entry { event, opening, .. } = &recorded.entry;
    let content = commitment::content(opening, &event.payload, &event.metadata);
    LeafEntry::new(event, content, &log.origin(tenant), recorded.sequence, recorded.received_at).leaf_hash()
}

fn links_up(segment: &Segment) -> bool {
    segment.sealed().last().is_some_and(|(_, sealed)| sealed.ledger_hash == segment.end)
}
