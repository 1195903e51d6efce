//! `GET /order-history/orders`

#[cfg(test)]
mod tests;

use axum::extract::State;
use domain::{
    ids::{EventType, OrderId},
    time::Timestamp,
};
use http_api::{Caller, Page, PageParams, Paged, Problem, auth::HistoryReader, openapi::ReadProblems, resources};
use serde::{Deserialize, Serialize};
use store::orders::{CustomerId, Occurred, OrderFilter, OrderPosition, OrderSummary};
use utoipa::{IntoParams, ToSchema};

use crate::OrdersApi;

/// How long a change is recent.
const RECENT_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Which orders are asked for; all conditions must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrderParams {
    /// Only orders whose last event occurred before this instant (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    last_event_before: Option<Timestamp>,
    /// Only orders whose last event occurred at this instant or later (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// The same as `last_event_before`.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Only orders whose last event occurred within the 24 hours before the first page was asked for, or later (`true`);
    /// or only the others (`false`).
    has_recent_changes: Option<bool>,
    /// Only orders of this customer: `customer_id`, or `customer.id`, in the payload of their events.
    #[param(value_type = Option<String>, min_length = 1, max_length = 256)]
    customer_id: Option<CustomerId>,
}

/// An order, as far as its history tells without its events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedOrder {
    #[schema(value_type = String, example = "ord_123")]
    order_id: OrderId,
    /// When the earliest of its events occurred, by the producers' clocks. In UTC.
    #[schema(value_type = String, format = DateTime)]
    first_event_at: Timestamp,
    /// When the latest of them occurred.
    #[schema(value_type = String, format = DateTime)]
    last_event_at: Timestamp,
    /// What the latest of them was.
    #[schema(value_type = String, example = "order.payment.succeeded")]
    last_event_type: EventType,
    /// How many events its timeline has, with what the service itself recorded.
    #[schema(minimum = 1)]
    events: u64,
    /// The sequence number of the last of these in the tenant's log.
    #[schema(minimum = 1)]
    last_sequence: u64,
    /// When that one was recorded.
    #[schema(value_type = String, format = DateTime)]
    last_received_at: Timestamp,
    /// Whose it is, as the last event that named a customer says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false, example = "cust_123")]
    customer_id: Option<CustomerId>,
}

/// When the list was asked for, and after which order the page starts.
#[derive(Debug, Serialize, Deserialize)]
struct Position(Timestamp, OrderPosition);

/// Orders, by the day of their last event
///
/// Those of one day, and those of a customer, come in the order of their ids. The list follows the ledger within
/// seconds. A page looks at a bounded number of orders, so with a filter it may hold fewer than `limit`, or none, and
/// still have a next one: go on until there is no `next_cursor`. An order that gets an event while somebody pages may
/// come again at its new place; none is left out.
#[utoipa::path(
    get,
    path = "/order-history/orders",
    tag = "orders",
    params(OrderParams, PageParams),
    responses((status = 200, description = "A page of the orders", body = Page<ListedOrder>), ReadProblems),
)]
pub(crate) async fn list_orders(
    caller: Caller<HistoryReader>,
    State(api): State<OrdersApi>,
    Paged(params, paging): Paged<OrderParams>,
) -> Result<Page<ListedOrder>, Problem> {
    let (asked_at, after) = match paging.after()? {
        Some(Position(asked_at, after)) => (asked_at, Some(after)),
        None => (api.gate.clock().now(), None),
    };
    let filter = params.filter(asked_at)?;
    let page = api.orders.list(&caller.tenant, &filter, after, paging.limit()).await?;
    let orders = page.orders.into_iter().filter_map(ListedOrder::of).collect();
    paging.page(orders, page.next.map(|next| Position(asked_at, next)))
}

impl OrderParams {
    /// A range of time that nothing can lie in is a mistake, unless it comes from what is recent.
    fn filter(self, now: Timestamp) -> Result<OrderFilter, Problem> {
        let Self { last_event_before, from, to, has_recent_changes, customer_id } = self;
        resources::time_range(from, to)?;
        if resources::time_range(from, last_event_before).is_err() {
            return Err(Problem::parameter("from", "must be before last_event_before"));
        }
        let mut filter = OrderFilter { from, to: earlier(to, last_event_before), customer_id };
        let recent = Timestamp::clamped_from_millis(now.as_millis().saturating_sub(RECENT_MILLIS));
        match has_recent_changes {
            Some(true) => filter.from = filter.from.max(Some(recent)),
            Some(false) => filter.to = earlier(filter.to, Some(recent)),
            None => {}
        }
        Ok(filter)
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

impl ListedOrder {
    /// None for an order without events, which no list has.
    fn of(order: OrderSummary) -> Option<Self> {
        let OrderSummary { order_id, events, last_sequence, last_received_at, occurred, customer_id } = order;
        let Occurred { first_at, last_at, last_type } = occurred?;
        Some(Self {
            order_id,
            first_event_at: first_at,
            last_event_at: last_at,
            last_event_type: last_type,
            events,
            last_sequence,
            last_received_at,
            customer_id,
        })
    }
}
