//! `GET /order-history/orders/{order_id}/snapshot`

use std::collections::BTreeMap;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::{
    ids::{EventId, OrderId, SnapshotId},
    json,
    order::{self, Pointer},
    time::Timestamp,
};
use http_api::{
    Caller, Json, PAGE_BYTES, Path, Problem, ProblemBody, Query, Tagged,
    auth::HistoryReader,
    openapi::ReadProblems,
    resources::{Download, View},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::history::{LINK_LIFETIME, Question};
use utoipa::{IntoParams, ToSchema};

use crate::OrdersApi;

/// Which state is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StateParams {
    /// The state after all that had happened up to and at this instant (RFC 3339); all that was recorded, unless given.
    #[param(value_type = Option<String>, format = DateTime, example = "2025-08-29T13:00:00Z")]
    at: Option<Timestamp>,
    /// Only what had been recorded up to and at this instant (RFC 3339): what we knew then.
    #[param(value_type = Option<String>, format = DateTime)]
    known_at: Option<Timestamp>,
    /// Whether corrections count in the place of what they correct; `corrected` unless given.
    #[serde(default)]
    #[param(inline, required = false)]
    view: View,
    /// Whether the answer says which event set each field. The state is then put together from the first event on, whatever
    /// snapshots there are.
    #[serde(default)]
    #[param(required = false, default = false)]
    explain: bool,
}

/// The state of an order at an instant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderState {
    #[schema(value_type = String, example = "ord_123")]
    order_id: OrderId,
    as_of: AsOf,
    /// What the order's events come to. Missing when it is too large for an answer: then `download` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, required = false)]
    state: Option<Map<String, Value>>,
    /// JSON Pointers of the fields that were erased; each is `null` in the state.
    #[schema(value_type = Vec<String>, example = json!(["/customer/email"]))]
    redacted: Vec<Pointer>,
    /// How many events were read and folded for this answer, without those in the snapshot that it started from.
    events: u64,
    /// When the last event in the state happened; missing when there is none in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, required = false)]
    last_event_at: Option<Timestamp>,
    /// The snapshot that it started from. The state would be the same without.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    base: Option<SnapshotId>,
    /// By JSON Pointer, for each scalar, erased field and empty container of the state: the event that set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    explain: Option<BTreeMap<String, Origin>>,
    /// A document with the members `state` and `explain`, when they are too large for an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    download: Option<Download>,
}

/// What the state is of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AsOf {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, required = false)]
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, required = false)]
    known_at: Option<Timestamp>,
    /// The number of the last event of the order that was taken into account, be it one that changed nothing.
    through: u64,
    view: View,
}

/// What a field's value comes from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Origin {
    /// The last event that said it, or the correction that did.
    #[schema(value_type = String, example = "evt_0001")]
    event_id: EventId,
    #[schema(minimum = 1)]
    sequence: u64,
    /// Of a correction: the event that it puts right, in whose place it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    correction_of: Option<EventId>,
}

/// What is handed out as a document of its own.
#[derive(Debug, Serialize)]
struct Large<'a> {
    state: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<&'a BTreeMap<String, Origin>>,
}

/// The answer; one with a link in it is another one each time.
pub(crate) enum Answer {
    Whole(OrderState),
    Linked(OrderState),
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Whole(state) => Tagged(state).into_response(),
            Self::Linked(state) => Json(state).into_response(),
        }
    }
}

/// The state of an order at an instant
///
/// The order's events, folded in the order in which they happened: each payload is a JSON Merge Patch (RFC 7396) for the
/// state, unless its type was registered with another rule. `at` asks what had happened, `known_at` what we knew.
/// A state of more than 3 MiB is a document of its own, behind a link that is good for five minutes.
#[utoipa::path(
    get,
    path = "/order-history/orders/{order_id}/snapshot",
    tag = "orders",
    params(("order_id" = String, Path, description = "The order"), StateParams),
    responses(
        (status = 200, description = "The state", body = OrderState),
        ReadProblems,
        (status = 404, description = "The order has no events (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get_snapshot_at(
    caller: Caller<HistoryReader>,
    State(api): State<OrdersApi>,
    Path(order_id): Path<OrderId>,
    Query(params): Query<StateParams>,
) -> Result<Answer, Problem> {
    let StateParams { at, known_at, view, explain } = params;
    let question = Question { at, known_at, view: view.into(), explain };
    let told = api.history.as_of(&caller.tenant, &order_id, question).await?;
    let told = told.ok_or_else(|| Problem::not_found("order with events"))?;
    let folded = told.folded;
    let explained = folded.explained.map(|fields| fields.into_iter().filter_map(origin).collect());
    let large = Large { state: &folded.state, explain: explained.as_ref() };
    // One form of each number, whether it was folded from events or read from a snapshot.
    let canonical = Bytes::from(json::canonical(&large));
    let mut answer = OrderState {
        as_of: AsOf { at, known_at, through: told.through, view },
        state: None,
        redacted: folded.redacted,
        events: folded.events,
        last_event_at: folded.occurred_at,
        base: told.base,
        explain: None,
        download: None,
        order_id,
    };
    if canonical.len() <= PAGE_BYTES {
        let whole: Whole = serde_json::from_slice(&canonical).map_err(|error| Problem::internal(&error))?;
        answer.state = Some(whole.state);
        answer.explain = explained;
        return Ok(Answer::Whole(answer));
    }
    let lifetime = i64::try_from(LINK_LIFETIME.as_millis()).unwrap_or_default();
    // Before the link is made: it is good for a little longer than it says.
    let expires_at = Timestamp::clamped_from_millis(api.gate.clock().now().as_millis().saturating_add(lifetime));
    let name = format!("{}.json", answer.order_id);
    let url = api.history.states().hand_out(&caller.tenant, &name, canonical).await?;
    answer.download = Some(Download { url, expires_at });
    Ok(Answer::Linked(answer))
}

#[derive(Debug, Deserialize)]
struct Whole {
    state: Map<String, Value>,
}

/// None for a snapshot, from which an explained fold does not start.
fn origin((pointer, origin): (String, order::Origin)) -> Option<(String, Origin)> {
    match origin {
        order::Origin::Event { event_id, sequence, correction_of } => {
            Some((pointer, Origin { event_id, sequence, correction_of }))
        }
        order::Origin::Snapshot { .. } => None,
    }
}
