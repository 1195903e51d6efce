//! What the witnesses of the anchor log have seen and signed.

use bytes::Bytes;
use domain::{ids::TenantId, time::Timestamp};
use ledger::note::{Note, Signature};
use serde::{Deserialize, Serialize};

use super::Trees;
use crate::{
    bucket::{Condition, Put},
    error::StoreError,
    retry,
};

/// How often a writer that finds the object replaced looks again.
const MAX_ATTEMPTS: u32 = 8;

/// How far a witness has followed the anchor log, as far as we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessRecord {
    /// The witness's name, by which it signs.
    pub name: String,
    /// The size of the newest tree that it has cosigned; 0 before the first.
    pub size: u64,
    pub updated_at: Timestamp,
}

/// The item at (`~anchor`, `witness#<name>`).
#[derive(Debug, Serialize, Deserialize)]
struct WitnessItem {
    tenant: String,
    name: String,
    size: u64,
    updated_at: Timestamp,
}

impl Trees {
    /// What is known of a witness.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn witness(&self, name: &str) -> Result<Option<WitnessRecord>, StoreError> {
        let found = self.table.get::<WitnessItem>(TenantId::anchor().as_str(), &sort_key(name)).await?;
        Ok(found.map(|item| WitnessRecord { name: name.to_owned(), size: item.size, updated_at: item.updated_at }))
    }

    /// Notes how far a witness is. What is noted is a hint: a witness says so itself when it is wrong.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn set_witness(&self, record: &WitnessRecord) -> Result<(), StoreError> {
        let item = WitnessItem {
            tenant: TenantId::anchor().as_str().to_owned(),
            name: sort_key(&record.name),
            size: record.size,
            updated_at: record.updated_at,
        };
        self.table.put(&item, false).await.map(drop)
    }

    /// The anchor log's checkpoint of a size with the cosignatures that we have for it; none when no witness has
    /// cosigned it.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn witnessed(&self, size: u64) -> Result<Option<Note>, StoreError> {
        let Some(found) = self.bucket.get(&witnessed_key(size)).await? else { return Ok(None) };
        Note::parse(&found.bytes).map(Some).map_err(StoreError::corrupt)
    }

    /// Keeps cosignatures, which must have been verified, with the checkpoint of `size` that they are for. Those that
    /// are there already stay; a key's newer cosignature takes the place of its older one.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Corrupt`] when another checkpoint of this size is there.
    pub async fn keep_cosignatures(&self, size: u64, cosigned: &Note) -> Result<(), StoreError> {
        let key = witnessed_key(size);
        for attempt in 0..MAX_ATTEMPTS {
            let found = self.bucket.get(&key).await?;
            let note = match &found {
                None => cosigned.clone(),
                Some(found) => {
                    let kept = Note::parse(&found.bytes).map_err(StoreError::corrupt)?;
                    if kept.text() != cosigned.text() {
                        return Err(StoreError::corrupt("another checkpoint of this size was cosigned before"));
                    }
                    merge(kept, cosigned)?
                }
            };
            let condition = found.as_ref().map_or(Condition::Absent, |found| Condition::Is(&found.etag));
            let bytes = Bytes::from(note.to_string());
            if self.bucket.put(&key, bytes, "text/plain; charset=utf-8", condition).await? == Put::Done {
                return Ok(());
            }
            retry::pause(attempt).await;
        }
        Err(StoreError::Contended { attempts: MAX_ATTEMPTS })
    }
}

/// Both notes' signatures; where a key has made two, the newer note's.
fn merge(kept: Note, newer: &Note) -> Result<Note, StoreError> {
    let again = |signature: &Signature| {
        newer.signatures().iter().any(|other| (other.name(), other.key_id()) == (signature.name(), signature.key_id()))
    };
    let kept_only = kept.signatures().iter().filter(|signature| !again(signature));
    let signatures = kept_only.chain(newer.signatures()).cloned().collect();
    Note::new(kept.text(), signatures).map_err(StoreError::corrupt)
}

fn sort_key(name: &str) -> String {
    format!("witness#{name}")
}

fn witnessed_key(size: u64) -> String {
    format!("{}/witnessed/{size:020}", TenantId::anchor())
}
