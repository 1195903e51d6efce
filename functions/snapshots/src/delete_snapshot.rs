//! `DELETE /order-history/snapshots/{snapshot_id}`

use axum::extract::State;
use domain::{ids::SnapshotId, record::SnapshotDeleted};
use http_api::{
    Caller, Json, Path, Problem, ProblemBody, Query, auth::Admin, openapi::ReadProblems, recording,
    resources::DeleteParams,
};
use store::log::Outcome;

use crate::{
    SnapshotsApi,
    resource::{Snapshot, find},
};

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
    let tenant = &caller.tenant;
    let missing = || Problem::not_found("snapshot");
    let mut found = find(&api, tenant, &snapshot_id).await?.ok_or_else(missing)?;
    if found.deleted.is_none() {
        let deleted = SnapshotDeleted { snapshot_id: snapshot_id.clone(), reason };
        let outcome = recording::say(&api.log, &api.gate, &caller, found.order_id.clone(), deleted).await?;
        if matches!(outcome, Outcome::Recorded(_)) {
            metrics::counter!("SnapshotsDeleted").increment(1);
        }
        // By us or by somebody who was a little faster.
        found = find(&api, tenant, &snapshot_id).await?.ok_or_else(missing)?;
    }
    // Also when it was recorded before: an earlier request may have come no further than that.
    api.history.states().delete(tenant, &found.stored.record).await?;
    Ok(Json(Snapshot { summary: found.summary(), state: None, download: None }))
}
