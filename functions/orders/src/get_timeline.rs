//! `GET /order-history/orders/{order_id}/timeline`

use axum::extract::State;
use domain::{filter::EventFilter, ids::OrderId, time::Timestamp};
use http_api::{Caller, Page, PageParams, Paged, Path, Problem, auth::HistoryReader, openapi::ReadProblems, resources};
use serde::{Deserialize, Serialize};
use store::log::{Order, TimelinePosition};
use utoipa::{IntoParams, ToSchema};

use crate::OrdersApi;

/// What of the timeline is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TimelineParams {
    /// Only events that occurred at this instant or later (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Only events that occurred before this instant (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// How the timeline is ordered; `sequence` unless given.
    #[serde(default)]
    #[param(inline, required = false)]
    order: OrderBy,
}

/// By what a timeline is ordered.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderBy {
    /// As the ledger has it.
    #[default]
    Sequence,
    /// By the producers' clocks; events of one instant by their sequence.
    OccurredAt,
}

/// Where a page of a timeline ends.
#[derive(Debug, Serialize, Deserialize)]
struct Position(Timestamp, u64);

/// What happened to an order
///
/// An order without events has an empty timeline: whether an order exists is not for the history to say.
#[utoipa::path(
    get,
    path = "/order-history/orders/{order_id}/timeline",
    tag = "orders",
    params(("order_id" = String, Path, description = "The order"), TimelineParams, PageParams),
    responses((status = 200, description = "A page of the order's events", body = Page<resources::Event>), ReadProblems),
)]
pub(crate) async fn get_timeline(
    caller: Caller<HistoryReader>,
    State(api): State<OrdersApi>,
    Path(order_id): Path<OrderId>,
    Paged(params, paging): Paged<TimelineParams>,
) -> Result<Page<resources::Event>, Problem> {
    resources::time_range(params.from, params.to)?;
    let filter = EventFilter { from: params.from, to: params.to, ..EventFilter::default() };
    let order = match params.order {
        OrderBy::Sequence => Order::Sequence,
        OrderBy::OccurredAt => Order::OccurredAt,
    };
    let after = paging.after()?.map(|Position(occurred_at, sequence)| TimelinePosition { occurred_at, sequence });
    let page = api.log.timeline(&caller.tenant, &order_id, &filter, order, after, paging.limit()).await?;
    let next = page.next.map(|position| Position(position.occurred_at, position.sequence));
    let page = paging.page(page.events.into_iter().map(resources::Event::from).collect(), next)?;
    // By the producers' clocks, a late event comes in between.
    Ok(if order == Order::Sequence { page.append_only() } else { page })
}
