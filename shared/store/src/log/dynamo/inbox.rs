//! The inbox: what writers have announced and nobody has committed yet.
//!
//! It stands in the index's table, because a batch can then write index items and remove announcements at once, and
//! because nothing that is not the truth belongs among the segments. A partition of DynamoDB takes 1,000 write units a
//! second, and an announcement costs two; hence the shards.

use std::sync::Arc;

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use domain::ids::TenantId;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{
    super::{
        draft::Draft,
        index::IndexKey,
        port::{Announcement, LogName, Put, Slot},
    },
    DynamoTables,
};
use crate::{
    capacity, conditional,
    error::StoreError,
    item::{self, Item, s},
};

const SHARDS: u64 = 4;

/// The item at (`<tenant>#I#<shard>`, slot) of the index's table.
#[derive(Debug, Serialize, Deserialize)]
struct AnnouncementItem {
    pk: String,
    sk: u64,
    /// The JSON of each entry, zstd-compressed by itself; none when their writer only waits for its turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    entries: Vec<ByteBuf>,
}

fn shard_key(tenant: &TenantId, shard: u64) -> String {
    format!("{tenant}#I#{shard}")
}

pub(super) fn key(tenant: &TenantId, slot: Slot) -> IndexKey {
    IndexKey { pk: shard_key(tenant, slot.0 % SHARDS), sk: slot.0 }
}

/// The item that holds an announcement.
pub(in super::super) fn announcement_item(tenant: &TenantId, announcement: &Announcement) -> Result<Item, StoreError> {
    let IndexKey { pk, sk } = key(tenant, announcement.slot);
    let entries = announcement.drafts.iter().map(|draft| Ok(ByteBuf::from(draft.packed()?)));
    item::to_item(&AnnouncementItem { pk, sk, entries: entries.collect::<Result<_, StoreError>>()? })
}

impl DynamoTables {
    pub(super) async fn put_announcement(&self, log: &LogName, announcement: Announcement) -> Result<Put, StoreError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.index)
            .set_item(Some(announcement_item(&log.tenant, &announcement)?))
            .condition_expression("attribute_not_exists(pk)");
        conditional::put("PutItem(Index)", request).await
    }

    /// At most a megabyte of each shard, the oldest first: the rest is for the next one to commit.
    pub(super) async fn read_inbox(&self, log: &LogName) -> Result<Vec<Announcement>, StoreError> {
        let shards = try_join_all((0..SHARDS).map(|shard| self.read_shard(log, shard))).await?;
        let mut all: Vec<_> = shards.into_iter().flatten().collect();
        all.sort_unstable_by_key(|announcement| announcement.slot);
        Ok(all)
    }

    async fn read_shard(&self, log: &LogName, shard: u64) -> Result<Vec<Announcement>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.index)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(shard_key(&log.tenant, shard)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("Query(Index)", &error))?;
        capacity::read(answer.consumed_capacity());
        answer
            .items
            .unwrap_or_default()
            .into_iter()
            .map(|stored| {
                let AnnouncementItem { sk, entries, .. } = item::from_item(stored)?;
                let drafts = entries.into_iter().map(|entry| Draft::unpack(entry.into_vec()).map(Arc::new));
                Ok(Announcement { slot: Slot(sk), drafts: drafts.collect::<Result<_, _>>()? })
            })
            .collect()
    }
}
