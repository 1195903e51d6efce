//! Items of DynamoDB to and from the named structs beside the code that uses them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Serialize, de::DeserializeOwned};

use crate::error::StoreError;

/// One item, as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// # Errors
/// [`StoreError::Corrupt`], when the struct is none that an item can hold: a bug of ours.
pub(crate) fn to_item<T: Serialize>(value: &T) -> Result<Item, StoreError> {
    serde_dynamo::to_item(value).map_err(StoreError::corrupt)
}

/// # Errors
/// [`StoreError::Corrupt`], when the item does not hold what we write.
pub(crate) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(StoreError::corrupt)
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
