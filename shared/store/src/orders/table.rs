//! The calls on the table.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::{
    Client,
    operation::put_item::builders::PutItemFluentBuilder,
    types::{KeysAndAttributes, ReturnConsumedCapacity},
};
use domain::ids::{OrderId, TenantId};
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    BY_CUSTOMER, BY_DAY, CustomerId, OrderSummary,
    item::{IndexedOrder, POSITION, PositionItem, customer_key, key, order_item, order_of_item},
};
use crate::{
    batch, capacity,
    conditional::{self, Put},
    error::StoreError,
    item::{Item, from_item, n, s, to_item},
};

/// How many batches are under way at once.
const BATCHES: usize = 8;

/// The table Orders.
#[derive(Debug, Clone)]
pub(super) struct OrderTable {
    pub(super) dynamo: Client,
    pub(super) name: String,
}

/// Which index is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Index<'a> {
    ByDay,
    ByCustomer(&'a CustomerId),
}

impl OrderTable {
    /// Those of the orders that are there. Half a read unit each, or one if it must be consistent.
    pub(super) async fn get_all(
        &self,
        tenant: &TenantId,
        ids: BTreeSet<OrderId>,
        consistent: bool,
    ) -> Result<BTreeMap<OrderId, OrderSummary>, StoreError> {
        let keys: Vec<_> = ids.into_iter().map(|id| key(tenant, id.as_str())).collect();
        let batches: Vec<_> = keys.chunks(batch::MAX_KEYS).map(<[_]>::to_vec).collect();
        stream::iter(batches)
            .map(|batch| self.get_batch(batch, consistent))
            .buffer_unordered(BATCHES)
            .try_fold(BTreeMap::new(), |mut all, found| async move {
                all.extend(found.into_iter().map(|order| (order.order_id.clone(), order)));
                Ok(all)
            })
            .await
    }

    async fn get_batch(&self, keys: Vec<Item>, consistent: bool) -> Result<Vec<OrderSummary>, StoreError> {
        let how = KeysAndAttributes::builder().consistent_read(consistent);
        let found = batch::get(&self.dynamo, &self.name, "BatchGetItem(Orders)", how, keys).await?;
        found.into_iter().map(order_of_item).collect()
    }

    /// Replaces an order's item, if it is still the one that was read. A customer that was erased in between stays
    /// erased.
    pub(super) async fn put(
        &self,
        tenant: &TenantId,
        before: Option<&OrderSummary>,
        after: &OrderSummary,
    ) -> Result<Put, StoreError> {
        let request = self.dynamo.put_item().set_item(Some(order_item(tenant, after)?));
        let request = match before {
            None => request.condition_expression("attribute_not_exists(tenant)"),
            Some(before) => {
                let request = request.expression_attribute_values(":last", n(before.last_sequence));
                match &before.customer_id {
                    None => request.condition_expression("last_sequence = :last AND attribute_not_exists(customer)"),
                    Some(customer) => request
                        .condition_expression("last_sequence = :last AND customer = :customer")
                        .expression_attribute_values(":customer", s(customer_key(tenant, customer))),
                }
            }
        };
        self.put_if(request).await
    }

    /// The first sequence number that is not in the items yet, strongly consistent; none before the first event.
    pub(super) async fn position(&self, tenant: &TenantId) -> Result<Option<u64>, StoreError> {
        let answer = self
            .dynamo
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key(tenant, POSITION)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("GetItem(Orders)", &error))?;
        capacity::read(answer.consumed_capacity());
        answer.item.map(|stored| Ok(from_item::<PositionItem>(stored)?.next)).transpose()
    }

    /// Moves the position up; one that is there already, or further, stays.
    pub(super) async fn raise_position(&self, tenant: &TenantId, next: u64) -> Result<(), StoreError> {
        let request = self
            .dynamo
            .put_item()
            .set_item(Some(to_item(&PositionItem::new(tenant, next))?))
            .condition_expression("attribute_not_exists(tenant) OR #next < :next")
            .expression_attribute_names("#next", "next")
            .expression_attribute_values(":next", n(next));
        self.put_if(request).await.map(drop)
    }

    async fn put_if(&self, request: PutItemFluentBuilder) -> Result<Put, StoreError> {
        conditional::put("PutItem(Orders)", request.table_name(&self.name)).await
    }

    /// What an index has between two sort keys, both included, in their order: at most `limit`, and whether there is
    /// more.
    pub(super) async fn query(
        &self,
        tenant: &TenantId,
        index: Index<'_>,
        low: &str,
        high: &str,
        limit: usize,
    ) -> Result<(Vec<IndexedOrder>, bool), StoreError> {
        let (name, partition, value, sort) = match index {
            Index::ByDay => (BY_DAY, "tenant", tenant.to_string(), "day_order"),
            Index::ByCustomer(customer) => (BY_CUSTOMER, "customer", customer_key(tenant, customer), "order_id"),
        };
        let answer = self
            .dynamo
            .query()
            .table_name(&self.name)
            .index_name(name)
            // One more, to know whether there is one.
            .limit(i32::try_from(limit + 1).unwrap_or(i32::MAX))
            .key_condition_expression("#partition = :partition AND #sort BETWEEN :low AND :high")
            .expression_attribute_names("#partition", partition)
            .expression_attribute_names("#sort", sort)
            .expression_attribute_values(":partition", s(value))
            .expression_attribute_values(":low", s(low))
            .expression_attribute_values(":high", s(high))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("Query(Orders)", &error))?;
        capacity::read(answer.consumed_capacity());
        let mut more = answer.last_evaluated_key().is_some();
        let mut found = answer.items.unwrap_or_default();
        if found.len() > limit {
            found.truncate(limit);
            more = true;
        }
        let found = found.into_iter().map(from_item).collect::<Result<_, StoreError>>()?;
        Ok((found, more))
    }
}
