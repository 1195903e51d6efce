//! `GET /order-history/ledger/consistency`

use axum::extract::State;
use http_api::{Caller, Problem, ProblemBody, Query, Tagged, auth::LedgerReader, openapi::ReadProblems};
use ledger::{Hash, Origin, TreeHead};
use serde::{Deserialize, Serialize};
use store::tree::{Consistency, TreesError};
use utoipa::{IntoParams, ToSchema};

use crate::LedgerApi;

/// Which two trees.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConsistencyParams {
    /// The size of the earlier tree, such as that of a checkpoint that was kept.
    from: u64,
    /// The size of the later one; unless given, that of the latest checkpoint.
    to: Option<u64>,
}

/// That one tree is the beginning of another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsistencyProof {
    #[schema(value_type = String, example = "history.example.com/acme")]
    origin: Origin,
    from: ProvedTree,
    to: ProvedTree,
    /// The proof of RFC 6962, section 2.1.2, in hexadecimal.
    #[schema(value_type = Vec<String>)]
    hashes: Vec<Hash>,
    /// The latest checkpoint, a signed note. It says the root of `to` only if it is of that size.
    checkpoint: String,
}

/// A tree.
#[derive(Debug, Serialize, ToSchema)]
struct ProvedTree {
    /// How many events it has.
    size: u64,
    /// Its root, in hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    root: Hash,
}

impl From<TreeHead> for ProvedTree {
    fn from(TreeHead { size, root }: TreeHead) -> Self {
        Self { size, root }
    }
}

/// Prove that nothing was changed between two sizes of the tree
#[utoipa::path(
    get,
    path = "/order-history/ledger/consistency",
    tag = "ledger",
    params(ConsistencyParams),
    responses(
        (status = 200, description = "The proof", body = ConsistencyProof),
        ReadProblems,
        (status = 404, description = "The tenant has no checkpoint yet (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "No checkpoint is as large yet (`not-yet-in-tree`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get_consistency(
    caller: Caller<LedgerReader>,
    State(api): State<LedgerApi>,
    Query(params): Query<ConsistencyParams>,
) -> Result<Tagged<ConsistencyProof>, Problem> {
    let ConsistencyParams { from, to } = params;
    let to = match to {
        Some(to) if from > to => return Err(Problem::parameter("from", "must not be larger than to")),
        Some(to) => to,
        None => {
            let latest = api.trees.checkpoint(&caller.tenant).await?;
            let size = latest.ok_or_else(|| Problem::not_found("checkpoint"))?.checkpoint.size;
            if from > size {
                return Err(TreesError::NotInTree { size }.into());
            }
            size
        }
    };
    let Consistency { from, to, hashes, published } = api.trees.consistency(&caller.tenant, from, to).await?;
    Ok(Tagged(ConsistencyProof {
        origin: api.trees.origin(&caller.tenant),
        from: from.into(),
        to: to.into(),
        hashes,
        checkpoint: published.note.to_string(),
    }))
}
