//! `GET /order-history/snapshots/{snapshot_id}`

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{ids::SnapshotId, time::Timestamp};
use http_api::{
    Caller, Json, Path, Problem, ProblemBody, Query, Tagged, auth::HistoryReader, openapi::ReadProblems,
    resources::Download,
};
use store::history::LINK_LIFETIME;

use crate::{
    SnapshotsApi,
    resource::{Snapshot, find},
};

/// The largest state that stands in the answer, in bytes of JSON.
const MAX_INLINE_BYTES: u64 = 256 * 1024;

/// The answer; one with a link in it is another one each time.
pub(crate) enum Answer {
    Whole(Snapshot),
    Linked(Snapshot),
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Whole(snapshot) => Tagged(snapshot).into_response(),
            Self::Linked(snapshot) => Json(snapshot).into_response(),
        }
    }
}

/// A stored state
///
/// A state of more than 256 KiB is behind a link that is good for five minutes. Of a snapshot that was deleted, what was
/// recorded is shown, without the state.
#[utoipa::path(
    get,
    path = "/order-history/snapshots/{snapshot_id}",
    tag = "snapshots",
    params(("snapshot_id" = String, Path, description = "The snapshot")),
    responses(
        (status = 200, description = "The snapshot", body = Snapshot),
        ReadProblems,
        (status = 404, description = "The tenant has no such snapshot (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get_snapshot(
    caller: Caller<HistoryReader>,
    State(api): State<SnapshotsApi>,
    Path(snapshot_id): Path<SnapshotId>,
    Query(()): Query<()>,
) -> Result<Answer, Problem> {
    let found = find(&api, &caller.tenant, &snapshot_id).await?.ok_or_else(|| Problem::not_found("snapshot"))?;
    let mut snapshot = Snapshot { summary: found.summary(), state: None, download: None };
    if found.deleted.is_some() {
        return Ok(Answer::Whole(snapshot));
    }
    let (states, record) = (api.history.states(), &found.stored.record);
    if record.size_bytes > MAX_INLINE_BYTES {
        let lifetime = i64::try_from(LINK_LIFETIME.as_millis()).unwrap_or_default();
        // Before the link is made: it is good for a little longer than it says.
        let expires_at = Timestamp::clamped_from_millis(api.gate.clock().now().as_millis().saturating_add(lifetime));
        snapshot.download = Some(Download { url: states.link(&caller.tenant, record).await?, expires_at });
        return Ok(Answer::Linked(snapshot));
    }
    // It may be deleted between the two reads.
    let Some(bytes) = states.get(&caller.tenant, record).await? else {
        let found = find(&api, &caller.tenant, &snapshot_id).await?.filter(|found| found.deleted.is_some());
        let found = found.ok_or_else(|| Problem::internal(&"a snapshot has lost its state"))?;
        return Ok(Answer::Whole(Snapshot { summary: found.summary(), ..snapshot }));
    };
    snapshot.state = serde_json::from_slice(&bytes).map_err(|error| Problem::internal(&error))?;
    Ok(Answer::Whole(snapshot))
}
