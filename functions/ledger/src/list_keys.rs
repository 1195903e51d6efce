//! `GET /order-history/ledger/keys`

use axum::extract::State;
use domain::ids::TenantId;
use domain::time::Timestamp;
use http_api::{Caller, Problem, Query, Tagged, auth::LedgerReader, openapi::ReadProblems};
use ledger::Origin;
use serde::Serialize;
use store::tree::{KeyKind, KeyRecord};
use utoipa::ToSchema;

use crate::LedgerApi;

/// The public keys of a log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LedgerKeys {
    /// The name of the log, with which the keys' names begin.
    #[schema(value_type = String, example = "history.example.com/acme")]
    origin: Origin,
    /// All that have ever signed something of it, the oldest of a kind first.
    keys: Vec<LedgerKey>,
    /// Those of the log in which checkpoints are anchored.
    anchor: AnchorKeys,
}

/// The public keys of the anchor log.
#[derive(Debug, Serialize, ToSchema)]
struct AnchorKeys {
    /// Its name.
    #[schema(value_type = String, example = "history.example.com/~anchor")]
    origin: Origin,
    keys: Vec<LedgerKey>,
}

/// A public key.
#[derive(Debug, Serialize, ToSchema)]
struct LedgerKey {
    kind: LedgerKeyKind,
    /// The key in the form of C2SP signed notes: `<name>+<key id>+<type and key in Base64>`.
    vkey: String,
    /// When it first signed anything.
    #[schema(value_type = String, format = DateTime)]
    first_used_at: Timestamp,
}

/// What a key signs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LedgerKeyKind {
    /// Checkpoints.
    Checkpoint,
    /// Statements about ranges, in range proofs.
    Range,
}

impl From<KeyRecord> for LedgerKey {
    fn from(KeyRecord { vkey, kind, first_used_at }: KeyRecord) -> Self {
        let kind = match kind {
            KeyKind::Checkpoint => LedgerKeyKind::Checkpoint,
            KeyKind::Range => LedgerKeyKind::Range,
        };
        Self { kind, vkey, first_used_at }
    }
}

/// The public keys that have signed, with their history
///
/// Compare them once with what the operator publishes elsewhere: a list that comes from here proves nothing by itself.
#[utoipa::path(
    get,
    path = "/order-history/ledger/keys",
    tag = "ledger",
    responses((status = 200, description = "The keys", body = LedgerKeys), ReadProblems),
)]
pub(crate) async fn list_keys(
    caller: Caller<LedgerReader>,
    State(api): State<LedgerApi>,
    Query(()): Query<()>,
) -> Result<Tagged<LedgerKeys>, Problem> {
    let (keys, origin) = keys_of(&api, &caller.tenant).await?;
    let (mut anchor_keys, anchor_origin) = keys_of(&api, &TenantId::anchor()).await?;
    // Ranges of the anchor log are not proved to anyone.
    anchor_keys.retain(|key| matches!(key.kind, LedgerKeyKind::Checkpoint));
    let anchor = AnchorKeys { origin: anchor_origin, keys: anchor_keys };
    Ok(Tagged(LedgerKeys { origin, keys, anchor }))
}

async fn keys_of(api: &LedgerApi, tenant: &TenantId) -> Result<(Vec<LedgerKey>, Origin), Problem> {
    let keys = api.trees.keys(tenant).await?;
    Ok((keys.into_iter().map(LedgerKey::from).collect(), api.trees.origin(tenant)))
}
