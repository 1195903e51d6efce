//! `GET /order-history/ledger/tile/{path}`

use axum::extract::State;
use http_api::{Caller, Document, Path, Problem, ProblemBody, Query, auth::HistoryReader, openapi::ReadProblems};
use ledger::tile::Tile;

use crate::LedgerApi;

/// A tile of the tree, or a bundle of entries
///
/// C2SP tlog-tiles: `tile/<L>/<N>` has 256 hashes, `tile/entries/<N>` the leaf entries below them, and `.p/<W>` is their
/// beginning where the tree ends. None of them ever changes. Where a partial tile is not there any more, the full one is.
#[utoipa::path(
    get,
    path = "/order-history/ledger/tile/{*path}",
    tag = "ledger",
    params(("path" = String, Path, example = "0/x001/067.p/8",
            description = "Level (or `entries`), number and width, with slashes between them: `0/x001/067`, `entries/000.p/8`")),
    responses(
        (status = 200, description = "Its bytes. Accept `application/octet-stream` or everything",
         body = Vec<u8>, content_type = "application/octet-stream"),
        ReadProblems,
        (status = 404, description = "There is no such tile, or not yet (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get_tile(
    caller: Caller<HistoryReader>,
    State(api): State<LedgerApi>,
    Path(path): Path<String>,
    Query(()): Query<()>,
) -> Result<Document, Problem> {
    let missing = || Problem::not_found("tile");
    let tile = Tile::parse(&format!("tile/{path}")).map_err(|_| missing())?;
    let bytes = api.trees.tile(&caller.tenant, &tile).await?.ok_or_else(missing)?;
    Ok(Document::bytes(bytes).forever())
}
