//! The items of the table, and the sort keys of its indexes.

use domain::{
    ids::{EventType, OrderId, TenantId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{CustomerId, Occurred, OrderSummary};
use crate::{
    error::StoreError,
    item::{Item, from_item, s, to_item},
};

/// The sort key of a tenant's position. No order's id has a `#`.
pub(super) const POSITION: &str = "#position";

/// The item of an order, about 350 bytes.
#[derive(Debug, Serialize, Deserialize)]
struct OrderItem {
    tenant: String,
    order_id: OrderId,
    events: u64,
    last_sequence: u64,
    last_received_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_event_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_event_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_type: Option<EventType>,
    /// The sort key of [`super::BY_DAY`]; an order without events of its producers is not in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    day_order: Option<String>,
    /// The partition key of [`super::BY_CUSTOMER`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
}

/// The item at (tenant, [`POSITION`]).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PositionItem {
    tenant: String,
    order_id: String,
    /// The first sequence number whose event is not in the items yet; a segment starts there.
    pub(super) next: u64,
}

impl PositionItem {
    pub(super) fn new(tenant: &TenantId, next: u64) -> Self {
        Self { tenant: tenant.to_string(), order_id: POSITION.to_owned(), next }
    }
}

/// What an index has of an order: the sort key and the key of the item.
#[derive(Debug, Deserialize)]
pub(super) struct IndexedOrder {
    pub(super) order_id: OrderId,
    day_order: Option<String>,
}

impl IndexedOrder {
    /// Its place in [`super::BY_DAY`], if it was read from there, or else in [`super::BY_CUSTOMER`].
    pub(super) fn sort_key(&self) -> &str {
        self.day_order.as_deref().unwrap_or(self.order_id.as_str())
    }
}

pub(super) fn key(tenant: &TenantId, sort: &str) -> Item {
    Item::from([("tenant".to_owned(), s(tenant.as_str())), ("order_id".to_owned(), s(sort))])
}

/// The UTC day of an instant: `2025-08-29`. Days sort as their texts do.
pub(super) fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

pub(super) fn customer_key(tenant: &TenantId, customer: &CustomerId) -> String {
    format!("{tenant}#{}", customer.as_str())
}

pub(super) fn order_item(tenant: &TenantId, order: &OrderSummary) -> Result<Item, StoreError> {
    let OrderSummary { order_id, events, last_sequence, last_received_at, occurred, customer_id } = order;
    let occurred = occurred.as_ref();
    to_item(&OrderItem {
        tenant: tenant.to_string(),
        order_id: order_id.clone(),
        events: *events,
        last_sequence: *last_sequence,
        last_received_at: *last_received_at,
        first_event_at: occurred.map(|occurred| occurred.first_at),
        last_event_at: occurred.map(|occurred| occurred.last_at),
        last_type: occurred.map(|occurred| occurred.last_type.clone()),
        day_order: occurred.map(|occurred| format!("{}#{order_id}", day(occurred.last_at))),
        customer: customer_id.as_ref().map(|customer| customer_key(tenant, customer)),
    })
}

pub(super) fn order_of_item(stored: Item) -> Result<OrderSummary, StoreError> {
    let item: OrderItem = from_item(stored)?;
    let OrderItem { tenant, order_id, events, last_sequence, last_received_at, .. } = item;
    let occurred = match (item.first_event_at, item.last_event_at, item.last_type) {
        (Some(first_at), Some(last_at), Some(last_type)) => Some(Occurred { first_at, last_at, last_type }),
        (None, None, None) => None,
        _ => return Err(StoreError::corrupt("an order's item lost an attribute")),
    };
    let customer_id = item.customer.map(|key| {
        let customer = key.strip_prefix(&tenant).and_then(|rest| rest.strip_prefix('#'));
        customer.and_then(|customer| customer.parse().ok()).ok_or_else(|| StoreError::corrupt("an order's customer"))
    });
    Ok(OrderSummary {
        order_id,
        events,
        last_sequence,
        last_received_at,
        occurred,
        customer_id: customer_id.transpose()?,
    })
}
