//! `GET /order-history/events/{event_id}/attachments`

use axum::extract::State;
use domain::ids::EventId;
use http_api::{
    Caller, Page, PageParams, Paged, Path, Problem, ProblemBody, auth::HistoryReader, openapi::ReadProblems,
    resources::Attachment,
};
use store::history::{Attached, Documents};

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
    let documents = Documents::read(&api.log, &caller.tenant, &order_id).await?;
    let of_event = documents.iter().filter(|attached| attached.registered.record.event_id == event_id);
    let mut rest = of_event.filter(|attached| attached.registered.sequence > after).peekable();
    let (mut items, mut last) = (Vec::new(), after);
    while let Some(Attached { registered, deleted }) = rest.next_if(|_| items.len() < paging.limit()) {
        last = registered.sequence;
        items.push(Attachment::new(order_id.clone(), registered, deleted.as_ref()));
    }
    let next = rest.peek().map(|_| last);
    paging.page(items, next)
}
