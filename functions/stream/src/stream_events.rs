//! `GET /order-history/events/stream`

use std::time::Duration;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use domain::{
    filter::{EventFilter, TypePattern},
    ids::{OrderId, Source, TenantId},
    time::Timestamp,
};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_api::{
    Caller, DEFAULT_LIMIT, Json, MAX_LIMIT, Problem, Query, Transfer, auth::HistoryReader, openapi::ReadProblems,
    resources,
};
use serde::Deserialize;
use store::log::Tail;
use utoipa::IntoParams;

use crate::{StreamApi, accept::Form, long_poll, window};

/// How long a window is, or a long poll waits, when the client does not say; in seconds.
const USUAL_SECONDS: u64 = 20;
/// No log gets further: its numbers must be exact in every reader's JSON.
const MAX_SEQUENCE: u64 = (1 << 53) - 1;
/// The longest wait, and the longest window where the gateway is buffered: below the function's time limit there.
const MAX_BUFFERED_SECONDS: u64 = 20;
/// The longest window where the gateway streams. A token is only looked at when a window opens.
const MAX_STREAMED_SECONDS: u64 = 300;

const LAST_EVENT_ID: &str = "Last-Event-ID";

/// Which events are asked for (all conditions must hold), from where on, and for how long.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamParams {
    /// Only events of this order.
    #[param(value_type = Option<String>)]
    order_id: Option<OrderId>,
    /// Only events of this type, or with `.*` at the end of all types below it: `order.payment.*`.
    #[serde(rename = "type")]
    #[param(value_type = Option<String>, example = "order.payment.*")]
    event_type: Option<TypePattern>,
    /// Only events of this producer.
    #[param(value_type = Option<String>)]
    source: Option<Source>,
    /// Only events that occurred at this instant or later (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Only events that occurred before this instant (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Only events with this `metadata.actor_id`.
    actor_id: Option<String>,
    /// Only events after this sequence number; 0 is from the beginning. Without it, and without `Last-Event-ID`, only
    /// events that are recorded from now on.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    after: Option<u64>,
    /// Server-sent events: after how many seconds the stream ends, for its client to come back; 20 unless given. At most
    /// 300, and 20 where the gateway cannot stream.
    #[param(minimum = 1, maximum = 300)]
    window: Option<u64>,
    /// Long poll: for how many seconds at most to wait for the first event; 20 unless given.
    #[param(minimum = 0, maximum = 20)]
    wait: Option<u64>,
    /// Long poll: how many events to return at most; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
}

/// Events, as they are recorded
///
/// With `Accept: text/event-stream` the answer is a stream of server-sent events: `id` is the sequence number, `event` the
/// type, `data` the event. A stream ends after its window; a client that comes back with the last id in `Last-Event-ID`
/// misses nothing and sees nothing twice. An id may come without an event: it says how far the log was looked at.
///
/// Otherwise it is a page of events as soon as there are any, or an empty one when the wait is over. Go on with
/// `after=<next_after>`.
#[utoipa::path(
    get,
    path = "/order-history/events/stream",
    tag = "events",
    params(
        StreamParams,
        ("Last-Event-ID" = Option<u64>, Header, description = "Where to go on; counts more than `after`", minimum = 0),
    ),
    responses(
        (status = 200, description = "Events, in the order of the ledger", content(
            (long_poll::StreamPage = "application/json"),
            (String = "text/event-stream"),
        )),
        ReadProblems,
    ),
)]
pub(crate) async fn stream_events(
    caller: Caller<HistoryReader>,
    State(api): State<StreamApi>,
    headers: HeaderMap,
    Query(params): Query<StreamParams>,
) -> Result<Response, Problem> {
    resources::time_range(params.from, params.to)?;
    let form = Form::asked_for(&headers)?;
    let StreamParams { order_id, event_type, source, from, to, actor_id, after, window, wait, limit } = params;
    let filter = EventFilter { order_id, event_type, source, actor_id, from, to };
    let last_event_id = last_event_id(&headers)?;
    // Even where `Last-Event-ID` counts more: what cannot be is refused.
    let after = after.map(|after| within("after", after, 0, MAX_SEQUENCE)).transpose()?;
    match form {
        Form::Events => {
            let other_form = [("wait", wait.is_some()), ("limit", limit.is_some())];
            refuse(other_form, "belongs to the long poll; a stream has a window")?;
            let longest = match api.transfer {
                Transfer::Streamed => MAX_STREAMED_SECONDS,
                Transfer::Buffered => MAX_BUFFERED_SECONDS,
            };
            let length = within("window", window.unwrap_or(USUAL_SECONDS), 1, longest)?;
            let tail = tail(&api, &caller.tenant, filter, last_event_id, after).await?;
            let chunks = window::chunks(tail, Duration::from_secs(length), api.transfer);
            Ok(([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(chunks)).into_response())
        }
        Form::Page => {
            refuse([("window", window.is_some())], "belongs to text/event-stream; a long poll has a wait")?;
            let wait = within("wait", wait.unwrap_or(USUAL_SECONDS), 0, MAX_BUFFERED_SECONDS)?;
            let limit = within("limit", limit.unwrap_or(DEFAULT_LIMIT.into()), 1, MAX_LIMIT.into())?;
            let tail = tail(&api, &caller.tenant, filter, last_event_id, after).await?;
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            Ok(Json(long_poll::page(tail, Duration::from_secs(wait), limit).await?).into_response())
        }
    }
}

/// The log from where the client wants it. An end that it has not come to cannot have been told to anybody: such a number
/// is another log's, or made up, and to wait for it would pass over the events up to there without a word.
async fn tail(
    api: &StreamApi,
    tenant: &TenantId,
    filter: EventFilter,
    last_event_id: Option<u64>,
    after: Option<u64>,
) -> Result<Tail, Problem> {
    const BEYOND: &str = "is beyond the end of the log; go on from a number that this log has given out";
    let Some(position) = last_event_id.or(after) else { return Ok(api.log.tail_from_end(tenant, filter).await?) };
    api.log.tail_after(tenant, filter, position).await?.ok_or_else(|| match last_event_id {
        Some(_) => Problem::header(LAST_EVENT_ID, BEYOND),
        None => Problem::parameter("after", BEYOND),
    })
}

/// The number in `Last-Event-ID`. A client that comes back sends it beside the query that it began with, so that it is the
/// later word.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let mut values = headers.get_all(LAST_EVENT_ID).iter();
    let (Some(value), another) = (values.next(), values.next()) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match (digits.and_then(|digits| digits.parse().ok()), another) {
        (Some(id), None) => Ok(Some(id)),
        _ => Err(Problem::header(LAST_EVENT_ID, "must be the last id of an earlier stream, a whole number")),
    }
}

fn refuse<const N: usize>(given: [(&str, bool); N], why: &str) -> Result<(), Problem> {
    match given.into_iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(Problem::parameter(name, why)),
        None => Ok(()),
    }
}

fn within(name: &str, value: u64, least: u64, most: u64) -> Result<u64, Problem> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(Problem::parameter(name, format!("must be a whole number from {least} to {most}")))
}
