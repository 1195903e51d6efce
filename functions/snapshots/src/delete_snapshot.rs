//! `DELETE /order-history/snapshots/{snapshot_id}`

use axum::extract::State;
use domain::{
    ids::SnapshotId,
    record::{Record, SnapshotDeleted},
};
use http_api::{Caller, Json, Path, Problem, ProblemBody, Query, auth::Admin, openapi::ReadProblems};
use serde::Deserialize;
use store::log::{Outcome, Submission};
use utoipa::IntoParams;

use crate::{
    SnapshotsApi,
    resource::{Snapshot, find},
};

/// The longest reason, in characters.
const MAX_REASON_CHARS: usize = 256;

/// Why the snapshot is deleted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteParams {
    /// Recorded with the deletion, for good: name no persons.
    #[param(min_length = 1, max_length = 256, example = "retention period is over")]
    reason: Option<String>,
}

/// Delete a stored state
///
/// That it was deleted is recorded, and what was recorded of the snapshot stays; the state itself goes. Deleting it again
/// changes nothing.
#[utoipa::path(
    delete,
    path = "/order-history/snapshots/{snapshot_id}",
    tag = "snapshots",
    params(("snapshot_id" = String, Path, description = "The snapshot"), DeleteParams),
    responses(
        (status = 200, description = "The snapshot is deleted: what is left of it", body = Snapshot),
        ReadProblems,
        (status = 404, description = "The tenant has no such snapshot (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn delete_snapshot(
    caller: Caller<Admin>,
    State(api): State<SnapshotsApi>,
    Path(snapshot_id): Path<SnapshotId>,
    Query(DeleteParams { reason }): Query<DeleteParams>,
) -> Result<Json<Snapshot>, Problem> {
    let is_right = |reason: &String| {
        (1..=MAX_REASON_CHARS).contains(&reason.chars().count()) && !reason.chars().any(char::is_control)
    };
    if !reason.as_ref().is_none_or(is_right) {
        return Err(Problem::parameter("reason", "must be 1 to 256 characters without control characters"));
    }
    let tenant = &caller.tenant;
    let missing = || Problem::not_found("snapshot");
    let mut found = find(&api, tenant, &snapshot_id).await?.ok_or_else(missing)?;
    if found.deleted.is_none() {
        let deleted = SnapshotDeleted { snapshot_id: snapshot_id.clone(), reason };
        let event = deleted.into_event(found.order_id.clone(), api.gate.clock().now(), &caller.subject);
        let event = event.map_err(|error| Problem::internal(&error))?;
        let outcomes = api.log.append(tenant, vec![Submission { event, schema: None }]).await?;
        if matches!(outcomes[..], [Outcome::Recorded(_)]) {
            metrics::counter!("SnapshotsDeleted").increment(1);
        }
        // By us or by somebody who was a little faster.
        found = find(&api, tenant, &snapshot_id).await?.ok_or_else(missing)?;
    }
    // Also when it was recorded before: an earlier request may have come no further than that.
    api.history.states().delete(tenant, &found.stored.record).await?;
    Ok(Json(Snapshot { summary: found.summary(), state: None, download: None }))
}
