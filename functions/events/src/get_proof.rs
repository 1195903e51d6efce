//! `GET /order-history/events/{event_id}/proof`

use axum::extract::State;
use domain::ids::EventId;
use http_api::{Caller, Document, Path, Problem, ProblemBody, Query, auth::HistoryReader, openapi::ReadProblems};
use ledger::{
    entry::{OpenedEntry, Shown},
    proof::{FILE_EXTENSION, TlogProof},
    tree::verify_inclusion,
};
use serde::Deserialize;
use store::{Log, log::RecordedEvent, tree::Inclusion};
use utoipa::IntoParams;

use crate::{EventsApi, leaf_entry};

/// What the proof shows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProofParams {
    /// Whether the proof also holds payload and metadata, and what opens the commitment to them.
    #[serde(default)]
    #[param(required = false, default = false)]
    content: bool,
}

/// A proof that an event is in the ledger
///
/// A `c2sp.org/tlog-proof@v1` file, which needs nothing but the log's public key to be checked: the event's leaf entry, its
/// place in the tree, and the signed checkpoint that it leads up to.
#[utoipa::path(
    get,
    path = "/order-history/events/{event_id}/proof",
    tag = "events",
    params(("event_id" = String, Path, description = "The producer's id of the event"), ProofParams),
    responses(
        (status = 200, description = "The proof", body = String, content_type = "text/plain"),
        ReadProblems,
        (status = 404, description = "The tenant has no such event (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "No checkpoint covers the event yet (`not-yet-in-tree`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get_proof(
    caller: Caller<HistoryReader>,
    State(api): State<EventsApi>,
    Path(event_id): Path<EventId>,
    Query(params): Query<ProofParams>,
) -> Result<Document, Problem> {
    let tenant = &caller.tenant;
    let recorded = api.log.event(tenant, &event_id).await?.ok_or_else(|| Problem::not_found("event"))?;
    let Inclusion { published, index, hashes } = api.trees.inclusion(tenant, recorded.sequence).await?;
    let shown = shown(&api.log, &caller, recorded, params.content);
    // The stored event was damaged: a proof that does not hold is no answer.
    verify_inclusion(shown.entry().leaf_hash(), index, &hashes, &published.head())
        .map_err(|error| Problem::internal(&error))?;
    let proof = TlogProof { extra: Some(shown.to_bytes()), index, hashes, checkpoint: published.note };
    Ok(Document::text(proof.to_string()).named(&format!("{event_id}.{FILE_EXTENSION}")))
}

fn shown(log: &Log, caller: &Caller<HistoryReader>, recorded: RecordedEvent, content: bool) -> Shown {
    let entry = leaf_entry(log, &caller.tenant, &recorded);
    if !content {
        return Shown::Entry(entry);
    }
    let store::log::Entry { event, opening, .. } = recorded.entry;
    Shown::Opened(Box::new(OpenedEntry { entry, metadata: event.metadata, opening, payload: event.payload }))
}
