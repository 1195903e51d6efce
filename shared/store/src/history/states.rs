//! Stored states, as objects.
//!
//! `snapshots/<tenant>/<snapshot_id>/<sha256>.json` is the canonical JSON (RFC 8785) of a state. The object is put before
//! its record, so a record always has its object. The hash in the key keeps two states apart that are sent under one id
//! at the same time: the record says which of them counts, and the other is deleted, or left behind by a crash as
//! an object that nothing names.
//!
//! `states/<tenant>/<random>.json` is a state that was too large for an answer; a lifecycle rule clears up.

use std::time::Duration;

use bytes::Bytes;
use domain::{
    ids::{SnapshotId, TenantId},
    record::SnapshotStored,
};
use sha2::{Digest, Sha256};

use crate::{
    aws::{Aws, ConfigError},
    bucket::{Bucket, Condition, File, Put},
    error::StoreError,
};

/// How long a link to a state is good.
pub const LINK_LIFETIME: Duration = Duration::from_secs(5 * 60);
const JSON: &str = "application/json";

/// The bucket with stored states.
#[derive(Debug, Clone)]
pub struct States {
    bucket: Bucket,
}

/// SHA-256 of a state's canonical JSON, in hex.
#[must_use]
pub fn sha256(canonical: &[u8]) -> String {
    hex::encode(Sha256::digest(canonical))
}

fn key(tenant: &TenantId, snapshot_id: &SnapshotId, sha256: &str) -> String {
    format!("snapshots/{tenant}/{snapshot_id}/{sha256}.json")
}

fn key_of(tenant: &TenantId, record: &SnapshotStored) -> String {
    key(tenant, &record.snapshot_id, &record.sha256)
}

impl States {
    /// The bucket `DATA_BUCKET`.
    ///
    /// # Errors
    /// [`ConfigError`] when the variable is not set.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self { bucket: Bucket::from_env(aws, "DATA_BUCKET")? })
    }

    /// Over a bucket in memory.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn for_tests(bucket: &crate::testing::MemoryBucket) -> Self {
        Self { bucket: Bucket::Memory(bucket.clone()) }
    }

    /// Puts a state where its record will point to. Putting it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn put(&self, tenant: &TenantId, snapshot_id: &SnapshotId, canonical: Bytes) -> Result<(), StoreError> {
        let key = key(tenant, snapshot_id, &sha256(&canonical));
        // What is there has the same hash, or somebody has tampered with it; whoever reads it will see.
        match self.bucket.put(&key, canonical, JSON, Condition::Absent).await? {
            Put::Done | Put::Refused => Ok(()),
        }
    }

    /// The state of a record; none when it is not there any more.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not what the record says.
    pub async fn get(&self, tenant: &TenantId, record: &SnapshotStored) -> Result<Option<Bytes>, StoreError> {
        let Some(object) = self.bucket.get(&key_of(tenant, record)).await? else { return Ok(None) };
        if sha256(&object.bytes) != record.sha256 {
            return Err(StoreError::corrupt(format_args!("snapshot {} is not what was stored", record.snapshot_id)));
        }
        Ok(Some(object.bytes))
    }

    /// Deletes the state of a record. One that is not there is deleted already.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn delete(&self, tenant: &TenantId, record: &SnapshotStored) -> Result<(), StoreError> {
        self.discard(tenant, &record.snapshot_id, &record.sha256).await
    }

    /// Deletes a state that was put and did not get its record.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn discard(&self, tenant: &TenantId, snapshot_id: &SnapshotId, sha256: &str) -> Result<(), StoreError> {
        self.bucket.delete(&key(tenant, snapshot_id, sha256)).await
    }

    /// An address from which whoever has it can read the state for [`LINK_LIFETIME`].
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn link(&self, tenant: &TenantId, record: &SnapshotStored) -> Result<String, StoreError> {
        let name = format!("{}.json", record.snapshot_id);
        let file = File { name: &name, content_type: JSON };
        self.bucket.download(&key_of(tenant, record), LINK_LIFETIME, file).await
    }

    /// Puts a state where only whoever gets the link can read it, for [`LINK_LIFETIME`].
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn hand_out(&self, tenant: &TenantId, name: &str, canonical: Bytes) -> Result<String, StoreError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|error| StoreError::Unavailable { operation: "random numbers", code: error.to_string() })?;
        let key = format!("states/{tenant}/{}.json", hex::encode(random));
        if self.bucket.put(&key, canonical, JSON, Condition::Absent).await? == Put::Refused {
            return Err(StoreError::Unavailable { operation: "PutObject", code: "the name is taken".to_owned() });
        }
        self.bucket.download(&key, LINK_LIFETIME, File { name, content_type: JSON }).await
    }
}
