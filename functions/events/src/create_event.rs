//! `POST /order-history/events`

use axum::extract::State;
use domain::event::{self, TenantSource};
use http_api::{
    Caller, Problem, ProblemBody, RawJson,
    auth::Producer,
    openapi::WriteProblems,
    recording::{self, Recorded},
    resources,
};
use store::log::Submission;

use crate::EventsApi;

/// Record an event
///
/// The event is durable, and found by every read, before the answer is sent. The event's id makes the request
/// repeatable: sent again it adds nothing and gets the first receipt.
#[utoipa::path(
    post,
    path = "/order-history/events",
    tag = "events",
    request_body(content = resources::NewEvent, description = "The event; at most 256 KiB"),
    responses(
        (status = 201, description = "The event is recorded", body = resources::Receipt),
        (status = 200, description = "It was recorded before: the first receipt", body = resources::Receipt),
        WriteProblems,
        (status = 409, description = "Another event has this id (`event-conflict`), or a request with this idempotency \
          key is still running (`idempotency-in-progress`)",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The event is over 256 KiB (`event-too-large`, `body-too-large`)",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The envelope is not right (`invalid-event`), the payload does not fit its schema \
          (`event-does-not-fit-schema`), or the idempotency key was used for another request (`idempotency-key-reused`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create_event(
    caller: Caller<Producer>,
    State(api): State<EventsApi>,
    body: RawJson,
) -> Result<Recorded, Problem> {
    let (tenant, event) = event::parse(&body, TenantSource::Token(&caller.tenant))?;
    let check = async {
        let schema = recording::admit(api.schemas.verdict(&tenant, &event).await?)?;
        Ok::<_, Problem>(Submission { event, schema })
    };
    api.log.append_checked(&tenant, check).await?.try_into()
}
