//! `GET /order-history/orders/{order_id}/timeline`

use axum::extract::State;
use domain::{
    filter::EventFilter,
    ids::{OrderId, TenantId},
    time::Timestamp,
};
use http_api::{
    Caller, PAGE_BYTES, Page, PageParams, Paged, Paging, Path, Problem, auth::HistoryReader, openapi::ReadProblems,
    resources,
};
use serde::{Deserialize, Serialize};
use store::{
    StoreError,
    log::{Order, RecordedEvent, TimelinePosition},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    OrdersApi,
    expand::{Expand, Said},
};

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
    /// What is shown with each event: `attachments`, `corrections`, or both with a comma.
    #[serde(default)]
    #[param(value_type = Option<String>, required = false, example = "attachments,corrections")]
    expand: Expand,
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

/// An event of a timeline, with what was asked for beside it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Entry {
    #[serde(flatten)]
    event: resources::Event,
    /// The documents that belong to the event, in the order in which they were registered; with `expand=attachments`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    attachments: Option<Vec<resources::Attachment>>,
    /// What puts the event right, and what puts that right, in the order of the ledger; with `expand=corrections`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    corrections: Option<Vec<resources::Event>>,
    /// There when the event has more attachments or corrections than a page holds: `GET /events/{event_id}/attachments` and
    /// `/corrections` have all of them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    truncated: bool,
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
    responses((status = 200, description = "A page of the order's events", body = Page<Entry>), ReadProblems),
)]
pub(crate) async fn get_timeline(
    caller: Caller<HistoryReader>,
    State(api): State<OrdersApi>,
    Path(order_id): Path<OrderId>,
    Paged(params, paging): Paged<TimelineParams>,
) -> Result<Page<Entry>, Problem> {
    timeline(&api, &caller.tenant, &order_id, EventFilter::default(), &params, paging).await
}

/// A page of the order's events that match the filter, and the parameters.
pub(crate) async fn timeline(
    api: &OrdersApi,
    tenant: &TenantId,
    order_id: &OrderId,
    filter: EventFilter,
    params: &TimelineParams,
    paging: Paging,
) -> Result<Page<Entry>, Problem> {
    let TimelineParams { from, to, order, expand } = *params;
    resources::time_range(from, to)?;
    let filter = EventFilter { from, to, ..filter };
    let order = match order {
        OrderBy::Sequence => Order::Sequence,
        OrderBy::OccurredAt => Order::OccurredAt,
    };
    let after = paging.after()?.map(|Position(occurred_at, sequence)| TimelinePosition { occurred_at, sequence });
    let page = api.log.timeline(tenant, order_id, &filter, order, after, paging.limit());
    let (page, said) = tokio::try_join!(page, Said::read(&api.log, tenant, order_id, expand))?;
    let (items, cut) = entries(page.events, &said, expand)?;
    let next = cut.or(page.next).map(|position| Position(position.occurred_at, position.sequence));
    let page = paging.page(items, next)?;
    // By the producers' clocks, a late event comes in between; and what is said about an event may be added any time.
    Ok(if order == Order::Sequence && !expand.any() { page.append_only() } else { page })
}

/// The events with what is said about each, as many as fit a page; and where the page ends if that is before the last.
fn entries(
    events: Vec<RecordedEvent>,
    said: &Said,
    expand: Expand,
) -> Result<(Vec<Entry>, Option<TimelinePosition>), StoreError> {
    let mut entries = Vec::with_capacity(events.len());
    let (mut bytes, mut last) = (0, None);
    for event in events {
        bytes += event.entry.json_len()?;
        if bytes > PAGE_BYTES && !entries.is_empty() {
            return Ok((entries, last));
        }
        let position = TimelinePosition { occurred_at: event.entry.event.occurred_at, sequence: event.sequence };
        // Of the first event, as much as there is room for.
        let room = PAGE_BYTES.saturating_sub(bytes);
        let about = said.about(&event.entry.event.event_id, room)?;
        if about.truncated && !entries.is_empty() {
            return Ok((entries, last));
        }
        bytes += about.bytes;
        last = Some(position);
        entries.push(Entry {
            event: event.into(),
            attachments: expand.attachments.then_some(about.attachments),
            corrections: expand.corrections.then_some(about.corrections),
            truncated: about.truncated,
        });
    }
    Ok((entries, None))
}
