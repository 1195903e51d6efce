//! `GET /order-history/events/{event_id}/verify`

mod checks;
mod fields;

use axum::extract::State;
use domain::ids::EventId;
use http_api::{Caller, Json, Path, Problem, ProblemBody, Query, auth::HistoryReader, openapi::ReadProblems};
use ledger::Hash;
use serde::Serialize;
use utoipa::ToSchema;

use self::{
    checks::{Check, Evidence},
    fields::{Field, FieldCounts},
};
use crate::EventsApi;

/// Whether what is stored is what was recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verification {
    #[schema(value_type = String, example = "evt_0001")]
    id: EventId,
    sequence: u64,
    /// Whether every check held that could be made.
    verified: bool,
    /// The stored leaf hash, in hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    sha256: Hash,
    /// The stored chain hash, in hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    ledger_hash: Hash,
    checks: Vec<Check>,
    /// Every part of the event, in the order of their pointers. When there are too many to list, those that are not `ok`
    /// come first, and the rest is counted only.
    fields: Vec<Field>,
    field_counts: FieldCounts,
    /// How many fields are not listed.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    fields_left_out: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde wants")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Compare an event with its hashes, field by field
///
/// Every hash is computed anew from what is stored, up to the root that the log has signed. This says what the service
/// finds; `GET /events/{event_id}/proof` gives what can be checked without trust in the service.
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
    let evidence = Evidence::gather(&api, &caller.tenant, &event_id).await?;
    let evidence = evidence.ok_or_else(|| Problem::not_found("event"))?;
    let fields = evidence.fields();
    let checks = evidence.checks(&fields);
    Ok(Json(Verification {
        id: event_id,
        sequence: evidence.sequence(),
        verified: checks.iter().all(Check::is_ok) && fields.hold(),
        sha256: evidence.sha256(),
        ledger_hash: evidence.ledger_hash(),
        checks,
        field_counts: fields.counts,
        fields_left_out: fields.left_out,
        fields: fields.listed,
    }))
}
