//! The tables behind the service, with the rights of the account's owner.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use super::Stack;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The tables.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    client: Client,
    pub(crate) segments: &'static str,
    pub(crate) index: &'static str,
    pub(crate) failures: &'static str,
}

pub(crate) fn s(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn n(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The text at `name` of an item.
#[track_caller]
pub(crate) fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).unwrap_or_else(|| panic!("no text {name} in {item:?}"))
}

/// The whole number at `name` of an item.
#[track_caller]
pub(crate) fn number(item: &Item, name: &str) -> u64 {
    let number = item.get(name).and_then(|value| value.as_n().ok()?.parse().ok());
    number.unwrap_or_else(|| panic!("no number {name} in {item:?}"))
}

/// The bytes at `name` of an item.
#[track_caller]
pub(crate) fn binary<'a>(item: &'a Item, name: &str) -> &'a [u8] {
    item.get(name).and_then(|value| value.as_b().ok()).unwrap_or_else(|| panic!("no bytes {name} in {item:?}")).as_ref()
}

impl Tables {
    /// The sort key of the item that holds a tenant's watermark.
    pub(crate) const WATERMARK: u64 = 9_007_199_254_740_991;

    pub(crate) async fn new() -> Self {
        let stack = Stack::get();
        Self {
            client: Client::new(&stack.aws().await),
            segments: stack.output("SegmentsTableName"),
            index: stack.output("IndexTableName"),
            failures: stack.output("FailuresTableName"),
        }
    }

    /// A tenant's segments, in order.
    pub(crate) async fn segments(&self, tenant: &str) -> Vec<Item> {
        let mut items = self.query(self.segments, "tenant", tenant).await;
        items.retain(|item| item.contains_key("data"));
        items
    }

    /// How far the index of a tenant's log is known to be complete.
    pub(crate) async fn watermark(&self, tenant: &str) -> Option<u64> {
        let key = Self::segment_key(tenant, Self::WATERMARK);
        let read = self.client.get_item().table_name(self.segments).set_key(Some(key)).consistent_read(true);
        read.send().await.unwrap().item.map(|item| number(&item, "watermark"))
    }

    pub(crate) fn segment_key(tenant: &str, first: u64) -> Item {
        Item::from([("tenant".to_owned(), s(tenant)), ("first".to_owned(), n(first))])
    }

    pub(crate) fn index_key(pk: String, sk: u64) -> Item {
        Item::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), n(sk))])
    }

    /// All items under a partition key, in the order of their sort keys.
    pub(crate) async fn query(&self, table: &str, key: &str, value: &str) -> Vec<Item> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let query = self.client.query().table_name(table).consistent_read(true).key_condition_expression("#k = :v");
            let query = query.expression_attribute_names("#k", key).expression_attribute_values(":v", s(value));
            let page = query.set_exclusive_start_key(start).send().await.unwrap();
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return items;
            }
        }
    }

    pub(crate) async fn put(&self, table: &str, item: Item) {
        self.client.put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
    }

    /// Deletes an item, which must be there.
    pub(crate) async fn delete(&self, table: &str, key: Item) {
        let there = format!("attribute_exists({})", if key.contains_key("pk") { "pk" } else { "tenant" });
        let delete = self.client.delete_item().table_name(table).set_key(Some(key)).condition_expression(there);
        delete.send().await.unwrap();
    }
}
