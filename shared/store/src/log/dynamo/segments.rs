//! The table of segments: the log itself, and behind its last slot what `mark` holds.

use std::sync::Arc;

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use domain::ids::TenantId;
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    super::{
        port::{END, Head, LogName, MAX_TAIL, Mark, Put, Tip},
        segment::Segment,
        stored::{self, SegmentItem, StoredSegment},
    },
    DynamoTables, PARALLEL,
    mark::{MARK_SLOT, MarkItem, is_mark},
};
use crate::{
    capacity, conditional,
    error::StoreError,
    item::{self, n, s},
    retry,
};

/// How often the end of a log is read again when the read was torn. What looks torn each time has lost its end.
const MAX_TORN: u32 = 5;

/// How much of a tail is held at once, unpacked.
const MAX_TAIL_BYTES: u64 = 32 * 1024 * 1024;

impl DynamoTables {
    /// One round trip, unless the index is more than [`END`] segments behind.
    pub(super) async fn read_head(&self, log: &LogName) -> Result<Head, StoreError> {
        let (mark, mut newest) = self.untorn_end(&log.tenant).await?;
        newest.reverse();
        let tip = newest.last().map(|last| Tip { chain: last.chain(), received_at: last.received_at });
        let mut items: Vec<SegmentItem> =
            newest.into_iter().filter(|segment| segment.next() > mark.watermark).collect();
        let mut behind = false;
        if let Some(lowest) = items.first().map(|segment| segment.first)
            && lowest > mark.watermark
        {
            let mut open = self.query_segments(&log.tenant, mark.watermark, lowest - 1, MAX_TAIL).await?;
            behind = open.last().is_none_or(|segment| segment.next() < lowest);
            if !behind {
                open.append(&mut items);
            }
            items = open;
        }
        // As many as memory is good for: the rest is for the next look.
        let mut room = MAX_TAIL_BYTES;
        let fits = items.iter().position(|item| {
            let left = room.checked_sub(item.weight());
            room = left.unwrap_or_default();
            left.is_none()
        });
        if let Some(fits) = fits {
            behind |= fits.max(1) < items.len();
            items.truncate(fits.max(1));
        }
        let open = |item: SegmentItem| async move { self.open_item(&item).await };
        let tail = stream::iter(items).map(open).buffered(PARALLEL).try_collect().await?;
        Head::join(log, mark, tip, tail, behind)
    }

    /// The watermark, and the segments that it usually leaves open. A query is not a snapshot: the watermark may have
    /// been read after the segments, and be ahead of them. Read again, until it is not.
    async fn untorn_end(&self, tenant: &TenantId) -> Result<(Mark, Vec<SegmentItem>), StoreError> {
        for attempt in 0..MAX_TORN {
            let (mark, newest) = self.query_end(tenant, 1 + END).await?;
            let mark = mark.mark();
            if newest.first().map_or(Mark::START.watermark, SegmentItem::next) >= mark.watermark {
                return Ok((mark, newest));
            }
            retry::pause(attempt).await;
        }
        Err(StoreError::corrupt("the log ends before its watermark"))
    }

    /// The last items of a tenant's partition, the last one first.
    pub(super) async fn query_end(
        &self,
        tenant: &TenantId,
        limit: usize,
    ) -> Result<(MarkItem, Vec<SegmentItem>), StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.segments)
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .key_condition_expression("tenant = :tenant")
            .expression_attribute_values(":tenant", s(tenant.as_str()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("Query(Segments)", &error))?;
        capacity::read(answer.consumed_capacity());
        let mut mark = MarkItem::default();
        let mut newest = Vec::with_capacity(END);
        for stored in answer.items.unwrap_or_default() {
            if is_mark(&stored) {
                mark = item::from_item(stored)?;
            } else {
                newest.push(item::from_item(stored)?);
            }
        }
        Ok((mark, newest))
    }

    /// Segments that start between two sequence numbers, both included, in order; at most `limit`.
    pub(super) async fn query_segments(
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
                .client
                .query()
                .table_name(&self.segments)
                .consistent_read(true)
                .limit(i32::try_from(limit - found.len()).unwrap_or(i32::MAX))
                .key_condition_expression("tenant = :tenant AND #first BETWEEN :from AND :to")
                .expression_attribute_names("#first", "first")
                .expression_attribute_values(":tenant", s(tenant.as_str()))
                .expression_attribute_values(":from", n(from))
                .expression_attribute_values(":to", n(to.min(MARK_SLOT - 1)))
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

    /// Puts a segment where nothing is: the commit.
    pub(super) async fn put_segment(&self, log: &LogName, segment: Arc<Segment>) -> Result<Put, StoreError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.segments)
            .set_item(Some(stored::to_item(&log.tenant, &segment)?))
            .condition_expression("attribute_not_exists(tenant)");
        conditional::put("PutItem(Segments)", request).await
    }

    pub(super) async fn query_segment_before(
        &self,
        tenant: &TenantId,
        sequence: u64,
    ) -> Result<Option<StoredSegment>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.segments)
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(1)
            .key_condition_expression("tenant = :tenant AND #first <= :sequence")
            .expression_attribute_names("#first", "first")
            .expression_attribute_values(":tenant", s(tenant.as_str()))
            .expression_attribute_values(":sequence", n(sequence.min(MARK_SLOT - 1)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("Query(Segments)", &error))?;
        capacity::read(answer.consumed_capacity());
        let stored = answer.items.unwrap_or_default().pop();
        stored.map(|stored| Ok(StoredSegment::Packed(Box::new(item::from_item(stored)?)))).transpose()
    }
}
