//! Each tenant's Merkle tree: C2SP tlog-tiles in the ledger's bucket, and how far each tree has come.
//!
//! The bucket, with everything of a tenant below its name (docs/LEDGER.md):
//!
//! | key | holds | written |
//! | --- | --- | --- |
//! | `<tenant>/checkpoint` | the signed note about the newest published tree | replaced by larger ones |
//! | `<tenant>/tile/<L>/<N>[.p/<W>]` | hashes | once |
//! | `<tenant>/tile/entries/<N>[.p/<W>]` | leaf entries | once |
//! | `~anchor/witnessed/<size>` | a checkpoint of the anchor log with the cosignatures of witnesses | grows |
//!
//! [`Integrator`] lets trees grow and signs them; [`Trees`] reads.

pub(crate) mod export;
mod integrate;
mod keys;
mod publish;
mod range;
mod read;
mod source;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod witness;

use domain::ids::TenantId;
use ledger::{
    Origin,
    note::{KeyType, VerifierKey},
    tile::Tile,
};

pub use export::{Delivery, InlineLimits};
pub use integrate::{Integrated, Integrator};
pub use keys::{KeyKind, KeyRecord};
pub use range::{RangeBundle, Ranges};
pub use read::{Consistency, Inclusion, Published, TreesError};
pub use state::TreeState;
#[cfg(feature = "testing")]
pub(crate) use table::OPEN_TREES;
pub use table::{PageStart, TenantsPage};
pub use witness::WitnessRecord;

use crate::{
    Aws, StoreError,
    aws::{ConfigError, required},
    bucket::Bucket,
};
use table::TreeTable;

/// How many tenants a page of them has.
const PAGE: i32 = 100;

/// The trees of all tenants.
#[derive(Debug, Clone)]
pub struct Trees {
    table: TreeTable,
    bucket: Bucket,
    origin_prefix: String,
}

impl Trees {
    /// Reads `TREES_TABLE`, `LEDGER_BUCKET` and `LEDGER_ORIGIN`.
    ///
    /// # Errors
    /// [`ConfigError`] when one is missing.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self {
            table: TreeTable::from_env(aws)?,
            bucket: Bucket::from_env(aws, "LEDGER_BUCKET")?,
            origin_prefix: required("LEDGER_ORIGIN")?,
        })
    }

    /// Over the tables of an embedded DynamoDB and a bucket in memory; `aws` may be one whose calls fail.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn for_tests(aws: &Aws, bucket: &crate::testing::MemoryBucket) -> Self {
        Self {
            table: TreeTable { dynamo: aws.dynamo().clone(), name: crate::testing::TREES.to_owned() },
            bucket: Bucket::Memory(bucket.clone()),
            origin_prefix: "history.example.com".to_owned(),
        }
    }

    /// The same trees, with calls that fail by a plan.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_faults(&self, faults: &crate::testing::Faults) -> Self {
        let config = self.table.dynamo.config().to_builder().interceptor(faults.clone()).build();
        let table = TreeTable { dynamo: aws_sdk_dynamodb::Client::from_conf(config), name: self.table.name.clone() };
        Self { table, bucket: self.bucket.with_faults(faults), origin_prefix: self.origin_prefix.clone() }
    }

    /// The name of a tenant's log.
    #[must_use]
    pub fn origin(&self, tenant: &TenantId) -> Origin {
        Origin::new(&self.origin_prefix, tenant)
    }

    /// Tenants whose trees grew since they were last anchored, a page of them.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn open(&self, start: Option<PageStart>) -> Result<TenantsPage, StoreError> {
        self.table.open(start, PAGE).await
    }

    /// All tenants that have a tree, a page of them. Reads the whole table in the end.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn all(&self, start: Option<PageStart>) -> Result<TenantsPage, StoreError> {
        self.table.all(start).await
    }

    /// Notes that a tree was anchored when it had this size; whether it still has it. If not, it stays open.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn close(&self, tenant: &TenantId, size: u64) -> Result<bool, StoreError> {
        self.table.close(tenant, size).await
    }
}

fn checkpoint_key(tenant: &TenantId) -> String {
    format!("{tenant}/checkpoint")
}

fn tile_key(tenant: &TenantId, tile: &Tile) -> String {
    format!("{tenant}/{}", tile.path())
}

/// A key of ours as the verifiers of one log know it.
fn verifier_key(kind: KeyKind, origin: &Origin, public_key: [u8; 32]) -> Result<VerifierKey, StoreError> {
    VerifierKey::new(&kind.name(origin), KeyType::Ed25519, &public_key).map_err(StoreError::corrupt)
}
