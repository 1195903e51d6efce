//! What every route does that records an event as its producer sent it, or something that the service says itself.

use axum::response::{IntoResponse, Response};
use domain::ids::OrderId;
use domain::record::Record;
use store::Log;
use store::log::{Outcome, SchemaTag, Submission};
use store::schemas::Verdict;

use crate::answer::{Created, Json};
use crate::auth::Caller;
use crate::catalogue::ProblemType;
use crate::gate::Gate;
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

/// Records what the service itself says of an order, as its caller asked for it.
///
/// # Errors
/// Those of the store.
pub async fn say<P>(
    log: &Log,
    gate: &Gate,
    caller: &Caller<P>,
    order_id: OrderId,
    record: impl Record,
) -> Result<Outcome, Problem> {
    let submission = submission(gate, caller, order_id, record)?;
    let outcome = log.append(&caller.tenant, vec![submission]).await?.pop();
    outcome.ok_or_else(|| Problem::internal(&"an append answered for none of its events"))
}

/// The event in which the service itself says something of an order.
///
/// # Errors
/// `internal`: a name in it is longer than it can be.
pub fn submission<P>(
    gate: &Gate,
    caller: &Caller<P>,
    order_id: OrderId,
    record: impl Record,
) -> Result<Submission, Problem> {
    let event = record.into_event(order_id, gate.clock().now(), &caller.subject);
    Ok(Submission { event: event.map_err(|error| Problem::internal(&error))?, schema: None })
}
