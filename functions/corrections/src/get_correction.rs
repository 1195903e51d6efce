//! `GET /order-history/corrections/{correction_id}`

use axum::extract::State;
use domain::ids::EventId;
use http_api::{
    Caller, Path, Problem, ProblemBody, Query, Tagged, auth::HistoryReader, openapi::ReadProblems, resources,
};

use crate::CorrectionsApi;

/// One correction, as it was recorded
#[utoipa::path(
    get,
    path = "/order-history/corrections/{correction_id}",
    tag = "corrections",
    params(("correction_id" = String, Path, description = "The `event_id` of the correction")),
    responses(
        (status = 200, description = "The correction; `correction_of` is the event that it puts right",
         body = resources::Event),
        ReadProblems,
        (status = 404, description = "The tenant has no such event, or it is no correction (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get_correction(
    caller: Caller<HistoryReader>,
    State(api): State<CorrectionsApi>,
    Path(correction_id): Path<EventId>,
    Query(()): Query<()>,
) -> Result<Tagged<resources::Event>, Problem> {
    let recorded = api.log.event(&caller.tenant, &correction_id).await?;
    let correction = recorded.filter(|recorded| recorded.entry.event.correction_of.is_some());
    correction.map(|recorded| Tagged(recorded.into())).ok_or_else(|| Problem::not_found("correction"))
}
