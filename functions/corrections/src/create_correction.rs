//! `POST /order-history/corrections`

use axum::extract::State;
use domain::{
    event::{self, TenantSource},
    order::{InvalidCorrection, correction},
};
use http_api::{
    Caller, Fault, Problem, ProblemBody, ProblemType, RawJson,
    auth::Producer,
    openapi::WriteProblems,
    recording::{self, Recorded},
    resources,
};
use store::log::Submission;

use crate::CorrectionsApi;

/// Correct an event
///
/// A correction is an event of the same order; its payload is a JSON Merge Patch (RFC 7396) over the payload of the event
/// that it names. Nothing is changed by it: both stand in the timeline, and the order's state can be had with or without
/// its corrections. A correction may itself be corrected. Sent again it adds nothing and gets the first receipt.
#[utoipa::path(
    post,
    path = "/order-history/corrections",
    tag = "corrections",
    request_body(content = resources::NewCorrection, description = "The correction; at most 256 KiB"),
    responses(
        (status = 201, description = "The correction is recorded", body = resources::Receipt),
        (status = 200, description = "It was recorded before: the first receipt", body = resources::Receipt),
        WriteProblems,
        (status = 409, description = "Another event has this id (`event-conflict`), or a request with this idempotency \
          key is still running (`idempotency-in-progress`)",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The correction is over 256 KiB (`event-too-large`, `body-too-large`)",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The envelope is not right (`invalid-event`), `correction_of` names no event that \
          this one can correct (`invalid-correction`), the payload does not fit its schema \
          (`event-does-not-fit-schema`), or the idempotency key was used for another request (`idempotency-key-reused`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create_correction(
    caller: Caller<Producer>,
    State(api): State<CorrectionsApi>,
    body: RawJson,
) -> Result<Recorded, Problem> {
    let (tenant, event) = event::parse_correction(&body, TenantSource::Token(&caller.tenant))?;
    let check = async {
        let original = async {
            let Some(named) = &event.correction_of else { return Ok(None) };
            api.log.order_of(&tenant, named).await
        };
        let (verdict, original) = tokio::try_join!(api.schemas.verdict(&tenant, &event), original)?;
        correction::check(&event, original.as_ref()).map_err(|error| refusal(&error))?;
        let schema = recording::admit(verdict)?;
        Ok::<_, Problem>(Submission { event, schema })
    };
    api.log.append_checked(&tenant, check).await?.try_into()
}

fn refusal(error: &InvalidCorrection) -> Problem {
    let pointer = match error {
        InvalidCorrection::OtherOrder => "/order_id",
        InvalidCorrection::NotACorrection
        | InvalidCorrection::Itself
        | InvalidCorrection::OfARecord
        | InvalidCorrection::UnknownOriginal
        | InvalidCorrection::BeforeOriginal { .. }
        | InvalidCorrection::Twice { .. } => "/correction_of",
    };
    Problem::new(ProblemType::InvalidCorrection, "the event cannot be recorded as a correction")
        .with([Fault::at(pointer, error.to_string())])
}
