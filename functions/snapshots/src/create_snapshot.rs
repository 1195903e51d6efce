//! `POST /order-history/orders/{order_id}/snapshots`

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    ids::{OrderId, SnapshotId, Source},
    json,
    record::SnapshotStored,
    time::Timestamp,
};
use http_api::{
    Caller, Created, Fault, Json, Path, Problem, ProblemBody, ProblemType, auth::Producer, openapi::WriteProblems,
    recording, resources::View,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{history::sha256, log::Outcome};
use utoipa::ToSchema;

use crate::{
    SnapshotsApi,
    resource::{Found, Summary, find},
};

/// The most JSON that a snapshot's metadata may have, in bytes: it stands in the history.
const MAX_METADATA_BYTES: usize = 16 * 1024;

/// A state to store.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSnapshot {
    /// The producer's own id, unique in its tenant; the same id is the same snapshot.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9._:@~+-]+$", min_length = 1, max_length = 96, example = "snap_1")]
    snapshot_id: SnapshotId,
    /// When the order was in this state (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    captured_at: Timestamp,
    /// The service that says it.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9._:@~+-]+$", min_length = 1, max_length = 128, example = "order-service")]
    source: Source,
    #[schema(value_type = Object)]
    state: Map<String, Value>,
    /// The producer's own; at most 16 KiB.
    #[serde(default)]
    #[schema(value_type = Object, required = false)]
    metadata: Map<String, Value>,
    /// With or without corrections: which of the two the state is compared with. `corrected` unless given.
    #[serde(default)]
    #[schema(required = false)]
    view: View,
}

/// A snapshot that is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoredSnapshot {
    #[serde(flatten)]
    summary: Summary,
    /// Whether the order's events come to this very state at `captured_at`; as it was when the snapshot was stored.
    matches_history: bool,
}

/// 201 when the snapshot is stored by this request, 200 when it was before.
pub(crate) enum Answer {
    Now(StoredSnapshot),
    Before(StoredSnapshot),
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Now(stored) => Created(stored).into_response(),
            Self::Before(stored) => Json(stored).into_response(),
        }
    }
}

/// Store a state of an order
///
/// The state is kept as it is sent, and its hash becomes an event of the order's history. If it is what the order's events
/// come to at `captured_at`, the order's state is read from it later on; otherwise it is kept as the word of whoever sent it.
/// A snapshot is stored once: sent again it changes nothing.
#[utoipa::path(
    post,
    path = "/order-history/orders/{order_id}/snapshots",
    tag = "snapshots",
    params(("order_id" = String, Path, description = "The order")),
    request_body = NewSnapshot,
    responses(
        (status = 201, description = "The snapshot is stored", body = StoredSnapshot),
        (status = 200, description = "It was stored before, with the same content", body = StoredSnapshot),
        WriteProblems,
        (status = 409, description = "Another snapshot has this id, or had it and was deleted (`snapshot-exists`), or a \
          request with this idempotency key is still running (`idempotency-in-progress`)",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The body is not right (`invalid-body`), or the idempotency key was used for another \
          request (`idempotency-key-reused`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create_snapshot(
    caller: Caller<Producer>,
    State(api): State<SnapshotsApi>,
    Path(order_id): Path<OrderId>,
    Json(body): Json<NewSnapshot>,
) -> Result<Answer, Problem> {
    let tenant = &caller.tenant;
    let NewSnapshot { snapshot_id, captured_at, source, state, metadata, view } = body;
    if json::canonical(&metadata).len() > MAX_METADATA_BYTES {
        let fault = Fault::at("/metadata", "must be at most 16 KiB of JSON");
        return Err(Problem::new(ProblemType::InvalidBody, "the snapshot's metadata is too large").with([fault]));
    }
    let canonical = json::canonical(&state);
    let record = SnapshotStored {
        snapshot_id: snapshot_id.clone(),
        captured_at,
        source: source.to_string(),
        sha256: sha256(&canonical),
        size_bytes: canonical.len() as u64,
        matches_history: false,
        metadata,
        base: None,
    };
    // What is there stays, and is not compared with the history again.
    if let Some(found) = find(&api, tenant, &snapshot_id).await? {
        return before(&found, &order_id, &record);
    }
    let captured = api.history.capture(tenant, &order_id, &snapshot_id, captured_at, view.into(), &state).await?;
    // The object first: whoever finds the record finds the state.
    api.history.states().put(tenant, &snapshot_id, canonical.into()).await?;
    let recorded = SnapshotStored { matches_history: captured.matches, base: captured.base, ..record.clone() };
    let outcome = recording::say(&api.log, &api.gate, &caller, order_id.clone(), recorded).await?;
    let found = find(&api, tenant, &snapshot_id).await?;
    let found = found.ok_or_else(|| Problem::internal(&"a snapshot was recorded and is not there"))?;
    if matches!(outcome, Outcome::Recorded(_)) {
        metrics::counter!("SnapshotsStored").increment(1);
        return Ok(Answer::Now(stored(&found)));
    }
    // Somebody was faster.
    let answer = before(&found, &order_id, &record);
    if found.stored.record.sha256 != record.sha256 || found.deleted.is_some() {
        api.history.states().discard(tenant, &snapshot_id, &record.sha256).await?;
    }
    answer
}

/// The answer to a snapshot that is there: the first one, if this is the same.
fn before(found: &Found, order_id: &OrderId, record: &SnapshotStored) -> Result<Answer, Problem> {
    let refuse = |detail: &'static str| Err(Problem::new(ProblemType::SnapshotExists, detail));
    if found.deleted.is_some() {
        return refuse("a snapshot with this id was deleted; give the new one an id of its own");
    }
    let there = &found.stored.record;
    let same = found.order_id == *order_id
        && there.captured_at == record.captured_at
        && there.source == record.source
        && there.sha256 == record.sha256
        && there.metadata == record.metadata;
    if !same {
        return refuse("a snapshot with this id is stored with other content, and never changes");
    }
    Ok(Answer::Before(stored(found)))
}

fn stored(found: &Found) -> StoredSnapshot {
    StoredSnapshot { summary: found.summary(), matches_history: found.stored.record.matches_history }
}
