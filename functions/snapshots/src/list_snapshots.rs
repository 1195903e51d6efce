//! `GET /order-history/orders/{order_id}/snapshots`

use axum::extract::State;
use domain::ids::OrderId;
use http_api::{Caller, Page, PageParams, Paged, Path, Problem, auth::HistoryReader, openapi::ReadProblems};
use store::history::Linked;

use crate::{
    SnapshotsApi,
    resource::{Summary, summary},
};

/// The snapshots of an order
///
/// In the order in which they were stored; those that were deleted say so. The states themselves are not in the list.
#[utoipa::path(
    get,
    path = "/order-history/orders/{order_id}/snapshots",
    tag = "snapshots",
    params(("order_id" = String, Path, description = "The order"), PageParams),
    responses((status = 200, description = "A page of the snapshots", body = Page<Summary>), ReadProblems),
)]
pub(crate) async fn list_snapshots(
    caller: Caller<HistoryReader>,
    State(api): State<SnapshotsApi>,
    Path(order_id): Path<OrderId>,
    Paged((), paging): Paged<()>,
) -> Result<Page<Summary>, Problem> {
    let after: u64 = paging.after()?.unwrap_or_default();
    let linked = Linked::read(&api.log, &caller.tenant, &order_id).await?;
    let mut rest = linked.snapshots.iter().filter(|stored| stored.sequence > after).peekable();
    let (mut items, mut last) = (Vec::new(), after);
    while let Some(stored) = rest.next_if(|_| items.len() < paging.limit()) {
        last = stored.sequence;
        items.push(summary(&order_id, stored, linked.deleted_snapshots.get(&stored.record.snapshot_id)));
    }
    let next = rest.peek().map(|_| last);
    paging.page(items, next)
}
