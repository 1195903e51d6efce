//! `GET /order-history/events`

use std::collections::HashSet;

use axum::extract::State;
use domain::{
    filter::{EventFilter, TypePattern},
    ids::{OrderId, Source},
    time::Timestamp,
};
use http_api::{Caller, Page, PageParams, Paged, Problem, auth::HistoryReader, openapi::ReadProblems, resources};
use serde::{Deserialize, Serialize};
use store::log::{LogPosition, Order, TimelinePosition};
use utoipa::IntoParams;

use crate::{EventsApi, attached};

/// Which events are asked for; all conditions must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// Only events of this order. Such a list is read from the order's own timeline.
    #[param(value_type = Option<String>)]
    order_id: Option<OrderId>,
    /// Only events of this type, or with `.*` at the end of all types below it: `order.payment.*`.
    #[serde(rename = "type")]
    #[param(value_type = Option<String>, example = "order.payment.*")]
    event_type: Option<TypePattern>,
    /// Only events of this producer.
    #[param(value_type = Option<String>)]
    source: Option<Source>,
    /// Only events that occurred at this instant or later (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Only events that occurred before this instant (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Only events with this `metadata.actor_id`.
    actor_id: Option<String>,
    /// Only events that have a document, or that have none; one that was deleted does not count.
    #[param(required = false)]
    has_attachments: Option<bool>,
}

/// Where a page of the list ends.
#[derive(Debug, Serialize, Deserialize)]
enum Position {
    /// In one order's timeline: after this sequence number.
    Order(u64),
    /// In the log: before this entry of this segment.
    Log { segment: u64, offset: u64 },
}

/// Events, in the order of the ledger
///
/// Without `order_id` the log is read from its beginning. A page then looks through a bounded part of the log, so it
/// may hold fewer events than `limit`, or none, and still have a next one: go on until there is no `next_cursor`. So may
/// every page with `has_attachments`.
#[utoipa::path(
    get,
    path = "/order-history/events",
    tag = "events",
    params(EventParams, PageParams),
    responses((status = 200, description = "A page of the events", body = Page<resources::Event>), ReadProblems),
)]
pub(crate) async fn list_events(
    caller: Caller<HistoryReader>,
    State(api): State<EventsApi>,
    Paged(params, paging): Paged<EventParams>,
) -> Result<Page<resources::Event>, Problem> {
    resources::time_range(params.from, params.to)?;
    let EventParams { order_id, event_type, source, from, to, actor_id, has_attachments } = params;
    let filter = EventFilter { order_id, event_type, source, actor_id, from, to };
    let tenant = &caller.tenant;
    let (mut events, next, attached) = match &filter.order_id {
        Some(order_id) => {
            let after = paging.after()?.and_then(|position| match position {
                // By sequence, the instant does not matter.
                Position::Order(sequence) => {
                    Some(TimelinePosition { occurred_at: Timestamp::clamped_from_millis(0), sequence })
                }
                Position::Log { .. } => None,
            });
            let timeline = api.log.timeline(tenant, order_id, &filter, Order::Sequence, after, paging.limit());
            let attached = async {
                if has_attachments.is_none() {
                    return Ok(HashSet::new());
                }
                attached::of_order(&api.log, tenant, order_id).await
            };
            let (page, attached) = tokio::try_join!(timeline, attached)?;
            (page.events, page.next.map(|position| Position::Order(position.sequence)), attached)
        }
        None => {
            let from = paging.after()?.and_then(|position| match position {
                Position::Log { segment, offset } => Some(LogPosition { segment, offset }),
                Position::Order(_) => None,
            });
            let from = from.unwrap_or(LogPosition::START);
            let page = api.log.scan(tenant, &filter, from, paging.limit()).await?;
            let attached = match has_attachments {
                Some(_) => attached::of_events(&api.log, tenant, &page.events).await?,
                None => HashSet::new(),
            };
            let next = page.next.map(|LogPosition { segment, offset }| Position::Log { segment, offset });
            (page.events, next, attached)
        }
    };
    if let Some(wanted) = has_attachments {
        events.retain(|recorded| attached.contains(&recorded.entry.event.event_id) == wanted);
    }
    let page = paging.page(events.into_iter().map(resources::Event::from).collect(), next)?;
    // In the order of the ledger, by what was recorded with the events; what is attached to them comes and goes.
    Ok(if has_attachments.is_none() { page.append_only() } else { page })
}
