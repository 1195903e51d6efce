//! The log's tables in DynamoDB.

mod inbox;
mod index;
mod mark;
mod objects;
mod segments;

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::Client;
use domain::ids::{OrderId, TenantId};

#[cfg(feature = "testing")]
pub(super) use inbox::announcement_item;

use super::{
    index::{EventItem, Found, IndexItem, IndexKey, Listing, RecordedEvent},
    port::{Announcement, Answer, Head, LogName, Mark, Put, Slot, StagedObject, Tables},
    segment::Segment,
    stored::{SegmentItem, StoredSegment},
};

pub(super) use objects::Objects;

use crate::error::StoreError;

/// How many batches of one job are under way at once.
const PARALLEL: usize = 8;

/// The tables Segments and Index.
#[derive(Debug, Clone)]
pub(super) struct DynamoTables {
    pub(super) client: Client,
    pub(super) segments: String,
    pub(super) index: String,
    /// None: nothing is staged.
    pub(super) objects: Option<Objects>,
}

impl DynamoTables {
    fn objects(&self) -> Result<&Objects, StoreError> {
        self.objects
            .as_ref()
            .ok_or_else(|| StoreError::corrupt("a segment's entries are in a bucket that is not known"))
    }

    pub(super) async fn open_item(&self, item: &SegmentItem) -> Result<Arc<Segment>, StoreError> {
        let object = match item.object() {
            Some(key) => Some(self.objects()?.get(key).await?),
            None => None,
        };
        item.open(object.as_deref()).map(Arc::new)
    }
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

    fn newest_of<'a>(&'a self, log: &'a LogName, order_id: OrderId) -> Answer<'a, Option<u64>> {
        Box::pin(self.query_newest(log, order_id))
    }

    fn stage<'a>(&'a self, log: &'a LogName, segment: Arc<Segment>) -> Answer<'a, ()> {
        Box::pin(async move { self.objects()?.put(&log.tenant, &segment).await })
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

    fn open<'a>(&'a self, segment: StoredSegment) -> Answer<'a, Arc<Segment>> {
        Box::pin(async move {
            match segment {
                StoredSegment::Packed(item) => self.open_item(&item).await,
                #[cfg(feature = "testing")]
                StoredSegment::Ready(segment) => Ok(segment),
            }
        })
    }

    fn staged<'a>(&'a self, tenant: &'a TenantId, from: u64, older_than: Duration) -> Answer<'a, Vec<StagedObject>> {
        Box::pin(async move { self.objects()?.list(tenant, from, older_than).await })
    }

    fn staging_tenants(&self) -> Answer<'_, Vec<TenantId>> {
        Box::pin(async move {
            match &self.objects {
                Some(objects) => objects.tenants().await,
                None => Ok(vec![]),
            }
        })
    }

    fn swept<'a>(&'a self, tenant: &'a TenantId) -> Answer<'a, u64> {
        Box::pin(self.read_swept(tenant))
    }

    fn note_swept<'a>(&'a self, tenant: &'a TenantId, to: u64) -> Answer<'a, ()> {
        Box::pin(self.write_swept(tenant, to))
    }

    fn discard<'a>(&'a self, tenant: &'a TenantId, objects: Vec<StagedObject>) -> Answer<'a, ()> {
        let _ = tenant;
        Box::pin(async move { self.objects()?.delete(objects).await })
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
        listing: Listing,
        after: u64,
        limit: i32,
    ) -> Answer<'a, (Vec<RecordedEvent>, bool)> {
        Box::pin(self.query_order(listing.key(tenant, order_id), after, limit))
    }
}
