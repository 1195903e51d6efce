//! `GET /order-history/ledger/status`

use axum::extract::State;
use domain::time::Timestamp;
use http_api::{Caller, Problem, Query, Tagged, auth::LedgerReader, openapi::ReadProblems};
use ledger::{Hash, Origin};
use serde::Serialize;
use utoipa::ToSchema;

use crate::LedgerApi;

/// The end of a tenant's log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LedgerStatus {
    /// The name of the log, a part of every hash in it.
    #[schema(value_type = String, example = "history.example.com/acme")]
    origin: Origin,
    /// The number of the last event; 0 when there is none.
    sequence: u64,
    /// The chain's hash at the last event, in hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    ledger_hash: Hash,
    /// How many events there are: the same as `sequence`, as nothing is ever left out or taken away.
    length: u64,
    /// When the last event was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, required = false)]
    received_at: Option<Timestamp>,
    /// The latest signed checkpoint; missing before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    checkpoint: Option<LatestCheckpoint>,
}

/// What the log has signed last.
#[derive(Debug, Serialize, ToSchema)]
struct LatestCheckpoint {
    /// How many events the signed tree has.
    size: u64,
    /// Its root, in hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    root_hash: Hash,
    /// How many events were recorded since; they are in the next one. A negative number says that the log has lost
    /// events that were signed.
    behind: i64,
    /// The signed note itself, as `GET /ledger/checkpoint` has it.
    note: String,
}

/// How long the ledger is, and its hash
#[utoipa::path(
    get,
    path = "/order-history/ledger/status",
    tag = "ledger",
    responses((status = 200, description = "The end of the log", body = LedgerStatus), ReadProblems),
)]
pub(crate) async fn get_status(
    caller: Caller<LedgerReader>,
    State(api): State<LedgerApi>,
    Query(()): Query<()>,
) -> Result<Tagged<LedgerStatus>, Problem> {
    // In this order: what is signed was in the log before.
    let published = api.trees.checkpoint(&caller.tenant).await?;
    let status = api.log.status(&caller.tenant).await?;
    let checkpoint = published.map(|published| LatestCheckpoint {
        size: published.checkpoint.size,
        root_hash: published.checkpoint.root,
        behind: status.sequence.cast_signed() - published.checkpoint.size.cast_signed(),
        note: published.note.to_string(),
    });
    Ok(Tagged(LedgerStatus {
        origin: status.origin,
        sequence: status.sequence,
        ledger_hash: status.ledger_hash,
        length: status.sequence,
        received_at: status.received_at,
        checkpoint,
    }))
}
