//! The calls that the append protocol is made of. Each is one round trip, or several at once.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::{put_item::PutItemError, update_item::UpdateItemError},
    types::{AttributeValue, KeysAndAttributes, PutRequest, ReturnConsumedCapacity, WriteRequest},
};
use domain::{ids::TenantId, time::Timestamp};
use futures::{StreamExt, TryStreamExt, stream};
use ledger::{Chain, Origin};
use serde::{Deserialize, Serialize};

use super::{
    index::IndexKey,
    segment::{Segment, SegmentItem},
};
use crate::{
    capacity,
    error::StoreError,
    item::{self, Item, n, s},
    retry,
};

/// The sort key of a tenant's watermark item: after every segment, so that one backward query starts with it.
const WATERMARK_SLOT: u64 = domain::json::MAX_SAFE_INTEGER;
/// The most segments of a tail that are held at once.
pub(super) const MAX_TAIL: usize = 256;
/// How often the end of a log is read again when the read was torn. What looks torn each time has lost its end.
const MAX_TORN: u32 = 5;
/// DynamoDB's limits of a batch.
pub(super) const BATCH_GET: usize = 100;
const BATCH_WRITE: usize = 25;
/// How many batches of one job are under way at once.
const PARALLEL: usize = 8;

/// The end of a tenant's log.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// Where the next event goes.
    pub(super) chain: Chain,
    /// When the last commit was made.
    pub(super) received_at: Option<Timestamp>,
    /// Everything below this sequence number is in the index.
    pub(super) watermark: u64,
    /// The segments from the watermark on; they join up.
    pub(super) tail: Vec<Segment>,
    /// The tail is longer than [`MAX_TAIL`]: `tail` is only its beginning, and nothing can be committed before that is
    /// applied.
    pub(super) behind: bool,
}

/// What became of a conditional put of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commit {
    Done,
    /// Another segment is there, or this one, from a try whose answer was lost.
    Taken,
}

#[derive(Debug, Clone)]
pub(super) struct LogTables {
    pub(super) dynamo: Client,
    pub(super) segments: String,
    pub(super) index: String,
}

/// The item at (tenant, [`WATERMARK_SLOT`]).
#[derive(Debug, Serialize, Deserialize)]
struct WatermarkItem {
    watermark: u64,
}

impl LogTables {
    /// Reads the end of the log: one round trip, unless the index is more than one segment behind.
    pub(super) async fn head(&self, tenant: &TenantId, origin: &Origin) -> Result<Head, StoreError> {
        for attempt in 0..MAX_TORN {
            if let Some(head) = self.untorn_head(tenant, origin).await? {
                return Ok(head);
            }
            retry::pause(attempt).await;
        }
        Err(StoreError::corrupt("the log ends before its watermark"))
    }

    /// None: the watermark was read after the segments, and is ahead of them, because a query is not a snapshot.
    async fn untorn_head(&self, tenant: &TenantId, origin: &Origin) -> Result<Option<Head>, StoreError> {
        const QUERY: &str = "Query(Segments)";
        let answer = self
            .dynamo
            .query()
            .table_name(&self.segments)
            .consistent_read(true)
            .scan_index_forward(false)
            // The watermark, and the one segment that it usually leaves open.
            .limit(2)
            .key_condition_expression("tenant = :tenant")
            .expression_attribute_values(":tenant", s(tenant.as_str()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(QUERY, &error))?;
        capacity::read(answer.consumed_capacity());

        let mut watermark = 1;
        let mut newest: Vec<SegmentItem> = Vec::with_capacity(2);
        for stored in answer.items.unwrap_or_default() {
            if stored.contains_key("watermark") {
                watermark = item::from_item::<WatermarkItem>(stored)?.watermark;
            } else {
                newest.push(item::from_item(stored)?);
            }
        }
        newest.reverse();
        let Some(last) = newest.last() else {
            return Ok((watermark == 1).then(|| Head {
                chain: Chain::new(origin.clone()),
                received_at: None,
                watermark,
                tail: vec![],
                behind: false,
            }));
        };
        let (chain, received_at) = (last.chain(), Some(last.received_at));
        if chain.origin() != origin {
            return Err(StoreError::corrupt(format_args!("the log's origin is {}, not {origin}", chain.origin())));
        }

        if last.next() < watermark {
            return Ok(None);
        }
        let mut items: Vec<SegmentItem> = newest.into_iter().filter(|segment| segment.next() > watermark).collect();
        let mut behind = false;
        if let Some(lowest) = items.first().map(|segment| segment.first)
            && lowest > watermark
        {
            let mut open = self.segments_between(tenant, watermark, lowest - 1, MAX_TAIL).await?;
            behind = open.last().is_none_or(|segment| segment.next() < lowest);
            if behind {
                items = open;
            } else {
                open.append(&mut items);
                items = open;
            }
        }
        let tail = items.iter().map(SegmentItem::open).collect::<Result<Vec<_>, _>>()?;
        let mut next = watermark;
        for segment in &tail {
            if segment.first != next {
                return Err(StoreError::corrupt(format_args!("the log has no segment at {next}")));
            }
            next = segment.next();
        }
        Ok(Some(Head { chain, received_at, watermark, tail, behind }))
    }

    /// Segments that start between two sequence numbers, both included, in order; at most `limit`.
    pub(super) async fn segments_between(
        &self,
        tenant: &TenantId,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Result<Vec<SegmentItem>, StoreError> {
        let mut found = Vec::new();
        let mut start = None;
        while found.len() < limit {
            let answer = self
                .dynamo
                .query()
                .table_name(&self.segments)
                .consistent_read(true)
                .limit(i32::try_from(limit - found.len()).unwrap_or(i32::MAX))
                .key_condition_expression("tenant = :tenant AND #first BETWEEN :from AND :to")
                .expression_attribute_names("#first", "first")
                .expression_attribute_values(":tenant", s(tenant.as_str()))
                .expression_attribute_values(":from", n(from))
                .expression_attribute_values(":to", n(to.min(WATERMARK_SLOT - 1)))
                .set_exclusive_start_key(start.take())
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| StoreError::from_sdk("Query(Segments)", &error))?;
            capacity::read(answer.consumed_capacity());
            for stored in answer.items.unwrap_or_default() {
                found.push(item::from_item(stored)?);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// Those of the items that are there, strongly consistent and without their bodies.
    pub(super) async fn lookup(&self, keys: Vec<IndexKey>) -> Result<HashMap<IndexKey, Item>, StoreError> {
        let batches: Vec<_> = keys.chunks(BATCH_GET).map(<[_]>::to_vec).collect();
        stream::iter(batches)
            .map(|batch| self.lookup_batch(batch))
            .buffer_unordered(PARALLEL)
            .try_fold(HashMap::with_capacity(keys.len()), |mut all, found| async move {
                all.extend(found);
                Ok(all)
            })
            .await
    }

    async fn lookup_batch(&self, keys: Vec<IndexKey>) -> Result<HashMap<IndexKey, Item>, StoreError> {
        const OPERATION: &str = "BatchGetItem(Index)";
        let mut found = HashMap::with_capacity(keys.len());
        let mut pending: Vec<Item> = keys.iter().map(IndexKey::to_item).collect();
        let mut pause = retry::Backoff::new(OPERATION);
        while !pending.is_empty() {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(pending))
                .consistent_read(true)
                .projection_expression(
                    "pk, sk, event_id, order_id, #sequence, received_at, sha256, ledger_hash, submitted",
                )
                .expression_attribute_names("#sequence", "sequence")
                .build()
                .map_err(StoreError::corrupt)?;
            let answer = self
                .dynamo
                .batch_get_item()
                .request_items(&self.index, request)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
            answer.consumed_capacity().iter().for_each(|used| capacity::read(Some(used)));
            for stored in answer.responses.unwrap_or_default().remove(&self.index).unwrap_or_default() {
                found.insert(item::from_item(stored.clone())?, stored);
            }
            let left = answer.unprocessed_keys.unwrap_or_default().remove(&self.index);
            pending = left.map(|left| left.keys).unwrap_or_default();
            if !pending.is_empty() {
                pause.wait().await?;
            }
        }
        Ok(found)
    }

    /// Puts a segment where nothing is: the commit.
    pub(super) async fn commit(&self, tenant: &TenantId, segment: &Segment) -> Result<Commit, StoreError> {
        let result = self
            .dynamo
            .put_item()
            .table_name(&self.segments)
            .set_item(Some(segment.to_item(tenant.as_str())?))
            .condition_expression("attribute_not_exists(tenant)")
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match result {
            Ok(answer) => {
                capacity::write(answer.consumed_capacity());
                Ok(Commit::Done)
            }
            Err(SdkError::ServiceError(refusal))
                if matches!(refusal.err(), PutItemError::ConditionalCheckFailedException(_)) =>
            {
                Ok(Commit::Taken)
            }
            Err(error) => Err(StoreError::from_sdk("PutItem(Segments)", &error)),
        }
    }

    /// Writes index items; writing them again changes nothing.
    pub(super) async fn apply(&self, items: Vec<Item>) -> Result<(), StoreError> {
        let batches: Vec<_> = items.chunks(BATCH_WRITE).map(<[_]>::to_vec).collect();
        stream::iter(batches).map(|batch| self.apply_batch(batch)).buffer_unordered(PARALLEL).try_collect().await
    }

    async fn apply_batch(&self, items: Vec<Item>) -> Result<(), StoreError> {
        const OPERATION: &str = "BatchWriteItem(Index)";
        let mut pending = items
            .into_iter()
            .map(|item| {
                let put = PutRequest::builder().set_item(Some(item)).build().map_err(StoreError::corrupt)?;
                Ok(WriteRequest::builder().put_request(put).build())
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        let mut pause = retry::Backoff::new(OPERATION);
        while !pending.is_empty() {
            let answer = self
                .dynamo
                .batch_write_item()
                .request_items(&self.index, pending)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
            answer.consumed_capacity().iter().for_each(|used| capacity::write(Some(used)));
            pending = answer.unprocessed_items.unwrap_or_default().remove(&self.index).unwrap_or_default();
            if !pending.is_empty() {
                pause.wait().await?;
            }
        }
        Ok(())
    }

    /// Moves the watermark up; a watermark that is already there or higher stays.
    pub(super) async fn raise(&self, tenant: &TenantId, watermark: u64) -> Result<(), StoreError> {
        let result = self
            .dynamo
            .update_item()
            .table_name(&self.segments)
            .key("tenant", s(tenant.as_str()))
            .key("first", n(WATERMARK_SLOT))
            .update_expression("SET watermark = :watermark")
            .condition_expression("attribute_not_exists(watermark) OR watermark < :watermark")
            .expression_attribute_values(":watermark", AttributeValue::N(watermark.to_string()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match result {
            Ok(answer) => {
                capacity::write(answer.consumed_capacity());
                Ok(())
            }
            Err(SdkError::ServiceError(refusal))
                if matches!(refusal.err(), UpdateItemError::ConditionalCheckFailedException(_)) =>
            {
                Ok(())
            }
            Err(error) => Err(StoreError::from_sdk("UpdateItem(Segments)", &error)),
        }
    }
}
