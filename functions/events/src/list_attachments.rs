//! `GET /order-history/events/{event_id}/attachments`

use std::pin::pin;

use axum::extract::State;
use domain::ids::EventId;
use futures::TryStreamExt;
use http_api::{
    Caller, Page, PageParams, Paged, Path, Problem, ProblemBody,
    auth::HistoryReader,
    openapi::ReadProblems,
    resources::{Attachment, Deletion},
};

use crate::EventsApi;

/// The attachments of an event
///
/// In the order in which they were registered; those that were deleted say so. `GET /attachments/{attachment_id}` has the
/// link to a document.
#[utoipa::path(
    get,
    path = "/order-history/events/{event_id}/attachments",
    tag = "events",
    params(("event_id" = String, Path, description = "The producer's id of the event"), PageParams),
    responses(
        (status = 200, description = "A page of the attachments", body = Page<Attachment>),
        ReadProblems,
        (status = 404, description = "The tenant has no such event (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list_attachments(
    caller: Caller<HistoryReader>,
    State(api): State<EventsApi>,
    Path(event_id): Path<EventId>,
    Paged((), paging): Paged<()>,
) -> Result<Page<Attachment>, Problem> {
    let after: u64 = paging.after()?.unwrap_or_default();
    let order_id = api.log.order_of(&caller.tenant, &event_id).await?.ok_or_else(|| Problem::not_found("event"))?;
    let mut linked = pin!(api.log.linked(&caller.tenant, &order_id));
    let (mut items, mut next) = (Vec::<Attachment>::new(), None);
    // To the end, also when the page is full: what was deleted is told by what was recorded later.
    while let Some(recorded) = linked.try_next().await? {
        if let Some((attachment_id, deletion)) = Deletion::recorded_by(&recorded) {
            if let Some(item) = items.iter_mut().find(|item| item.attachment_id == attachment_id) {
                item.deleted = Some(deletion);
            }
        } else if let Some(attachment) = Attachment::registered_by(&recorded)
            && attachment.event_id == event_id
            && attachment.sequence > after
        {
            if items.len() < paging.limit() {
                items.push(attachment);
            } else if next.is_none() {
                next = items.last().map(|last| last.sequence);
            }
        }
    }
    paging.page(items, next)
}
