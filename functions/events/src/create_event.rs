//! `POST /order-history/events`

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::event::{self, TenantSource};
use http_api::{
    Caller, Created, Fault, Json, Problem, ProblemBody, ProblemType, RawJson, auth::Producer, openapi::WriteProblems,
    resources,
};
use store::log::{Outcome, Submission};

use crate::EventsApi;

/// 201 when the event is recorded by this request, 200 when it was before.
pub(crate) enum Answer {
    Recorded(resources::Receipt),
    Repeated(resources::Receipt),
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Recorded(receipt) => Created(receipt).into_response(),
            Self::Repeated(receipt) => Json(receipt).into_response(),
        }
    }
}

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
) -> Result<Answer, Problem> {
    let (tenant, event) = event::parse(&body, TenantSource::Token(&caller.tenant))?;
    let check = async {
        let schema = api.schemas.verdict(&tenant, &event).await?.admit().map_err(|violations| {
            Problem::new(
                ProblemType::EventDoesNotFitSchema,
                "the payload does not fit the schema that is registered for its type and version",
            )
            .with(violations.into_iter().map(|violation| Fault::at(violation.pointer, violation.detail)))
        })?;
        Ok::<_, Problem>(Submission { event, schema })
    };
    let outcome = api.log.append_checked(&tenant, check).await?;
    match outcome {
        Outcome::Recorded(receipt) => {
            metrics::counter!("EventsRecorded").increment(1);
            Ok(Answer::Recorded(receipt.into()))
        }
        Outcome::Repeated(receipt) => {
            metrics::counter!("EventsRepeated").increment(1);
            Ok(Answer::Repeated(receipt.into()))
        }
        Outcome::Conflict(first) => {
            metrics::counter!("EventsConflicted").increment(1);
            let detail = format!(
                "event number {} has this id and other content; give the new event an id of its own",
                first.sequence
            );
            Err(Problem::new(ProblemType::EventConflict, detail))
        }
    }
}
