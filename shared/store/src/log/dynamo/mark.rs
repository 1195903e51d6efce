//! The item behind the last slot of a tenant's segments: the watermark, the turn, and how far objects are swept. In one
//! item, so that the read of the log's end shows them for nothing.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use domain::ids::TenantId;
use serde::{Deserialize, Serialize};

use super::{
    super::port::{LogName, Mark, Put, Slot},
    DynamoTables,
};
use crate::{
    conditional,
    error::StoreError,
    item::{Item, n, s},
};

/// The sort key of a tenant's watermark item: after every segment, so that one backward query starts with it.
pub(super) const MARK_SLOT: u64 = domain::json::MAX_SAFE_INTEGER;

/// The item at (tenant, [`MARK_SLOT`]).
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct MarkItem {
    #[serde(default)]
    watermark: Option<u64>,
    #[serde(default)]
    turn: Option<u64>,
    #[serde(default)]
    swept: Option<u64>,
}

impl MarkItem {
    pub(super) fn mark(&self) -> Mark {
        Mark { watermark: self.watermark.unwrap_or(Mark::START.watermark), turn: self.turn.map(Slot) }
    }
}

impl DynamoTables {
    pub(super) async fn read_mark(&self, log: &LogName) -> Result<Mark, StoreError> {
        Ok(self.query_end(&log.tenant, 1).await?.0.mark())
    }

    /// Moves the watermark up; a watermark that is already there or higher stays.
    pub(super) async fn raise_watermark(&self, log: &LogName, watermark: u64) -> Result<(), StoreError> {
        let request = self
            .update_mark(&log.tenant)
            .update_expression("SET watermark = :watermark")
            .condition_expression("attribute_not_exists(watermark) OR watermark < :watermark")
            .expression_attribute_values(":watermark", n(watermark));
        put(request).await.map(drop)
    }

    /// Gives the turn to `to`, if it is `from`'s.
    pub(super) async fn update_turn(
        &self,
        log: &LogName,
        from: Option<Slot>,
        to: Option<Slot>,
    ) -> Result<Put, StoreError> {
        let mut request = self.update_mark(&log.tenant);
        request = match from {
            Some(from) => request.condition_expression("turn = :from").expression_attribute_values(":from", n(from.0)),
            None => request.condition_expression("attribute_not_exists(turn)"),
        };
        request = match to {
            Some(to) => request.update_expression("SET turn = :to").expression_attribute_values(":to", n(to.0)),
            None => request.update_expression("REMOVE turn"),
        };
        put(request).await
    }

    pub(super) async fn read_swept(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        Ok(self.query_end(tenant, 1).await?.0.swept.unwrap_or_default())
    }

    pub(super) async fn write_swept(&self, tenant: &TenantId, to: u64) -> Result<(), StoreError> {
        let request = self.update_mark(tenant).update_expression("SET swept = :to");
        put(request.expression_attribute_values(":to", n(to))).await.map(drop)
    }

    fn update_mark(&self, tenant: &TenantId) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.segments)
            .key("tenant", s(tenant.as_str()))
            .key("first", n(MARK_SLOT))
    }
}

async fn put(request: UpdateItemFluentBuilder) -> Result<Put, StoreError> {
    conditional::update("UpdateItem(Segments)", request).await
}

pub(super) fn is_mark(stored: &Item) -> bool {
    stored.get("first") == Some(&n(MARK_SLOT))
}
