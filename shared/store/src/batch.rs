//! Calls about many items of a table. DynamoDB may leave some of them undone when the table is throttled; those are tried
//! again.

use aws_sdk_dynamodb::{
    Client,
    types::{ReturnConsumedCapacity, WriteRequest, builders::KeysAndAttributesBuilder},
};

use crate::{capacity, error::StoreError, item::Item, retry::Backoff};

/// How many keys DynamoDB looks up in one call.
pub(crate) const MAX_KEYS: usize = 100;
/// How many items DynamoDB writes or deletes in one call.
pub(crate) const MAX_WRITES: usize = 25;

/// Those of the items that are there. `keys`: at most [`MAX_KEYS`], each once. `how`: what else is said of the read.
pub(crate) async fn get(
    client: &Client,
    table: &str,
    operation: &'static str,
    how: KeysAndAttributesBuilder,
    keys: Vec<Item>,
) -> Result<Vec<Item>, StoreError> {
    let (mut found, mut pending) = (Vec::with_capacity(keys.len()), keys);
    let mut pause = Backoff::new(operation);
    while !pending.is_empty() {
        let asked = how.clone().set_keys(Some(pending)).build().map_err(StoreError::corrupt)?;
        let request = client.batch_get_item().request_items(table, asked);
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let answer = answer.map_err(|error| StoreError::from_sdk(operation, &error))?;
        answer.consumed_capacity().iter().for_each(|used| capacity::read(Some(used)));
        found.extend(answer.responses.unwrap_or_default().remove(table).unwrap_or_default());
        let left = answer.unprocessed_keys.unwrap_or_default().remove(table);
        pending = left.map(|left| left.keys).unwrap_or_default();
        if !pending.is_empty() {
            pause.wait().await?;
        }
    }
    Ok(found)
}

/// Puts and deletes items, each by itself. `writes`: at most [`MAX_WRITES`], of different keys.
pub(crate) async fn write(
    client: &Client,
    table: &str,
    operation: &'static str,
    writes: Vec<WriteRequest>,
) -> Result<(), StoreError> {
    let mut pending = writes;
    let mut pause = Backoff::new(operation);
    while !pending.is_empty() {
        let request = client.batch_write_item().request_items(table, pending);
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let answer = answer.map_err(|error| StoreError::from_sdk(operation, &error))?;
        answer.consumed_capacity().iter().for_each(|used| capacity::write(Some(used)));
        pending = answer.unprocessed_items.unwrap_or_default().remove(table).unwrap_or_default();
        if !pending.is_empty() {
            pause.wait().await?;
        }
    }
    Ok(())
}
