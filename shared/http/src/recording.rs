//! What every route does that records an event as its producer sent it.

use axum::response::{IntoResponse, Response};
use store::log::{Outcome, SchemaTag};
use store::schemas::Verdict;

use crate::answer::{Created, Json};
use crate::catalogue::ProblemType;
use crate::problem::{Fault, Problem};
use crate::resources::Receipt;

/// The answer: 201 when the event is recorded by this request, 200 when it was before.
#[derive(Debug)]
pub enum Recorded {
    Now(Receipt),
    Before(Receipt),
}

impl IntoResponse for Recorded {
    fn into_response(self) -> Response {
        match self {
            Self::Now(receipt) => Created(receipt).into_response(),
            Self::Before(receipt) => Json(receipt).into_response(),
        }
    }
}

impl TryFrom<Outcome> for Recorded {
    type Error = Problem;

    fn try_from(outcome: Outcome) -> Result<Self, Problem> {
        match outcome {
            Outcome::Recorded(receipt) => {
                metrics::counter!("EventsRecorded").increment(1);
                Ok(Self::Now(receipt.into()))
            }
            Outcome::Repeated(receipt) => {
                metrics::counter!("EventsRepeated").increment(1);
                Ok(Self::Before(receipt.into()))
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
}

/// The tag to record an event with, by how it stands to its schema.
///
/// # Errors
/// `event-does-not-fit-schema`, if its tenant chose to refuse such events.
pub fn admit(verdict: Verdict) -> Result<Option<SchemaTag>, Problem> {
    verdict.admit().map_err(|violations| {
        let detail = "the payload does not fit the schema that is registered for its type and version";
        let faults = violations.into_iter().map(|violation| Fault::at(violation.pointer, violation.detail));
        Problem::new(ProblemType::EventDoesNotFitSchema, detail).with(faults)
    })
}
