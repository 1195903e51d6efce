//! `GET /order-history/ledger/checkpoint`

use axum::extract::State;
use http_api::{Caller, Document, Problem, ProblemBody, Query, auth::LedgerReader, openapi::ReadProblems};

use crate::LedgerApi;

/// The latest signed checkpoint
///
/// A C2SP tlog-checkpoint: a note of three lines, origin, size and root, signed by the log. A monitor keeps it and
/// checks that the next one extends it.
#[utoipa::path(
    get,
    path = "/order-history/ledger/checkpoint",
    tag = "ledger",
    responses(
        (status = 200, description = "The checkpoint, as it was published", body = String, content_type = "text/plain"),
        ReadProblems,
        (status = 404, description = "The tenant has no checkpoint yet (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get_checkpoint(
    caller: Caller<LedgerReader>,
    State(api): State<LedgerApi>,
    Query(()): Query<()>,
) -> Result<Document, Problem> {
    let published = api.trees.checkpoint(&caller.tenant).await?.ok_or_else(|| Problem::not_found("checkpoint"))?;
    Ok(Document::text(published.note.to_string()))
}
