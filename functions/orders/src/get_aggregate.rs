//! `GET /order-history/orders/{order_id}/timeline/aggregate`

use std::collections::BTreeMap;

use axum::extract::State;
use domain::{
    filter::TypePattern,
    ids::{EventId, EventType, OrderId},
    order::{Milestones, aggregate},
    time::Timestamp,
};
use http_api::{Caller, Path, Problem, Query, Tagged, auth::HistoryReader, openapi::ReadProblems};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::OrdersApi;

/// The most pairs of milestones of one request.
const MAX_SPANS: usize = 20;
/// What stands between the two of a pair. No type of events has an empty part, so it cannot be part of one.
const BETWEEN: &str = "..";

/// What is measured beside what is counted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AggregateParams {
    /// Pairs of milestones to measure the time between: two types of events with `..` between them, up to 20 pairs with
    /// commas. A milestone is the first event of its type; `order.payment.*` is the first of any type below `order.payment`.
    #[param(value_type = Option<String>, example = "order.created..order.delivered,order.payment.*..order.shipped")]
    between: Option<String>,
}

/// A timeline in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Aggregate {
    #[schema(value_type = String, example = "ord_123")]
    order_id: OrderId,
    /// How many events there are, corrections and records of the history itself included.
    events: u64,
    by_type: Counts,
    by_source: Counts,
    /// By `metadata.actor_id`.
    by_actor: Counts,
    /// Events that name no actor.
    without_actor: u64,
    /// The event that happened first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    first: Option<Moment>,
    /// The event that happened last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    last: Option<Moment>,
    /// From the first event to the last, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    duration_millis: Option<i64>,
    /// The ten longest gaps between consecutive events, the longest first.
    longest_gaps: Vec<Gap>,
    /// The times between milestones, in the order of the request.
    spans: Vec<Span>,
}

/// How often each name occurs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Counts {
    /// Of at most 1,000 names.
    counts: BTreeMap<String, u64>,
    /// Events with other names than those.
    others: u64,
}

/// An event as a mark in time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Moment {
    #[schema(value_type = String, example = "evt_0001")]
    event_id: EventId,
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "order.created")]
    event_type: EventType,
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
    #[schema(minimum = 1)]
    sequence: u64,
}

/// Two consecutive events and the time between them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Gap {
    millis: i64,
    after: Moment,
    before: Moment,
}

/// How long it took from one milestone to another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Span {
    #[schema(value_type = String, example = "order.created")]
    from: TypePattern,
    #[schema(value_type = String, example = "order.delivered")]
    to: TypePattern,
    /// The event that is the first milestone, once it was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    reached_from: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    reached_to: Option<Moment>,
    /// Milliseconds, once both were reached; negative when `to` was reached first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    millis: Option<i64>,
}

/// A timeline in numbers
///
/// What happened how often, by whom, and how long it took. An order without events has numbers too: all zero.
#[utoipa::path(
    get,
    path = "/order-history/orders/{order_id}/timeline/aggregate",
    tag = "orders",
    params(("order_id" = String, Path, description = "The order"), AggregateParams),
    responses((status = 200, description = "The numbers", body = Aggregate), ReadProblems),
)]
pub(crate) async fn get_aggregate(
    caller: Caller<HistoryReader>,
    State(api): State<OrdersApi>,
    Path(order_id): Path<OrderId>,
    Query(params): Query<AggregateParams>,
) -> Result<Tagged<Aggregate>, Problem> {
    let milestones = params.between.as_deref().map(milestones).transpose()?.unwrap_or_default();
    let (numbers, _) = api.history.aggregate(&caller.tenant, &order_id, &milestones).await?;
    Ok(Tagged(shown(order_id, numbers)))
}

fn milestones(text: &str) -> Result<Vec<Milestones>, Problem> {
    let pair = |pair: &str| {
        let (from, to) = pair.split_once(BETWEEN)?;
        Some(Milestones { from: from.parse().ok()?, to: to.parse().ok()? })
    };
    let pairs: Option<Vec<_>> = text.split(',').map(pair).collect();
    match pairs {
        Some(pairs) if pairs.len() <= MAX_SPANS => Ok(pairs),
        Some(_) => Err(Problem::parameter("between", format!("must be at most {MAX_SPANS} pairs"))),
        None => {
            let detail =
                "must be pairs of event types such as order.created..order.delivered, with commas between them";
            Err(Problem::parameter("between", detail))
        }
    }
}

fn shown(order_id: OrderId, numbers: aggregate::Aggregate) -> Aggregate {
    Aggregate {
        order_id,
        events: numbers.events,
        by_type: numbers.by_type.into(),
        by_source: numbers.by_source.into(),
        by_actor: numbers.by_actor.into(),
        without_actor: numbers.without_actor,
        first: numbers.first.map(Moment::from),
        last: numbers.last.map(Moment::from),
        duration_millis: numbers.duration_millis,
        longest_gaps: numbers.longest_gaps.into_iter().map(Gap::from).collect(),
        spans: numbers.spans.into_iter().map(Span::from).collect(),
    }
}

impl From<aggregate::Counts> for Counts {
    fn from(aggregate::Counts { counts, others }: aggregate::Counts) -> Self {
        Self { counts, others }
    }
}

impl From<aggregate::Moment> for Moment {
    fn from(moment: aggregate::Moment) -> Self {
        let aggregate::Moment { event_id, event_type, occurred_at, sequence } = moment;
        Self { event_id, event_type, occurred_at, sequence }
    }
}

impl From<aggregate::Gap> for Gap {
    fn from(aggregate::Gap { millis, after, before }: aggregate::Gap) -> Self {
        Self { millis, after: after.into(), before: before.into() }
    }
}

impl From<aggregate::Span> for Span {
    fn from(span: aggregate::Span) -> Self {
        let aggregate::Span { from, to, reached_from, reached_to, millis } = span;
        let (reached_from, reached_to) = (reached_from.map(Moment::from), reached_to.map(Moment::from));
        Self { from, to, reached_from, reached_to, millis }
    }
}
