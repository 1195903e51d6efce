//! `GET /order-history/orders/{order_id}/events/{type}`

use axum::extract::State;
use domain::{
    filter::{EventFilter, TypePattern},
    ids::OrderId,
};
use http_api::{Caller, Page, PageParams, Paged, Path, Problem, auth::HistoryReader, openapi::ReadProblems};

use crate::{
    OrdersApi,
    get_timeline::{Entry, TimelineParams, timeline},
};

/// What of a kind happened to an order
///
/// The timeline with the events of one type alone, or of all below a stem: `order.payment.*` is every type that starts with
/// `order.payment.`. A page that matches little may be short, or empty, and still have a next one.
#[utoipa::path(
    get,
    path = "/order-history/orders/{order_id}/events/{type}",
    tag = "orders",
    params(
        ("order_id" = String, Path, description = "The order"),
        ("type" = String, Path, description = "The type of the events, or a stem and `.*`", example = "order.payment.*"),
        TimelineParams,
        PageParams,
    ),
    responses((status = 200, description = "A page of the events", body = Page<Entry>), ReadProblems),
)]
pub(crate) async fn list_events_by_type(
    caller: Caller<HistoryReader>,
    State(api): State<OrdersApi>,
    Path((order_id, event_type)): Path<(OrderId, TypePattern)>,
    Paged(params, paging): Paged<TimelineParams>,
) -> Result<Page<Entry>, Problem> {
    let filter = EventFilter { event_type: Some(event_type), ..EventFilter::default() };
    timeline(&api, &caller.tenant, &order_id, filter, &params, paging).await
}
