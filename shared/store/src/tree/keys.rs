//! Which keys have signed.

use domain::{ids::TenantId, time::Timestamp};
use ledger::Origin;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use sha2::{Digest, Sha256};

use super::Trees;
use crate::{error::StoreError, signer::Signer};

/// The partition of the keys. They sign every tenant's log.
const KEYS: &str = "~keys";

/// What a key signs, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Checkpoints. The key's name is the log's origin.
    Checkpoint,
    /// Statements about ranges. The key's name is the log's origin and `/range`.
    Range,
}

/// A key that has signed, as a verifier of one log needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key in the form of signed notes (<https://c2sp.org/signed-note>).
    pub vkey: String,
    pub kind: KeyKind,
    /// When it was first about to sign anything.
    pub first_used_at: Timestamp,
}

/// An item of the partition [`KEYS`].
#[derive(Debug, Serialize, Deserialize)]
struct KeyItem {
    tenant: String,
    name: String,
    kind: KeyKind,
    public_key: ByteArray<32>,
    first_used_at: Timestamp,
}

impl KeyKind {
    /// The name of a key of this kind in a tenant's notes.
    #[must_use]
    pub fn name(self, origin: &Origin) -> String {
        match self {
            Self::Checkpoint => origin.to_string(),
            Self::Range => format!("{origin}/range"),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Range => "range",
        }
    }
}

impl Trees {
    /// Every key that has ever signed something of a tenant's log, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn keys(&self, tenant: &TenantId) -> Result<Vec<KeyRecord>, StoreError> {
        let origin = self.origin(tenant);
        let mut items = self.table.partition::<KeyItem>(KEYS).await?;
        items.sort_by(|a, b| (a.kind, a.first_used_at, &a.name).cmp(&(b.kind, b.first_used_at, &b.name)));
        items
            .into_iter()
            .map(|item| {
                let key = super::verifier_key(item.kind, &origin, item.public_key.into_array())?;
                Ok(KeyRecord { vkey: key.to_string(), kind: item.kind, first_used_at: item.first_used_at })
            })
            .collect()
    }

    /// Notes that a key is about to sign, if that is not known yet.
    pub(super) async fn record_key(&self, kind: KeyKind, key: &Signer, now: Timestamp) -> Result<(), StoreError> {
        let public_key = key.public_key().await?;
        let id = hex::encode(&Sha256::digest(public_key)[..8]);
        let item = KeyItem {
            tenant: KEYS.to_owned(),
            name: format!("{}#{id}", kind.word()),
            kind,
            public_key: ByteArray::new(public_key),
            first_used_at: now,
        };
        self.table.put(&item, true).await.map(drop)
    }
}
