//! `GET /order-history/ledger/proof`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http_api::{
    Caller, Document, Problem, ProblemBody, ProblemType, Query, SeeOther, auth::HistoryReader, openapi::ReadProblems,
};
use serde::Deserialize;
use store::tree::{Delivery, InlineLimits};
use utoipa::IntoParams;

use crate::LedgerApi;

/// The most events of one proof: they are read and checked while the caller waits.
const MAX_EVENTS: u64 = 250_000;
/// What is answered at once. In Base64, as API Gateway wants it, 4 MiB are 5.6 MB, and Lambda answers with 6 MB.
const INLINE: InlineLimits = InlineLimits { events: 2_000, bytes: 4 * 1024 * 1024 };

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RangeParams {
    /// The sequence number of the first event.
    #[param(minimum = 1)]
    from: u64,
    /// That of the last one, which is in the proof too.
    #[param(minimum = 1)]
    to: u64,
    /// Whether the proof also holds payloads and metadata, and what opens the commitments to them.
    #[serde(default)]
    #[param(required = false, default = false)]
    content: bool,
}

/// A proof, or where it is.
pub(crate) enum RangeProof {
    Here(Document),
    Elsewhere(SeeOther),
}

impl IntoResponse for RangeProof {
    fn into_response(self) -> Response {
        match self {
            Self::Here(document) => document.into_response(),
            Self::Elsewhere(link) => link.into_response(),
        }
    }
}

/// A signed proof of all events from one sequence number to another
///
/// One JSON document a line, `order-history/range@v1`: the chain's hashes at both ends and the range's place in the tree, the
/// events, and the signatures. At most 250,000 events; more than 2,000, or 4 MiB, are answered with a link.
#[utoipa::path(
    get,
    path = "/order-history/ledger/proof",
    tag = "ledger",
    params(RangeParams),
    responses(
        (status = 200, description = "The proof", body = String, content_type = "application/x-ndjson"),
        (status = 303, description = "The proof is large: fetch it from `Location` within 15 minutes, without the token",
         headers(("Location" = String, description = "An address that is good for 15 minutes"))),
        ReadProblems,
        (status = 409, description = "No checkpoint covers `to` yet (`not-yet-in-tree`)",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "More than 250,000 events (`range-too-large`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get_range_proof(
    caller: Caller<HistoryReader>,
    State(api): State<LedgerApi>,
    Query(params): Query<RangeParams>,
) -> Result<RangeProof, Problem> {
    let RangeParams { from, to, content } = params;
    if from == 0 {
        return Err(Problem::parameter("from", "must be 1 or more: events are numbered from 1"));
    }
    if from > to {
        return Err(Problem::parameter("to", "must not be smaller than from"));
    }
    if to - from >= MAX_EVENTS {
        return Err(Problem::new(ProblemType::RangeTooLarge, format!("a proof holds at most {MAX_EVENTS} events")));
    }
    let bundle = api.ranges.bundle(&caller.tenant, from, to, content).await?;
    Ok(match api.ranges.deliver(bundle, INLINE).await? {
        Delivery::Inline(lines) => {
            RangeProof::Here(Document::json_lines(lines).named(&format!("range-{from}-{to}.ndjson")))
        }
        Delivery::Link { url, .. } => RangeProof::Elsewhere(SeeOther(url)),
    })
}
