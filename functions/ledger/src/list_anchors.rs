//! `GET /order-history/ledger/anchors`

use axum::extract::State;
use domain::filter::EventFilter;
use domain::ids::{OrderId, TenantId};
use domain::time::Timestamp;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http_api::{Caller, Page, PageParams, Paged, Problem, auth::LedgerReader, openapi::ReadProblems};
use ledger::{
    Hash, LeafEntry, Note, Origin, commitment,
    entry::{OpenedEntry, Shown},
    proof::TlogProof,
};
use serde::{Deserialize, Serialize};
use store::{
    StoreError,
    log::{Order, RecordedEvent, TimelinePosition},
    tree::{Inclusion, TreesError},
};
use utoipa::ToSchema;

use crate::LedgerApi;

/// The most anchors of a page. Each brings a proof along, which costs some reads.
const MAX_ANCHORS: usize = 50;
/// Proofs that are put together at once.
const PROOFS: usize = 4;

/// A checkpoint that was written into the anchor log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Anchor {
    /// When it was written there.
    #[schema(value_type = String, format = DateTime)]
    anchored_at: Timestamp,
    /// How many events the anchored tree has.
    size: u64,
    /// Its root, in hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    root: Hash,
    /// The checkpoint that was anchored, a signed note.
    checkpoint: String,
    anchor: Anchoring,
}

/// Where a checkpoint is in the anchor log.
#[derive(Debug, Serialize, ToSchema)]
struct Anchoring {
    /// The name of the anchor log.
    #[schema(value_type = String, example = "history.example.com/~anchor")]
    origin: Origin,
    /// Its number there.
    sequence: u64,
    /// The names of the witnesses that have countersigned the anchor log's checkpoint in the proof.
    witnesses: Vec<String>,
    /// A `c2sp.org/tlog-proof@v1` for the anchor log, with content; missing while no checkpoint of that covers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    proof: Option<String>,
}

/// What the anchor log says of a checkpoint.
#[derive(Debug, Deserialize)]
struct AnchoredCheckpoint {
    checkpoint: String,
    size: u64,
    root: Hash,
}

/// The checkpoints that were anchored
///
/// Now and then the latest checkpoint of every log that grew is written into a log of their own, which witnesses
/// countersign. A checkpoint that is in there can be replaced by another history only if all of them take part.
#[utoipa::path(
    get,
    path = "/order-history/ledger/anchors",
    tag = "ledger",
    params(PageParams),
    responses((status = 200, description = "A page of anchored checkpoints, the oldest first", body = Page<Anchor>), ReadProblems),
)]
pub(crate) async fn list_anchors(
    caller: Caller<LedgerReader>,
    State(api): State<LedgerApi>,
    Paged((), paging): Paged<()>,
) -> Result<Page<Anchor>, Problem> {
    let anchor = TenantId::anchor();
    // In the anchor log, an order is a tenant.
    let own: OrderId = caller.tenant.as_str().parse().map_err(|error| Problem::internal(&error))?;
    let after = paging.after::<(Timestamp, u64)>()?;
    let after = after.map(|(occurred_at, sequence)| TimelinePosition { occurred_at, sequence });
    let limit = paging.limit().min(MAX_ANCHORS);
    let everything = EventFilter::default();
    let page = api.log.timeline(&anchor, &own, &everything, Order::Sequence, after, limit).await?;
    let anchors: Vec<Anchor> =
        stream::iter(page.events).map(|recorded| entry(&api, &anchor, recorded)).buffered(PROOFS).try_collect().await?;
    paging.page(anchors, page.next.map(|next| (next.occurred_at, next.sequence)))
}

async fn entry(api: &LedgerApi, anchor: &TenantId, recorded: RecordedEvent) -> Result<Anchor, StoreError> {
    let said = serde_json::from_value(recorded.entry.event.payload.clone().into());
    let AnchoredCheckpoint { checkpoint, size, root } =
        said.map_err(|error| StoreError::Corrupt { what: format!("an anchored checkpoint: {error}") })?;
    let (anchored_at, sequence) = (recorded.received_at, recorded.sequence);
    let origin = api.log.origin(anchor);
    let (witnesses, proof) = match api.trees.inclusion(anchor, sequence).await {
        Ok(inclusion) => {
            let note = countersigned(api, &inclusion).await?;
            let own = origin.as_str();
            let others = note.signatures().iter().map(|signature| signature.name()).filter(|name| *name != own);
            let witnesses = others.map(str::to_owned).collect();
            (witnesses, Some(proof(&origin, recorded, inclusion, note)))
        }
        Err(TreesError::NotInTree { .. }) => (Vec::new(), None),
        Err(TreesError::Store(error)) => return Err(error),
    };
    let anchor = Anchoring { origin, sequence, witnesses, proof };
    Ok(Anchor { anchored_at, size, root, checkpoint, anchor })
}

/// The checkpoint of a proof, with the signatures of witnesses where there are any.
async fn countersigned(api: &LedgerApi, inclusion: &Inclusion) -> Result<Note, StoreError> {
    let published = &inclusion.published;
    let witnessed = api.trees.witnessed(published.checkpoint.size).await?;
    Ok(witnessed.filter(|note| note.text() == published.note.text()).unwrap_or_else(|| published.note.clone()))
}

fn proof(origin: &Origin, recorded: RecordedEvent, inclusion: Inclusion, checkpoint: Note) -> String {
    let store::log::Entry { event, opening, .. } = recorded.entry;
    let content = commitment::content(&opening, &event.payload, &event.metadata);
    let entry = LeafEntry::new(&event, content, origin, recorded.sequence, recorded.received_at);
    let shown =
        Shown::Opened(Box::new(OpenedEntry { entry, metadata: event.metadata, opening, payload: event.payload }));
    let Inclusion { index, hashes, .. } = inclusion;
    TlogProof { extra: Some(shown.to_bytes()), index, hashes, checkpoint }.to_string()
}
