//! `POST /order-history/events/validate`

use axum::extract::State;
use domain::{
    event::{self, InvalidEvent, MAX_EVENT_BYTES, TenantSource},
    ids::TenantId,
    json,
};
use http_api::{Caller, Fault, Json, Problem, RawJson, auth::Producer, openapi::WriteProblems, resources};
use serde::Serialize;
use serde_json::Value;
use store::schemas::{OnMismatch, Verdict};
use utoipa::ToSchema;

use crate::EventsApi;

/// What each event would meet with, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Validation {
    /// Whether all of them would be recorded.
    valid: bool,
    events: Vec<ValidatedEvent>,
}

/// What would become of one event.
#[derive(Debug, Serialize, ToSchema)]
struct ValidatedEvent {
    /// Its place in the request, from 0.
    index: usize,
    /// Whether it would be recorded; an id that is taken is not looked for.
    valid: bool,
    /// How its payload stands to the registered schema; missing when none is registered, or the envelope is not right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    schema: Option<resources::SchemaStanding>,
    /// What is wrong, with JSON Pointers into the event. An event that would be recorded with the tag `mismatch` lists
    /// here what does not fit.
    errors: Vec<Fault>,
}

/// Try events without recording them
///
/// Takes one event or an array of them, and checks each against the envelope and the registered schemas.
#[utoipa::path(
    post,
    path = "/order-history/events/validate",
    tag = "events",
    request_body(content = resources::NewEvents, description = "One event, or an array of events"),
    responses((status = 200, description = "What would become of each event", body = Validation), WriteProblems),
)]
pub(crate) async fn validate_events(
    caller: Caller<Producer>,
    State(api): State<EventsApi>,
    body: RawJson,
) -> Result<Json<Validation>, Problem> {
    let documents = match json::parse(&body)? {
        Value::Array(documents) => documents,
        one => vec![one],
    };
    let mut events = Vec::with_capacity(documents.len());
    for (index, document) in documents.into_iter().enumerate() {
        events.push(validate(&api, &caller.tenant, index, document).await?);
    }
    Ok(Json(Validation { valid: events.iter().all(|event| event.valid), events }))
}

async fn validate(
    api: &EventsApi,
    tenant: &TenantId,
    index: usize,
    document: Value,
) -> Result<ValidatedEvent, Problem> {
    let size = document.to_string().len();
    let read = if size > MAX_EVENT_BYTES {
        Err(InvalidEvent::TooLarge { size })
    } else {
        event::from_value(document, TenantSource::Token(tenant))
    };
    let event = match read {
        Ok((_, event)) => event,
        Err(InvalidEvent::Envelope(violations)) => {
            let errors = violations.into_iter().map(Fault::from).collect();
            return Ok(ValidatedEvent { index, valid: false, schema: None, errors });
        }
        Err(error) => {
            let errors = vec![Fault::at("", error.to_string())];
            return Ok(ValidatedEvent { index, valid: false, schema: None, errors });
        }
    };
    Ok(match api.schemas.verdict(tenant, &event).await? {
        Verdict::NotRegistered => ValidatedEvent { index, valid: true, schema: None, errors: vec![] },
        Verdict::Fits => {
            ValidatedEvent { index, valid: true, schema: Some(resources::SchemaStanding::Fits), errors: vec![] }
        }
        Verdict::Mismatch { on_mismatch, violations } => ValidatedEvent {
            index,
            valid: on_mismatch == OnMismatch::Tag,
            schema: Some(resources::SchemaStanding::Mismatch),
            errors: violations.into_iter().map(|violation| Fault::at(violation.pointer, violation.detail)).collect(),
        },
    })
}
