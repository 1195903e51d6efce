//! The table of the index: events by their ids, orders' timelines.

use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, PutRequest, ReturnConsumedCapacity, WriteRequest};
use domain::ids::{OrderId, TenantId};
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    super::{
        index::{EventItem, Found, IndexItem, IndexKey, Listing, RecordedEvent, recorded_from_item},
        port::{LogName, Slot},
    },
    DynamoTables, PARALLEL, inbox,
};
use crate::{
    batch::{self, MAX_KEYS, MAX_WRITES},
    capacity,
    error::StoreError,
    item::{self, Item, n, s},
};

/// One write of a batch.
#[derive(Debug, Clone)]
enum Write {
    Put(IndexItem),
    Remove(Slot),
}

impl Write {
    fn to_request(&self, tenant: &TenantId) -> Result<WriteRequest, StoreError> {
        let request = WriteRequest::builder();
        Ok(match self {
            Self::Put(item) => {
                let put = PutRequest::builder().set_item(Some(item.to_item(tenant)?));
                request.put_request(put.build().map_err(StoreError::corrupt)?)
            }
            Self::Remove(slot) => {
                let delete = DeleteRequest::builder().set_key(Some(inbox::key(tenant, *slot).to_item()));
                request.delete_request(delete.build().map_err(StoreError::corrupt)?)
            }
        }
        .build())
    }
}

impl DynamoTables {
    /// Those of the items that are there, strongly consistent and without their bodies.
    pub(super) async fn look_up(&self, keys: Vec<IndexKey>) -> Result<Found, StoreError> {
        let batches: Vec<_> = keys.chunks(MAX_KEYS).map(<[_]>::to_vec).collect();
        stream::iter(batches)
            .map(|batch| self.lookup_batch(batch))
            .buffer_unordered(PARALLEL)
            .try_fold(Found::new(), |mut all, found| async move {
                all.extend(found);
                Ok(all)
            })
            .await
    }

    async fn lookup_batch(&self, keys: Vec<IndexKey>) -> Result<Found, StoreError> {
        let how = KeysAndAttributes::builder()
            .consistent_read(true)
            .projection_expression("pk, sk, event_id, order_id, #sequence, received_at, sha256, ledger_hash, submitted")
            .expression_attribute_names("#sequence", "sequence");
        let keys = keys.iter().map(IndexKey::to_item).collect();
        let mut found = Found::new();
        for stored in batch::get(&self.client, &self.index, "BatchGetItem(Index)", how, keys).await? {
            let by_id = stored.contains_key("event_id");
            let key = item::from_item(stored.clone())?;
            found.insert(key, if by_id { Some(item::from_item(stored)?) } else { None });
        }
        Ok(found)
    }

    /// Index items and announcements share their table, so that one batch writes the ones and removes the others.
    pub(super) async fn write_index(
        &self,
        log: &LogName,
        items: Vec<IndexItem>,
        taken: Vec<Slot>,
    ) -> Result<(), StoreError> {
        let writes: Vec<_> = items.into_iter().map(Write::Put).chain(taken.into_iter().map(Write::Remove)).collect();
        let batches: Vec<_> = writes.chunks(MAX_WRITES).map(<[_]>::to_vec).collect();
        stream::iter(batches).map(|batch| self.write_batch(log, batch)).buffer_unordered(PARALLEL).try_collect().await
    }

    async fn write_batch(&self, log: &LogName, writes: Vec<Write>) -> Result<(), StoreError> {
        let writes = writes.iter().map(|write| write.to_request(&log.tenant)).collect::<Result<_, StoreError>>()?;
        batch::write(&self.client, &self.index, "BatchWriteItem(Index)", writes).await
    }

    pub(super) async fn get(&self, key: &IndexKey) -> Result<Option<EventItem>, StoreError> {
        self.get_item(key).await?.map(item::from_item).transpose()
    }

    pub(super) async fn get_recorded(&self, key: &IndexKey) -> Result<Option<RecordedEvent>, StoreError> {
        self.get_item(key).await?.map(recorded_from_item).transpose()
    }

    async fn get_item(&self, key: &IndexKey) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.index)
            .set_key(Some(key.to_item()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("GetItem(Index)", &error))?;
        capacity::read(answer.consumed_capacity());
        Ok(answer.item)
    }

    pub(super) async fn query_newest(&self, log: &LogName, order_id: OrderId) -> Result<Option<u64>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.index)
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(1)
            .key_condition_expression("pk = :pk")
            .projection_expression("pk, sk")
            .expression_attribute_values(":pk", s(Listing::Timeline.key(&log.tenant, &order_id)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("Query(Index)", &error))?;
        capacity::read(answer.consumed_capacity());
        let found = answer.items.unwrap_or_default().pop();
        found.map(|stored| Ok(item::from_item::<IndexKey>(stored)?.sk)).transpose()
    }

    pub(super) async fn query_order(
        &self,
        partition: String,
        after: u64,
        limit: i32,
    ) -> Result<(Vec<RecordedEvent>, bool), StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.index)
            .consistent_read(true)
            .limit(limit)
            .key_condition_expression("pk = :pk AND sk > :after")
            .expression_attribute_values(":pk", s(partition))
            .expression_attribute_values(":after", n(after))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("Query(Index)", &error))?;
        capacity::read(answer.consumed_capacity());
        let last = answer.last_evaluated_key().is_none();
        let events = answer.items.unwrap_or_default().into_iter().map(recorded_from_item).collect::<Result<_, _>>()?;
        Ok((events, last))
    }
}
