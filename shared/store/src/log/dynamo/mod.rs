//! The log's tables in DynamoDB.

mod inbox;
mod index;
mod segments;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use domain::ids::{OrderId, TenantId};

#[cfg(feature = "testing")]
pub(super) use inbox::announcement_item;

use super::{
    index::{EventItem, Found, IndexItem, IndexKey, RecordedEvent},
    port::{Announcement, Answer, Head, LogName, Mark, Put, Slot, Tables},
    segment::{Segment, StoredSegment},
};

/// How many batches of one job are under way at once.
const PARALLEL: usize = 8;

/// The tables Segments and Index.
#[derive(Debug, Clone)]
pub(super) struct DynamoTables {
    pub(super) client: Client,
    pub(super) segments: String,
    pub(super) index: String,
}

impl Tables for DynamoTables {
    fn head<'a>(&'a self, log: &'a LogName) -> Answer<'a, Head> {
        Box::pin(self.read_head(log))
    }

    fn mark<'a>(&'a self, log: &'a LogName) -> Answer<'a, Mark> {
        Box::pin(self.read_mark(log))
    }

    fn lookup<'a>(&'a self, log: &'a LogName, keys: Vec<IndexKey>) -> Answer<'a, Found> {
        let _ = log;
        Box::pin(self.look_up(keys))
    }

    fn commit<'a>(&'a self, log: &'a LogName, segment: Arc<Segment>) -> Answer<'a, Put> {
        Box::pin(self.put_segment(log, segment))
    }

    fn apply<'a>(&'a self, log: &'a LogName, items: Vec<IndexItem>, taken: Vec<Slot>) -> Answer<'a, ()> {
        Box::pin(self.write_index(log, items, taken))
    }

    fn raise<'a>(&'a self, log: &'a LogName, watermark: u64) -> Answer<'a, ()> {
        Box::pin(self.raise_watermark(log, watermark))
    }

    fn pass_turn<'a>(&'a self, log: &'a LogName, from: Option<Slot>, to: Option<Slot>) -> Answer<'a, Put> {
        Box::pin(self.update_turn(log, from, to))
    }

    fn announce<'a>(&'a self, log: &'a LogName, announcement: Announcement) -> Answer<'a, Put> {
        Box::pin(self.put_announcement(log, announcement))
    }

    fn announced<'a>(&'a self, log: &'a LogName) -> Answer<'a, Vec<Announcement>> {
        Box::pin(self.read_inbox(log))
    }

    fn segments_between<'a>(
        &'a self,
        tenant: &'a TenantId,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Answer<'a, Vec<StoredSegment>> {
        Box::pin(async move {
            let items = self.query_segments(tenant, from, to, limit).await?;
            Ok(items.into_iter().map(|item| StoredSegment::Packed(Box::new(item))).collect())
        })
    }

    fn segment_before<'a>(&'a self, tenant: &'a TenantId, sequence: u64) -> Answer<'a, Option<StoredSegment>> {
        Box::pin(self.query_segment_before(tenant, sequence))
    }

    fn place<'a>(&'a self, key: &'a IndexKey) -> Answer<'a, Option<EventItem>> {
        Box::pin(self.get(key))
    }

    fn recorded<'a>(&'a self, key: &'a IndexKey) -> Answer<'a, Option<RecordedEvent>> {
        Box::pin(self.get_recorded(key))
    }

    fn of_order<'a>(
        &'a self,
        tenant: &'a TenantId,
        order_id: &'a OrderId,
        after: u64,
        limit: i32,
    ) -> Answer<'a, (Vec<RecordedEvent>, bool)> {
        Box::pin(self.query_order(tenant, order_id, after, limit))
    }
}
