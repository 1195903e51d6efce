//! `GET /order-history/events/{event_id}`

use axum::extract::State;
use domain::ids::EventId;
use http_api::{
    Caller, Path, Problem, ProblemBody, Query, Tagged, auth::HistoryReader, openapi::ReadProblems, resources,
};

use crate::EventsApi;

/// One event, as it was recorded
#[utoipa::path(
    get,
    path = "/order-history/events/{event_id}",
    tag = "events",
    params(("event_id" = String, Path, description = "The producer's id of the event")),
    responses(
        (status = 200, description = "The event", body = resources::Event),
        ReadProblems,
        (status = 404, description = "The tenant has no such event (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get_event(
    caller: Caller<HistoryReader>,
    State(api): State<EventsApi>,
    Path(event_id): Path<EventId>,
    Query(()): Query<()>,
) -> Result<Tagged<resources::Event>, Problem> {
    let recorded = api.log.event(&caller.tenant, &event_id).await?;
    recorded.map(|recorded| Tagged(recorded.into())).ok_or_else(|| Problem::not_found("event"))
}
