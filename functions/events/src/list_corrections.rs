//! `GET /order-history/events/{event_id}/corrections`

use std::{collections::HashSet, pin::pin};

use axum::extract::State;
use domain::ids::EventId;
use futures::TryStreamExt;
use http_api::{
    Caller, PAGE_BYTES, Page, PageParams, Paged, Path, Problem, ProblemBody, auth::HistoryReader,
    openapi::ReadProblems, resources,
};

use crate::EventsApi;

/// The corrections of an event
///
/// Those of the event, those of its corrections, and so on, in the order in which they were recorded; each names in
/// `correction_of` the event that it puts right.
#[utoipa::path(
    get,
    path = "/order-history/events/{event_id}/corrections",
    tag = "events",
    params(("event_id" = String, Path, description = "The producer's id of the event"), PageParams),
    responses(
        (status = 200, description = "A page of the corrections", body = Page<resources::Event>),
        ReadProblems,
        (status = 404, description = "The tenant has no such event (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list_corrections(
    caller: Caller<HistoryReader>,
    State(api): State<EventsApi>,
    Path(event_id): Path<EventId>,
    Paged((), paging): Paged<()>,
) -> Result<Page<resources::Event>, Problem> {
    let after: u64 = paging.after()?.unwrap_or_default();
    let order_id = api.log.order_of(&caller.tenant, &event_id).await?.ok_or_else(|| Problem::not_found("event"))?;
    let mut linked = pin!(api.log.linked(&caller.tenant, &order_id));
    // A correction is recorded after what it corrects, so one pass finds every chain. Each page goes through all of it
    // again, for the ids on the pages before.
    let mut corrected = HashSet::from([event_id]);
    let (mut items, mut bytes, mut next) = (Vec::<resources::Event>::new(), 0, None);
    while let Some(recorded) = linked.try_next().await? {
        let event = &recorded.entry.event;
        if !event.correction_of.as_ref().is_some_and(|named| corrected.contains(named)) {
            continue;
        }
        corrected.insert(event.event_id.clone());
        if recorded.sequence <= after {
            continue;
        }
        bytes += recorded.entry.json_len()?;
        if items.len() == paging.limit() || (bytes > PAGE_BYTES && !items.is_empty()) {
            next = items.last().map(|last| last.sequence);
            break;
        }
        items.push(recorded.into());
    }
    // By sequence, and a correction of what is listed comes after it.
    Ok(paging.page(items, next)?.append_only())
}
